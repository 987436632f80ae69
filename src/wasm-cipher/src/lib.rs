//! [`vault_cipher`] for JavaScript, in a module of its own: where the runtime's cipher is as quick, nobody has to ship it.

#![no_std]

extern crate alloc;

#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod module;

use alloc::vec::Vec;
use js_sys::Uint8Array;
use vault_cipher::{KEY_BYTES, Key, NONCE_BYTES, TAG_BYTES};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// A data key in this module's memory. Freeing it wipes it.
#[wasm_bindgen]
pub struct OwnKey(Key);

#[wasm_bindgen]
impl OwnKey {
    /// Of 32 bytes, which the caller wipes; nothing where there are not as many.
    pub fn of(bytes: &Uint8Array) -> Option<OwnKey> {
        (bytes.length() as usize == KEY_BYTES).then(|| OwnKey(Key::filled(|key| bytes.copy_to(key))))
    }

    /// Ciphertext and tag; nothing for a nonce that has not 12 bytes, or more than one nonce suffices for. Fails never: but
    /// calls of functions that return one reference V8 inlines, and up to 11.3 (Node 20) a process can end so.
    pub fn seal(&self, nonce: &[u8], aad: &[u8], data: &Uint8Array) -> Result<JsValue, JsValue> {
        Ok(self.sealed(nonce, aad, data).map_or(JsValue::UNDEFINED, JsValue::from))
    }

    /// The plaintext, where the tag fits. Fails never.
    pub fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        ciphertext: &Uint8Array,
        tag: &[u8],
    ) -> Result<JsValue, JsValue> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let opened = vault_cipher::open(&self.0, nonce, aad, &mut buffer, tag);
        Ok(opened.map_or(JsValue::UNDEFINED, |()| Uint8Array::from(&buffer[..]).into()))
    }
}

impl OwnKey {
    fn sealed(&self, nonce: &[u8], aad: &[u8], data: &Uint8Array) -> Option<Uint8Array> {
        let nonce: &[u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let length = data.length() as usize;
        let mut buffer = Zeroizing::new(Vec::new());
        buffer.resize(length + TAG_BYTES, 0);
        let (text, tag) = buffer.split_at_mut(length);
        data.copy_to(text);
        tag.copy_from_slice(&vault_cipher::seal(&self.0, nonce, aad, text)?);
        Some(Uint8Array::from(&buffer[..]))
    }
}
