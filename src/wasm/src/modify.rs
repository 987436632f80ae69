//! `modifyObject`: read, apply the caller's change, write with the version just read; where someone wrote in
//! between, read again and apply the change to what they wrote.

use crate::call::{Call, whole};
use crate::client::{Form, Inner, encoded};
use crate::failure::{Failure, adopt};
use crate::output;
use crate::transport;
use crate::tree::Node;
use crate::update::{Updated, unknown};
use js_sys::Function;
use vault_core::http::Request;
use vault_core::names::{ObjectId, VersionId};
use vault_core::objects::{ById, ReadObjectByName, UpdateObject};
use vault_core::retry::pause;
use vault_core::tree::{Tree, expected, expected_secret};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;

const ATTEMPTS_DEFAULT: u32 = 5;
const ATTEMPTS_MAX: u64 = 100;
/// Bounds of the pause after a version mismatch: short, as the other writer is done already.
const PAUSE_BASE_MS: u64 = 20;
const PAUSE_CAP_MS: u64 = 1_000;

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Error::invalid(Code::InvalidRequest, vec![Problem::new(field, message)]).into()
}

/// What is to be modified, and how.
pub(crate) struct Modify {
    read: Request<JsValue>,
    form: Form,
    attempts: u32,
    apply: Function,
    /// Tells whether the change is in an object, where a write's answer was lost.
    applied: Option<Function>,
}

impl Modify {
    /// From `{id | name, as?, maxAttempts?}` and a function.
    pub(crate) fn read(options: &Node, apply: JsValue) -> Result<Self, Failure> {
        let apply = apply.dyn_into().map_err(|_| {
            invalid("change", "expected a function that takes the current object and returns its next value")
        })?;
        let by_name = options.member("id").is_absent() && !options.member("name").is_absent();
        let more = ["as", "maxAttempts", "applied"];
        let read = if by_name {
            ReadObjectByName::from_options(options, &more)?.into_request()
        } else {
            ById::from_options(options, &more)?.read_request()
        };
        let attempts = whole(options, "maxAttempts", 1, ATTEMPTS_MAX)
            .map_err(|problem| Error::invalid(Code::InvalidRequest, vec![problem]))?
            .unwrap_or(ATTEMPTS_DEFAULT);
        let applied = options.member("applied");
        if !applied.is_absent() && !applied.js().is_function() {
            return Err(invalid("applied", expected("a function", applied.kind())));
        }
        let applied = applied.js().dyn_into().ok();
        Ok(Modify { read, form: Form::read(options)?, attempts, apply, applied })
    }
}

impl Inner {
    pub(crate) async fn modify(&self, modify: Modify, call: &Call) -> Result<JsValue, Failure> {
        let Modify { read, form, attempts, apply, applied } = modify;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let object = self.read(&read, form, call).await?;
            let lock =
                (object.id.as_string(), object.metadata.version_id.as_ref().and_then(JsValue::as_string));
            let (Some(id), Some(version)) = lock else {
                let message = "the object has no version to lock on (metadata.version_id is null)";
                return Err(Error::new(Code::MalformedResponse, message).into());
            };
            let current = output::object(object);
            let next = apply.call1(&JsValue::UNDEFINED, &current).map_err(Failure::Caller)?;
            let next = call.cut.race(adopt(next)).await?;
            let next = Node::from(next.map_err(Failure::Caller)?);
            if next.js().is_undefined() {
                return Ok(current);
            }
            let value = encoded(&next)?.or_else(|| next.text()).ok_or_else(|| {
                invalid(
                    "change",
                    expected_secret("it to return a string, a Uint8Array or undefined", next.kind()),
                )
            })?;
            let checked = |problem| Error::invalid(Code::MalformedResponse, vec![problem]);
            let update = UpdateObject {
                id: ObjectId::new("id", id).map_err(checked)?,
                value,
                version_check: Some(VersionId::new("metadata.version_id", version).map_err(checked)?),
            };
            match self.update(update, applied.is_some(), call).await {
                Ok(Updated::Written(object)) => return Ok(output::object(object)),
                // Two who make the same value of the same version would both take it for theirs.
                Ok(Updated::Same(_) | Updated::Unknown) => {
                    let Some(applied) = applied.as_ref() else { return Err(unknown()) };
                    let object = self.read(&read, form, call).await?;
                    let current = output::object(object);
                    let is_in = applied.call1(&JsValue::UNDEFINED, &current).map_err(Failure::Caller)?;
                    if call.cut.race(adopt(is_in)).await?.map_err(Failure::Caller)?.is_truthy() {
                        return Ok(current);
                    }
                    if attempt >= attempts {
                        return Err(unknown());
                    }
                }
                Err(failure) if failure.code() == Some(Code::VersionMismatch) && attempt < attempts => {
                    let random = js_sys::Math::random();
                    transport::pause(pause(PAUSE_BASE_MS, PAUSE_CAP_MS, attempt, random), call).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}
