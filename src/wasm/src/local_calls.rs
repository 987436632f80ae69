//! Local encryption as JavaScript calls it, of a client and of a keyring alike: arguments read at once, the rest in its
//! own time.

use crate::batch;
use crate::client::{Promised, call};
use crate::failure::Failure;
use crate::key_source::KeySource;
use crate::local::{Output, Plain, Sealed};
use crate::tree::Node;
use std::rc::Rc;
use vault_core::keys::CreateDataKey;
use wasm_bindgen::JsValue;

impl KeySource {
    /// `encrypt` and `encryptBytes`.
    pub(crate) fn encrypt_call(
        self,
        create: impl FnOnce() -> Result<CreateDataKey, Failure>,
        data: JsValue,
        aad: JsValue,
        options: JsValue,
        as_bytes: bool,
    ) -> Promised {
        let read = || {
            let plain = Plain::read(&data.into(), &aad.into())?;
            let output = Output::read(&Node::from(options.clone()), as_bytes, self.ciphers())?;
            let (create, call) = (create()?, self.client.start_with(options, &["layout"])?);
            Ok((self, create, plain, output, call))
        };
        call(read, |(source, create, plain, output, call)| async move {
            source.encrypt(&plain, &create, output, &call).await
        })
    }

    /// `decrypt` and `decryptBytes`.
    pub(crate) fn decrypt_call(
        self,
        envelope: JsValue,
        aad: JsValue,
        with: JsValue,
        as_bytes: bool,
    ) -> Promised {
        let read = || {
            self.client.unscoped()?;
            let sealed = Sealed::read(&envelope.into(), &aad.into(), self.ciphers())?;
            let call = self.client.start(with)?;
            Ok((self, sealed, call))
        };
        call(
            read,
            move |(source, sealed, call)| async move { source.decrypt(&sealed, &call, as_bytes).await },
        )
    }

    /// `encryptMany`.
    pub(crate) fn encrypt_many_call(
        self,
        create: impl FnOnce() -> Result<CreateDataKey, Failure>,
        items: JsValue,
        options: JsValue,
    ) -> Promised {
        let read = || {
            let output = Output::read(&Node::from(options.clone()), false, self.ciphers())?;
            let (create, plain) = (create()?, batch::plain(&items.into())?);
            let call = self.client.start_with(options, &["layout"])?;
            Ok((self, create, plain, output, call))
        };
        call(read, |(source, create, plain, output, call)| async move {
            source.encrypt_many(plain, &create, output, &call).await
        })
    }

    /// `decryptMany`.
    pub(crate) fn decrypt_many_call(self, items: JsValue, with: JsValue) -> Promised {
        let read = || {
            self.client.unscoped()?;
            let sealed = batch::sealed(&items.into(), self.ciphers())?;
            let call = Rc::new(self.client.start(with)?);
            Ok((self, sealed, call))
        };
        call(read, |(source, sealed, call)| async move { source.decrypt_many(sealed, call).await })
    }

    /// `isStale`.
    pub(crate) fn is_stale_call(
        &self,
        create: impl FnOnce() -> Result<CreateDataKey, Failure>,
        envelope: JsValue,
    ) -> Result<Option<bool>, Failure> {
        let sealed = Sealed::read(&envelope.into(), &JsValue::UNDEFINED.into(), self.ciphers())?;
        Ok(self.is_stale(&sealed, &create()?.0))
    }
}
