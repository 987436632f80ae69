//! Errors on their way to JavaScript.

use crate::output::Out;
use js_sys::{Array, Function, Promise};
use std::cell::RefCell;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Why a call failed.
#[derive(Clone)]
pub(crate) enum Failure {
    /// One of ours; `cause` is what JavaScript threw underneath, where it did.
    Vault { error: Error, cause: Option<JsValue> },
    /// What the caller's own callback threw, to be passed on as it is.
    Caller(JsValue),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Vault { error, cause: None }
    }
}

impl Failure {
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Failure::Vault { error, .. } => Some(error.code),
            Failure::Caller(_) => None,
        }
    }
}

thread_local! {
    static MAKE_ERROR: RefCell<Option<Function>> = const { RefCell::new(None) };
    static ADOPT: RefCell<Option<Function>> = const { RefCell::new(None) };
    static BODY: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Sets the function that makes a `VaultError` of its facts, `async (value) => await value`, and what reads a body:
/// `async (response, limit)`. Called once by the package's entry.
#[wasm_bindgen]
pub fn install(make_error: Function, adopt: Function, body: Function) {
    MAKE_ERROR.with(|held| *held.borrow_mut() = Some(make_error));
    ADOPT.with(|held| *held.borrow_mut() = Some(adopt));
    BODY.with(|held| *held.borrow_mut() = Some(body));
    // Names that every call reads or sets: made into JavaScript strings once, rather than at each use.
    for name in NAMES {
        wasm_bindgen::intern(name);
    }
}

/// Members of options, of `Response`s, of answers, and of results.
const NAMES: [&str; 52] = [
    "id",
    "name",
    "value",
    "context",
    "as",
    "metadata",
    "signal",
    "timeoutMs",
    "attemptTimeoutMs",
    "idempotencyKey",
    "versionCheck",
    "toJSON",
    "method",
    "headers",
    "body",
    "redirect",
    "manual",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "Idempotency-Key",
    "Content-Type",
    "application/json",
    "status",
    "get",
    "x-request-id",
    "retry-after",
    "aborted",
    "reason",
    "environment_id",
    "environmentId",
    "key_id",
    "keyId",
    "updated_at",
    "updatedAt",
    "updated_by",
    "updatedBy",
    "version_id",
    "versionId",
    "data",
    "list_metadata",
    "listMetadata",
    "before",
    "after",
    "limit",
    "data_key",
    "encrypted_keys",
    "AES-GCM",
    "iv",
    "additionalData",
    "layout",
];

/// A response's body as text; `null` where it is longer than the limit in bytes, `undefined` where the response has
/// no way to read it. Always by what was installed, so always a promise of the language's own.
pub(crate) async fn body_text(response: &JsValue, limit: u32) -> Result<JsValue, JsValue> {
    let read = BODY.with(|held| {
        held.borrow().as_ref().map(|read| read.call2(&JsValue::NULL, response, &JsValue::from(limit)))
    });
    match read {
        Some(read) => JsFuture::from(read?.unchecked_into::<Promise>()).await,
        None => Ok(JsValue::UNDEFINED),
    }
}

/// Awaits what another's code returned. Its `then` may be anything; only the language's own `await` is sure to end
/// in a value or a rejection.
pub(crate) async fn adopt(value: JsValue) -> Result<JsValue, JsValue> {
    let adopted = ADOPT.with(|held| held.borrow().as_ref().map(|adopt| adopt.call1(&JsValue::NULL, &value)));
    let promise: Promise = match adopted {
        Some(adopted) => adopted?.unchecked_into(),
        None => Promise::resolve(&value),
    };
    JsFuture::from(promise).await
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let (error, cause) = match failure {
            Failure::Caller(value) => return value,
            Failure::Vault { error, cause } => (error, cause),
        };
        let problems = Array::new();
        for problem in &error.problems {
            problems.push(&Out::new().set("field", &*problem.field).set("message", &*problem.message).into());
        }
        let facts: JsValue = Out::new()
            .set("code", error.code.as_str())
            .set("message", &*error.message)
            .set("recovery", error.recovery())
            .set("retryable", error.retryable())
            .set("status", error.status)
            .set("requestId", error.request_id)
            .set("retryAfterMs", error.retry_after_ms.map(as_number))
            .set("problems", problems)
            .set("cause", cause)
            .into();
        let made = MAKE_ERROR
            .with(|make| make.borrow().as_ref().and_then(|make| make.call1(&JsValue::NULL, &facts).ok()));
        made.unwrap_or(facts)
    }
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn as_number(n: u64) -> f64 {
    n as f64
}
