//! Data keys: 256-bit keys for encryption outside the Vault, handed out with copies of themselves that are
//! wrapped by the context's keys.
//!
//! Shapes: WorkOS's API description, v0.61.0, paths below `/vault/v1/keys`.

use crate::error::{Error, Problem};
use crate::http::{Answer, Body, Field, Method, Operation, Request};
use crate::key_context::KeyContext;
use crate::reader::Reader;
use crate::scope::Scope;
use crate::tree::{Tree, decimal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes in a data key (AES-256).
pub const DATA_KEY_BYTES: usize = 32;

fn post<V>(operation: Operation, target: &str, fields: Vec<(&'static str, Field<V>)>) -> Request<V> {
    Request {
        operation,
        method: Method::Post,
        target: target.into(),
        body: Some(Body(fields)),
        repeatable: true,
    }
}

/// The wrapped copies of a data key from an answer's text: standard base64 (RFC 4648, section 4) that holds something.
pub fn decode_keys(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

/// [`decode_keys`], as a text.
fn wrapped_keys(field: &str, text: String) -> Result<String, Problem> {
    match decode_keys(&text) {
        Some(_) => Ok(text),
        None if text.is_empty() => Err(Problem::new(field, "expected wrapped keys, got an empty text")),
        None => Err(Problem::new(field, "expected standard padded base64, as createDataKey returned it")),
    }
}

/// `createDataKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDataKey(pub KeyContext);

impl CreateDataKey {
    /// From `{context}`; within a scope from nothing, too.
    pub fn from_options(options: &impl Tree, scope: Option<&Scope>) -> Result<Self, Error> {
        if let (Some(scope), true) = (scope, options.is_absent()) {
            return Ok(Self(scope.context().clone()));
        }
        let mut reader = Reader::options(options);
        reader.only(&["context"]);
        let context = reader.scoped_context("context", scope);
        reader.finish(context.map(Self))
    }

    /// From a context by itself; within a scope it may be left out.
    pub fn for_context(context: &impl Tree, scope: Option<&Scope>) -> Result<Self, Error> {
        let Some(scope) = scope else { return KeyContext::from_tree(context).map(Self) };
        if Scope::stands_in_for(context) {
            return Ok(Self(scope.context().clone()));
        }
        scope.merge(&KeyContext::from_tree(context)?).map(Self)
    }

    /// `POST /vault/v1/keys/data-key`.
    pub fn into_request<V>(self) -> Request<V> {
        post(Operation::CreateDataKey, "/vault/v1/keys/data-key", vec![("context", Field::Context(self.0))])
    }
}

/// `decryptDataKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecryptDataKey(pub String);

impl DecryptDataKey {
    /// From `{keys}`.
    pub fn from_options(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["keys"]);
        let keys = reader.checked("keys", wrapped_keys);
        reader.finish(keys.map(Self))
    }

    /// From the wire's `{keys}`.
    pub fn from_wire(body: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let keys = reader.checked("keys", wrapped_keys);
        reader.finish(keys.map(Self))
    }

    /// `POST /vault/v1/keys/decrypt`.
    pub fn into_request<V>(self) -> Request<V> {
        post(Operation::DecryptDataKey, "/vault/v1/keys/decrypt", vec![("keys", Field::Text(self.0))])
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
    /// From `{encryptedKeys, context}`. There is no scoped form: the API does not tell under which context the
    /// keys were wrapped, so another tenant's could not be seen.
    pub fn from_options(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["encryptedKeys", "context"]);
        let encrypted_keys = reader.checked("encryptedKeys", wrapped_keys);
        let context = reader.context("context");
        reader.finish(
            encrypted_keys.zip(context).map(|(encrypted_keys, context)| Self { encrypted_keys, context }),
        )
    }

    /// From the wire's `{encrypted_keys, context}`.
    pub fn from_wire(body: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let encrypted_keys = reader.checked("encrypted_keys", wrapped_keys);
        let context = reader.context("context");
        reader.finish(
            encrypted_keys.zip(context).map(|(encrypted_keys, context)| Self { encrypted_keys, context }),
        )
    }

    /// `POST /vault/v1/keys/rekey`.
    pub fn into_request<V>(self) -> Request<V> {
        post(
            Operation::CreateRekey,
            "/vault/v1/keys/rekey",
            vec![
                ("encrypted_keys", Field::Text(self.encrypted_keys)),
                ("context", Field::Context(self.context)),
            ],
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

impl<S> DataKey<S> {
    fn read<T: Tree<Text = S>>(reader: &mut Reader<'_, T>) -> Option<Self> {
        let (id, key) = (reader.text("id"), reader.text("data_key"));
        if key.is_some() {
            let text = Zeroizing::new(reader.string("data_key")?);
            let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
            let found = match &bytes {
                Ok(bytes) if bytes.len() == DATA_KEY_BYTES => None,
                Ok(bytes) => Some([&decimal(bytes.len() as u64), " bytes"].concat()),
                Err(_) => Some("text that is not base64".into()),
            };
            if let Some(found) = found {
                reader.problem("data_key", ["expected 32 bytes in base64, got ", &found].concat());
            }
        }
        Some(DataKey { id: id?, key: key? })
    }

    /// Reads the answer to `decryptDataKey`.
    pub fn read_answer<T: Tree<Text = S>>(answer: &Answer<T>) -> Result<Self, Error> {
        answer.read(Operation::DecryptDataKey, Self::read)
    }
}

impl<S> DataKeyPair<S> {
    /// Reads the answer to `createDataKey` or `createRekey`.
    pub fn read_answer<T: Tree<Text = S>>(operation: Operation, answer: &Answer<T>) -> Result<Self, Error> {
        answer.read(operation, |body| {
            let data_key = DataKey::read(body);
            let (encrypted_keys, context) = (body.text("encrypted_keys"), body.string_map("context"));
            if encrypted_keys.is_some() {
                body.checked("encrypted_keys", wrapped_keys);
            }
            Some(DataKeyPair { data_key: data_key?, encrypted_keys: encrypted_keys?, context: context? })
        })
    }
}
