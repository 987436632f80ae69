//! A keyring: many messages under one data key, within bounds.

use crate::batch;
use crate::client::call;
use crate::key_source::KeySource;
use crate::local::{Output, Plain, Sealed};
use crate::tree::Node;
use js_sys::Promise;
use std::rc::Rc;
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
    pub fn encrypt(&self, data: JsValue, aad: JsValue, options: JsValue, as_bytes: bool) -> Promise {
        let (source, create) = (self.source.clone(), self.create.clone());
        let read = || {
            let plain = Plain::read(&data.into(), &aad.into())?;
            let output = Output::read(&Node::from(options.clone()), as_bytes, source.ciphers())?;
            let call = source.client.start_with(options, &["layout"])?;
            Ok((source, create, plain, output, call))
        };
        call(read, |(source, create, plain, output, call)| async move {
            source.encrypt(&plain, &create, output, &call).await
        })
    }

    /// `decrypt` and `decryptBytes`.
    pub fn decrypt(&self, envelope: JsValue, aad: JsValue, with: JsValue, as_bytes: bool) -> Promise {
        let source = self.source.clone();
        let read = || {
            let sealed = Sealed::read(&envelope.into(), &aad.into(), source.ciphers())?;
            let call = source.client.start(with)?;
            Ok((source, sealed, call))
        };
        call(
            read,
            move |(source, sealed, call)| async move { source.decrypt(&sealed, &call, as_bytes).await },
        )
    }

    /// `encryptMany`.
    #[wasm_bindgen(js_name = encryptMany)]
    pub fn encrypt_many(&self, items: JsValue, options: JsValue) -> Promise {
        let (source, create) = (self.source.clone(), self.create.clone());
        let read = || {
            let output = Output::read(&Node::from(options.clone()), false, source.ciphers())?;
            let plain = batch::plain(&items.into())?;
            let call = source.client.start_with(options, &["layout"])?;
            Ok((source, create, plain, output, call))
        };
        call(read, |(source, create, plain, output, call)| async move {
            source.encrypt_many(plain, &create, output, &call).await
        })
    }

    /// `decryptMany`.
    #[wasm_bindgen(js_name = decryptMany)]
    pub fn decrypt_many(&self, items: JsValue, with: JsValue) -> Promise {
        let source = self.source.clone();
        let read = || {
            let sealed = batch::sealed(&items.into(), source.ciphers())?;
            let call = Rc::new(source.client.start(with)?);
            Ok((source, sealed, call))
        };
        call(read, |(source, sealed, call)| async move { source.decrypt_many(sealed, call).await })
    }

    /// `isStale`: whether an envelope is known to be under another context than the keyring's.
    #[wasm_bindgen(js_name = isStale)]
    pub fn is_stale(&self, envelope: JsValue) -> Result<Option<bool>, JsValue> {
        let sealed = Sealed::read(&envelope.into(), &JsValue::UNDEFINED.into(), self.source.ciphers());
        Ok(self.source.is_stale(&sealed.map_err(JsValue::from)?, &self.create.0))
    }

    /// `{hits, misses, apiCalls}`.
    pub fn counters(&self) -> JsValue {
        self.source.kept.as_ref().map_or(JsValue::UNDEFINED, |kept| kept.counters())
    }

    /// Wipes every key. Whatever is called afterwards fails.
    pub fn close(&self) {
        if let Some(kept) = &self.source.kept {
            kept.close();
        }
    }
}
