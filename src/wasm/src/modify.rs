//! `modifyObject`: read, apply the caller's change, write with the version just read; where someone wrote in
//! between, read again and apply the change to what they wrote.

use crate::client::{Form, Inner, encoded};
use crate::failure::Failure;
use crate::output;
use crate::transport::Call;
use crate::tree::Node;
use js_sys::{Function, Promise};
use vault_core::names::{ObjectId, VersionId};
use vault_core::objects::{ById, ReadObjectByName, UpdateObject};
use vault_core::retry::pause;
use vault_core::tree::{Kind, Tree};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const ATTEMPTS_DEFAULT: u32 = 5;
const ATTEMPTS_MAX: f64 = 100.0;
/// Bounds of the pause after a version mismatch: short, as the other writer is done already.
const PAUSE_BASE_MS: u64 = 20;
const PAUSE_CAP_MS: u64 = 1_000;

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Error::invalid(Code::InvalidRequest, vec![Problem::new(field, message)]).into()
}

impl Inner {
    /// `options` is `{id | name, as?, maxAttempts?}`.
    pub(crate) async fn modify(&self, options: &Node, apply: &JsValue, call: &Node) -> Result<JsValue, Failure> {
        let call = Call::read(call)?;
        let apply: &Function = apply
            .dyn_ref()
            .ok_or_else(|| invalid("change", "expected a function that takes the current object and returns its next value"))?;
        let by_name = options.member("id").is_absent() && !options.member("name").is_absent();
        let read = if by_name {
            ReadObjectByName::from_options(options)?.into_request()
        } else {
            ById::from_options(options)?.read_request()
        };
        let form = Form::read(options)?;
        let attempts = attempts(options)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let object = self.read(&read, form, &call.beside()).await?;
            let lock = (object.id.as_string(), object.metadata.version_id.as_ref().and_then(JsValue::as_string));
            let (Some(id), Some(version)) = lock else {
                let message = "the object has no version to lock on (metadata.version_id is null)";
                return Err(Error::new(Code::MalformedResponse, message).into());
            };
            let current = output::object(object);
            let next = apply.call1(&JsValue::UNDEFINED, &current).map_err(Failure::Caller)?;
            let next = Node::from(JsFuture::from(Promise::resolve(&next)).await.map_err(Failure::Caller)?);
            if next.kind() == Kind::Missing {
                return Ok(current);
            }
            let value = encoded(&next).or_else(|| next.text()).ok_or_else(|| {
                let got = next.kind().describe();
                invalid("change", ["expected it to return a string, bytes or undefined, got ", &got].concat())
            })?;
            let checked = |problem| Error::invalid(Code::MalformedResponse, vec![problem]);
            let update = UpdateObject {
                id: ObjectId::new("id", id).map_err(checked)?,
                value,
                version_check: Some(VersionId::new("metadata.version_id", version).map_err(checked)?),
            };
            match self.update(update, &call).await {
                Ok(object) => return Ok(output::object(object)),
                Err(failure) if failure.code() == Some(Code::VersionMismatch) && attempt < attempts => {
                    let random = js_sys::Math::random();
                    self.transport.pause(pause(PAUSE_BASE_MS, PAUSE_CAP_MS, attempt, random), &call).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

fn attempts(options: &Node) -> Result<u32, Failure> {
    match options.member("maxAttempts").kind() {
        Kind::Missing => Ok(ATTEMPTS_DEFAULT),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Kind::Number(n) if n.fract() == 0.0 && (1.0..=ATTEMPTS_MAX).contains(&n) => Ok(n as u32),
        got => Err(invalid("maxAttempts", ["expected a whole number from 1 to 100, got ", &got.describe()].concat())),
    }
}
