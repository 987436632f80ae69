//! Errors on their way to JavaScript.

use crate::host::host;
use crate::tree::Node;
use js_sys::{Array, Object, Reflect};
use vault_core::tree::{Tree, expected, expected_secret};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;

/// An error of core's, and what JavaScript threw underneath, where it did.
pub(crate) struct Failure {
    error: Error,
    cause: JsValue,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, cause: JsValue::UNDEFINED }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Error::invalid(Code::InvalidRequest, vec![problem]).into()
    }
}

impl Failure {
    pub(crate) fn of(error: Error, cause: JsValue) -> Self {
        Failure { error, cause }
    }
}

/// A problem with an argument.
pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Problem::new(field, message).into()
}

impl From<Failure> for JsValue {
    fn from(Failure { error, cause }: Failure) -> Self {
        let problems: Array = error
            .problems
            .iter()
            .map(|problem| {
                object(&[
                    ("field", problem.field.as_str().into()),
                    ("message", problem.message.as_str().into()),
                ])
            })
            .collect();
        let facts = object(&[
            ("code", error.code.as_str().into()),
            ("message", error.message.as_str().into()),
            ("recovery", error.recovery().into()),
            ("retryable", error.retryable().into()),
            ("status", error.status.into()),
            ("requestId", error.request_id.as_deref().into()),
            ("retryAfterMs", error.retry_after_ms.map(as_number).into()),
            ("problems", problems.into()),
            ("cause", cause),
        ]);
        host(|host| host.error(&facts).ok()).flatten().unwrap_or(facts)
    }
}

/// A plain object. Setting an own property of a fresh one cannot fail.
pub(crate) fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn as_number(n: u64) -> f64 {
    n as f64
}

/// The code of that name.
pub(crate) fn code_of(name: &str) -> Code {
    Code::ALL.into_iter().find(|code| code.as_str() == name).unwrap_or(Code::Internal)
}

/// An error that TypeScript found: of this code, about this field, where there is one.
#[wasm_bindgen]
pub fn fault(code: &str, field: &str, message: &str, cause: JsValue) -> Result<JsValue, JsValue> {
    let code = code_of(code);
    let error =
        if field.is_empty() { Error::new(code, message) } else { Error::about_field(code, field, message) };
    Ok(Failure::of(error, cause).into())
}

/// An argument of the wrong kind: what was expected, and what was found, of which a secret shows nothing.
#[wasm_bindgen]
pub fn wrong(field: &str, what: &str, got: JsValue, secret: bool) -> Result<JsValue, JsValue> {
    let kind = Node::from(got).kind();
    Ok(invalid(field, if secret { expected_secret(what, kind) } else { expected(what, kind) }).into())
}
