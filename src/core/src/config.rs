//! The form of API keys, which the emulator has. A client checks it where it reads its settings
//! (`js/src/engine/settings.ts`).

use crate::error::{Code, Error};
use alloc::string::String;
use zeroize::Zeroizing;

/// A secret API key. Its `Debug` does not show it; its memory is wiped when dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl core::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    /// Checks the form: `sk_`, then letters, digits, `_`, `-`. `field` names where it came from. No message
    /// shows any of it.
    pub fn new(field: &str, text: String) -> Result<Self, Error> {
        let text = Zeroizing::new(text);
        let wrong = |message: &str| Err(Error::about_field(Code::InvalidApiKey, field, message));
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.trim().len() != text.len() {
            return wrong("it has spaces or line breaks at its ends; remove them");
        }
        if text.starts_with("client_") {
            return wrong("this is a client ID; an API key starts with sk_");
        }
        if text.starts_with("pk_") {
            return wrong("this is a publishable key; Vault needs a secret key, which starts with sk_");
        }
        if !text.starts_with("sk_") {
            return wrong("a secret API key starts with sk_");
        }
        if text.len() < 8 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return wrong("it is cut off or has characters that no API key has");
        }
        Ok(ApiKey(text))
    }

    /// The key itself, for the `Authorization` header and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
