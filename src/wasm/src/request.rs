//! Requests and contexts, from what a caller gave.

// wasm-bindgen hands values over; what is not kept is dropped here.
#![allow(clippy::needless_pass_by_value)]

use crate::failure::{list, thrown};
use crate::tree::Node;
use alloc::string::String;
use alloc::vec::Vec;
use vault_core::http::Operation;
use vault_core::reader::Reader;
use vault_core::request::Request;
use vault_core::scope::Scope;
use vault_core::tree::Tree;
use vault_core::{Error, KeyContext};
use wasm_bindgen::prelude::*;

/// Added to an operation's place where its options are those of `modifyObject`.
const MODIFY: u8 = 100;

/// The request of an operation (by its place in [`Operation::ALL`]) with these options, and in this scope, where there
/// is one: method, route, target, whether it is repeatable, the JSON of its body up to the value, and of a context a text
/// that equal ones share; in lines, as none of them holds a line's end. `has_value`: whether the value was found in order;
/// it never enters this module's memory.
#[wasm_bindgen]
pub fn prepare(operation: u8, options: JsValue, scope: JsValue, has_value: bool) -> Result<String, JsValue> {
    prepared(operation, &Node(options), &Node(scope), has_value).map_err(thrown)
}

fn prepared(place: u8, options: &Node, scope: &Node, has_value: bool) -> Result<String, Error> {
    let scope = scope_from(scope)?;
    let operation = *Operation::ALL.get(usize::from(place % MODIFY)).unwrap_or(&Operation::ReadObject);
    let more: &[&str] = match operation {
        Operation::ReadObject | Operation::ReadObjectByName if place >= MODIFY => {
            &["as", "maxAttempts", "applied"]
        }
        Operation::ReadObject | Operation::ReadObjectByName => &["as"],
        _ => &[],
    };
    let request = Request::from_options(operation, options, more, has_value, scope.as_ref())?;
    let mut lines = String::from(request.method.as_str());
    let context = request.context.map(|context| context.canonical_json()).unwrap_or_default();
    let repeatable = if request.repeatable { "1" } else { "" };
    for line in [operation.route(), &request.target, repeatable, &request.body, &context] {
        lines.push('\n');
        lines.push_str(line);
    }
    Ok(lines)
}

fn scope_from(scope: &Node) -> Result<Option<Scope>, Error> {
    if scope.is_absent() { Ok(None) } else { KeyContext::from_tree(scope).map(Scope::new).map(Some) }
}

/// A context within a scope, where there is one, as JSON: in the order in which it was given, or `canonical`, which equal
/// contexts share.
#[wasm_bindgen(js_name = readContext)]
pub fn read_context(context: JsValue, scope: JsValue, canonical: bool) -> Result<String, JsValue> {
    let read = || {
        let context = KeyContext::from_tree(&Node(context))?;
        let Some(scope) = scope_from(&Node(scope))? else { return Ok(context) };
        scope.merge(&context)
    };
    let context: KeyContext = read().map_err(thrown)?;
    Ok(if canonical { context.canonical_json() } else { context.json() })
}

/// What is wrong with the names of options, of which there are these (each followed by a comma), in JSON:
/// `[[field, message], …]`.
#[wasm_bindgen(js_name = checkNames)]
pub fn check_names(options: JsValue, names: &str) -> Result<String, JsValue> {
    let options = Node(options);
    let mut reader = Reader::options(&options);
    let mut known = Vec::new();
    let mut from = 0;
    for (at, byte) in names.bytes().enumerate() {
        if byte == b',' {
            known.push(names.get(from..at).unwrap_or_default());
            from = at + 1;
        }
    }
    reader.only(&known);
    let mut json = String::new();
    list(&reader.problems, &mut json);
    Ok(json)
}
