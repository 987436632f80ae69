//! Data keys: 256-bit keys for encryption outside the Vault, handed out with copies of themselves that are
//! wrapped by the context's keys.
//!
//! Shapes: WorkOS's API description, v0.61.0, paths below `/vault/v1/keys`.

use crate::error::{Error, Problem};
use crate::key_context::KeyContext;
use crate::reader::Reader;
use crate::tree::Tree;
use alloc::string::String;
use alloc::vec::Vec;

/// Whether a text is standard padded base64 (RFC 4648, section 4), and of something.
fn is_base64(text: &str) -> bool {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    let digits = text.as_bytes().get(..text.len() - padding).unwrap_or_default();
    let unused = match (padding, digits.len() % 4) {
        (0, 0) => 0,
        (1, 3) => 3,
        (2, 2) => 15,
        _ => return false,
    };
    let value = |byte: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|d| *d == byte)
    };
    // Of the last one, the bits that mean nothing are zero.
    let mut last = None;
    for digit in digits {
        last = value(*digit);
        if last.is_none() {
            return false;
        }
    }
    last.is_some_and(|last| last & unused == 0)
}

fn wrapped_keys(field: &str, text: String) -> Result<String, Problem> {
    check_wrapped_keys(field, &text).map(|()| text)
}

/// Checks the wrapped copies of a data key, as a text.
pub(crate) fn check_wrapped_keys(field: &str, text: &str) -> Result<(), Problem> {
    if is_base64(text) {
        return Ok(());
    }
    let empty = text.is_empty();
    Err(Problem::new(
        field,
        if empty {
            "expected wrapped keys, got an empty text"
        } else {
            "expected standard padded base64, as createDataKey returned it"
        },
    ))
}

/// `decryptDataKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecryptDataKey(pub String);

impl DecryptDataKey {
    /// From the wire's `{keys}`.
    pub fn from_wire<'a>(body: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let keys = reader.checked("keys", wrapped_keys);
        reader.finish(keys.map(Self))
    }
}

/// `createRekey`: unwraps a data key and wraps it under another context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRekey {
    /// The wrapped copies as they are.
    pub encrypted_keys: String,
    /// The context to wrap under.
    pub context: KeyContext,
}

impl CreateRekey {
    /// From the wire's `{encrypted_keys, context}`.
    pub fn from_wire<'a>(body: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let encrypted_keys = reader.checked("encrypted_keys", wrapped_keys);
        let context = reader.context("context", None).map(KeyContext::into_owned);
        reader.finish(
            encrypted_keys.zip(context).map(|(encrypted_keys, context)| Self { encrypted_keys, context }),
        )
    }
}

/// A data key in the clear. Its `Debug` shows the ID only.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey<S> {
    /// The key's ID.
    pub id: S,
    /// The key, 32 bytes in standard base64.
    pub key: S,
}

impl<S: core::fmt::Debug> core::fmt::Debug for DataKey<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A data key with its wrapped copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeyPair<S> {
    /// The key in the clear.
    pub data_key: DataKey<S>,
    /// The wrapped copies, standard base64; store these with the data.
    pub encrypted_keys: S,
    /// The context they are wrapped under.
    pub context: Vec<(String, S)>,
}
