//! AES-GCM by one of two ciphers that make the same bytes.
//!
//! Below [`RUNTIME_FROM`] it runs in this module: no key import, no promise. From there on it is the runtime's
//! WebCrypto, which has the processor's AES instructions but costs an import of the key and two promises.
//! `encryptWith` as a whole, this build, Node 20 on two cores, microseconds, medians of 400 in each of two runs, the
//! threshold then at 4,096:
//!
//! | bytes | here | WebCrypto |
//! |---|---|---|
//! | 16 | 16, 31 | |
//! | 1,024 | 31, 31 | |
//! | 2,048 | 46, 46 | |
//! | 4,095 | 82, 82 | |
//! | 4,096 | | 143, 159 |
//! | 8,192 | | 142, 183 |
//! | 65,536 | | 256, 315 |
//!
//! So here it is 17 µs a KiB and some 13 µs a call, and they cross at about 8 KiB.

use crate::failure::Failure;
use crate::tree::Node;
use js_sys::{Array, ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use vault_core::cipher::Key;
use vault_core::tree::Tree;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// From how many bytes on WebCrypto is the quicker cipher.
const RUNTIME_FROM: u32 = 8192;
/// A nonce that every runtime's WebCrypto takes; Deno's refuses the 32 bytes of old Go envelopes.
const RUNTIME_NONCE_BYTES: usize = 12;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = encrypt, catch)]
    fn subtle_encrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = decrypt, catch)]
    fn subtle_decrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// Which cipher is used, by how many bytes there are.
#[derive(Clone, Copy)]
pub(crate) struct Ciphers {
    runtime_from: u32,
}

impl Ciphers {
    /// `auto`, `webcrypto` or `wasm`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let runtime_from = match name {
            "auto" => RUNTIME_FROM,
            "webcrypto" => 0,
            "wasm" => u32::MAX,
            _ => return None,
        };
        Some(Ciphers { runtime_from })
    }

    /// Whether so many bytes are for WebCrypto.
    pub(crate) fn by_runtime(self, bytes: u32) -> bool {
        bytes >= self.runtime_from
    }

    /// Whether so many bytes under this nonce are.
    pub(crate) fn opened_by_runtime(self, bytes: usize, nonce: &[u8]) -> bool {
        let usual = nonce.len() == RUNTIME_NONCE_BYTES || self.runtime_from == 0;
        usual && u32::try_from(bytes).is_ok_and(|bytes| self.by_runtime(bytes))
    }
}

impl Default for Ciphers {
    fn default() -> Self {
        Ciphers { runtime_from: RUNTIME_FROM }
    }
}

/// The runtime's crypto failed where it should not.
pub(crate) fn broken(cause: JsValue) -> Failure {
    let error = Error::new(Code::Internal, "the runtime's crypto does not work here");
    Failure::Vault { error, cause: Some(cause) }
}

/// A key within WebCrypto, which does not give it back.
pub(crate) struct RuntimeKey(JsValue);

impl RuntimeKey {
    pub(crate) async fn import(key: &Key) -> Result<Self, Failure> {
        let raw = Uint8Array::from(&key.bytes()[..]);
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let imported = import_key("raw", &raw, "AES-GCM", false, &usages);
        // The import copies the key before it returns.
        raw.fill(0, 0, raw.length());
        JsFuture::from(imported.map_err(broken)?).await.map(RuntimeKey).map_err(broken)
    }

    /// Ciphertext and tag.
    pub(crate) async fn seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        plaintext: &Uint8Array,
    ) -> Result<Uint8Array, Failure> {
        let sealed = subtle_encrypt(&algorithm(nonce, aad)?, &self.0, plaintext).map_err(broken)?;
        JsFuture::from(sealed).await.map(|sealed| bytes(&sealed)).map_err(broken)
    }

    /// The plaintext of ciphertext and tag, where the tag fits.
    pub(crate) async fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        sealed: &Uint8Array,
    ) -> Result<Option<Uint8Array>, Failure> {
        let opened = subtle_decrypt(&algorithm(nonce, aad)?, &self.0, sealed).map_err(broken)?;
        match JsFuture::from(opened).await {
            Ok(plaintext) => Ok(Some(bytes(&plaintext))),
            Err(cause) => match Node::from(cause.clone()).member("name").string().as_deref() {
                // WebCrypto's word for a tag that does not fit.
                Some("OperationError") => Ok(None),
                // A length of nonce that this runtime does not take, so no reading of the envelope for it.
                Some("NotSupportedError") if nonce.len() != RUNTIME_NONCE_BYTES => Ok(None),
                _ => Err(broken(cause)),
            },
        }
    }
}

/// Web Cryptography API, section 29.3.
fn algorithm(nonce: &[u8], aad: &[u8]) -> Result<Object, Failure> {
    let algorithm = Object::new();
    let set = |name: &str, value: &JsValue| Reflect::set(&algorithm, &name.into(), value).map_err(broken);
    set("name", &"AES-GCM".into())?;
    set("iv", &Uint8Array::from(nonce))?;
    if !aad.is_empty() {
        set("additionalData", &Uint8Array::from(aad))?;
    }
    Ok(algorithm)
}

fn bytes(buffer: &JsValue) -> Uint8Array {
    Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>())
}
