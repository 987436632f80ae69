//! Where data keys come from: the service for each, or those that are kept; and encryption and decryption by them.

use crate::call::Call;
use crate::client::Inner;
use crate::crypt::Ciphers;
use crate::data_keys::DataKeys;
use crate::failure::Failure;
use crate::local::{Output, Pair, Plain, Sealed, with_keys};
use std::rc::Rc;
use vault_core::cipher::{self, Key};
use vault_core::envelope;
use vault_core::http::Operation;
use vault_core::keys::{CreateDataKey, CreateRekey, DataKey, DataKeyPair, DecryptDataKey};
use vault_core::{Code, Error, KeyContext};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// A client, and the data keys that it keeps, if it does.
#[derive(Clone)]
pub(crate) struct KeySource {
    pub(crate) client: Rc<Inner>,
    pub(crate) kept: Option<Rc<DataKeys>>,
}

impl KeySource {
    pub(crate) fn ciphers(&self) -> Ciphers {
        self.client.settings.ciphers
    }

    /// Whether an envelope is known to be wrapped for another context than this one; nothing where it is not known
    /// for which, as the service does not tell it of a blob.
    pub(crate) fn is_stale(&self, sealed: &Sealed, context: &KeyContext) -> Option<bool> {
        let kept = self.kept.as_ref()?;
        let known = sealed.readings().iter().find_map(|parts| kept.context_of(parts.keys))?;
        Some(known != *context)
    }

    /// Refuses more data than one key may encrypt.
    pub(crate) fn check(&self, plain: &Plain) -> Result<(), Failure> {
        self.kept.as_ref().map_or(Ok(()), |kept| kept.check(plain.length()))
    }

    /// The data key for a message.
    pub(crate) async fn pair(
        &self,
        create: &CreateDataKey,
        plain: &Plain,
        call: &Call,
    ) -> Result<Pair, Failure> {
        match &self.kept {
            Some(kept) => kept.pair(&self.client, create, plain.length(), call).await,
            None => self.client.fresh_pair(create.clone(), call).await,
        }
    }

    /// The data key of a blob; nothing where the service does not take it.
    pub(crate) async fn unwrap(&self, blob: &[u8], call: &Call) -> Result<Option<Rc<Key>>, Failure> {
        match &self.kept {
            Some(kept) => kept.open(&self.client, blob, call).await,
            None => self.client.unwrap_key(blob, call).await,
        }
    }

    /// An envelope of data.
    pub(crate) async fn encrypt(
        &self,
        plain: &Plain,
        create: &CreateDataKey,
        output: Output,
        call: &Call,
    ) -> Result<JsValue, Failure> {
        let pair = self.pair(create, plain, call).await?;
        call.cut.race(pair.seal(plain, output)).await?
    }

    /// The plaintext of an envelope.
    pub(crate) async fn decrypt(
        &self,
        sealed: &Sealed,
        call: &Call,
        as_bytes: bool,
    ) -> Result<JsValue, Failure> {
        let key_of = async |blob: &[u8]| self.unwrap(blob, call).await;
        call.cut.race(sealed.open_with(as_bytes, key_of)).await?
    }

    /// The same envelope with its data key wrapped for another context. Which reading is right is for the service
    /// to say: the first whose keys it takes.
    pub(crate) async fn rekey(
        &self,
        sealed: &Sealed,
        context: &KeyContext,
        call: &Call,
        as_bytes: bool,
    ) -> Result<JsValue, Failure> {
        for parts in sealed.readings() {
            let rekey =
                CreateRekey { encrypted_keys: envelope::to_text(parts.keys), context: context.clone() };
            let answer = match self.client.send(&rekey.into_request(), call).await {
                // A 422 is about the context: this reading's keys were the service's.
                Err(failure) if is_refusal(&failure) && failure.code() != Some(Code::ValidationFailed) => {
                    continue;
                }
                answer => answer?,
            };
            let pair = pair_of(&DataKeyPair::read_answer(Operation::CreateRekey, &answer)?)?;
            if let Some(kept) = &self.kept {
                kept.learn(&pair, context);
            }
            return with_keys(&parts, &pair.keys, as_bytes);
        }
        Err(cipher::failed().into())
    }
}

/// A data key from its base64, which the answer's reader has checked.
fn key_of(data_key: &DataKey<JsValue>) -> Result<Rc<Key>, Failure> {
    let text = Zeroizing::new(data_key.key.as_string().unwrap_or_default());
    let message = "data_key: expected 32 bytes in base64";
    Ok(Rc::new(Key::from_base64(&text).ok_or_else(|| Error::new(Code::MalformedResponse, message))?))
}

fn pair_of(pair: &DataKeyPair<JsValue>) -> Result<Pair, Failure> {
    let keys = envelope::from_text(&pair.encrypted_keys.as_string().unwrap_or_default())?;
    Ok(Pair { key: key_of(&pair.data_key)?, keys: keys.into() })
}

impl Inner {
    /// A fresh data key for a context.
    pub(crate) async fn fresh_pair(&self, create: CreateDataKey, call: &Call) -> Result<Pair, Failure> {
        let answer = self.send(&create.into_request(), call).await?;
        self.check_context(&answer)?;
        pair_of(&DataKeyPair::read_answer(Operation::CreateDataKey, &answer)?)
    }

    /// The data key of a blob, or nothing where the service does not take the blob for one of its own: then it
    /// was another reading's.
    pub(crate) async fn unwrap_key(&self, keys: &[u8], call: &Call) -> Result<Option<Rc<Key>>, Failure> {
        let request = DecryptDataKey(envelope::to_text(keys)).into_request();
        match self.send(&request, call).await {
            Ok(answer) => key_of(&DataKey::read_answer(&answer)?).map(Some),
            Err(failure) if is_refusal(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether the service does not take a key blob for one of its own.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.code(), Some(Code::InvalidRequest | Code::NotFound | Code::ValidationFailed))
}
