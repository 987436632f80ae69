//! A keyring: many messages under one data key, within bounds.

use crate::client::Promised;
use crate::key_source::KeySource;
use vault_core::keys::CreateDataKey;
use wasm_bindgen::prelude::*;

/// The keyring behind the package's `Keyring`.
#[wasm_bindgen]
pub struct CoreKeyring {
    source: KeySource,
    create: CreateDataKey,
}

impl CoreKeyring {
    pub(crate) fn new(source: KeySource, create: CreateDataKey) -> Self {
        CoreKeyring { source, create }
    }
}

#[wasm_bindgen]
impl CoreKeyring {
    /// `encrypt` and `encryptBytes`.
    pub fn encrypt(&self, data: JsValue, aad: JsValue, options: JsValue, as_bytes: bool) -> Promised {
        self.source.clone().encrypt_call(|| Ok(self.create.clone()), data, aad, options, as_bytes)
    }

    /// `decrypt` and `decryptBytes`.
    pub fn decrypt(&self, envelope: JsValue, aad: JsValue, with: JsValue, as_bytes: bool) -> Promised {
        self.source.clone().decrypt_call(envelope, aad, with, as_bytes)
    }

    /// `encryptMany`.
    #[wasm_bindgen(js_name = encryptMany)]
    pub fn encrypt_many(&self, items: JsValue, options: JsValue) -> Promised {
        self.source.clone().encrypt_many_call(|| Ok(self.create.clone()), items, options)
    }

    /// `decryptMany`.
    #[wasm_bindgen(js_name = decryptMany)]
    pub fn decrypt_many(&self, items: JsValue, with: JsValue) -> Promised {
        self.source.clone().decrypt_many_call(items, with)
    }

    /// `isStale`: whether an envelope is known to be under another context than the keyring's.
    #[wasm_bindgen(js_name = isStale)]
    pub fn is_stale(&self, envelope: JsValue) -> Result<Option<bool>, JsValue> {
        Ok(self.source.is_stale_call(|| Ok(self.create.clone()), envelope)?)
    }

    /// `{hits, misses, apiCalls}`.
    pub fn counters(&self) -> Result<JsValue, JsValue> {
        Ok(self.source.kept.as_ref().map_or(JsValue::UNDEFINED, |kept| kept.counters()))
    }

    /// Wipes every key. Whatever is called afterwards fails.
    pub fn close(&self) {
        if let Some(kept) = &self.source.kept {
            kept.close();
        }
    }
}
