//! Errors on their way to JavaScript, which makes a `VaultError` of each (`js/src/errors.ts`).

use alloc::string::String;
use vault_core::http::quote;
use vault_core::{Error, Problem};
use wasm_bindgen::JsValue;

/// An error, thrown as JSON: `{"code", "message", "problems": [[field, message], …]}`.
#[allow(clippy::needless_pass_by_value)] // As `map_err` hands it over.
pub(crate) fn thrown(error: Error) -> JsValue {
    let mut json = String::from("{\"code\":");
    quote(error.code.as_str(), &mut json);
    json.push_str(",\"message\":");
    quote(&error.message, &mut json);
    json.push_str(",\"problems\":");
    list(&error.problems, &mut json);
    json.push('}');
    json.into()
}

/// Problems as JSON.
pub(crate) fn list(problems: &[Problem], json: &mut String) {
    json.push('[');
    for (index, problem) in problems.iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        quote(&problem.field, json);
        json.push(',');
        quote(&problem.message, json);
        json.push(']');
    }
    json.push(']');
}
