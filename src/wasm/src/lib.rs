//! [`vault_core`] for JavaScript: what a call is to send. A question, an answer, both text: one crossing. What waits (for
//! `fetch`, for WebCrypto, for a timer), and what looks at JavaScript's objects, is TypeScript's (`js/src`), where it costs
//! least.

#![no_std]

extern crate alloc;

#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod module;
mod tree;

use alloc::string::String;
use tree::{Node, Nodes};
use vault_core::http::{Operation, quote};
use vault_core::request::Request;
use vault_core::tree::Tree;
use vault_core::{Error, KeyContext, Problem};
use wasm_bindgen::prelude::*;

/// A context, as JSON, in the order in which it was given; or in that which equal contexts share.
const CONTEXT: u64 = 200;
const CANONICAL: u64 = 201;

/// Answers a question: a number in decimal, and values (`tree`).
///
/// - An operation (its place in [`Operation::ALL`]), options, a scope: method, route, target, whether it is repeatable, the
///   JSON of its body up to the value, and of a context a text that equal ones share; in lines, as none of them holds a
///   line's end. A value that is in order is an empty string here.
/// - `CONTEXT` or `CANONICAL`, a context, a scope: the context, as JSON
///
/// A refusal is `!`, its code, and the problems, as JSON: `[{"field", "message"}, …]`.
#[wasm_bindgen]
pub fn answer(question: &str) -> String {
    #[cfg(all(feature = "module", target_arch = "wasm32"))]
    module::begin();
    let mut values = Nodes(question);
    let what = values.at_hand().whole().unwrap_or_default();
    let (options, scope) = (values.at_hand(), values.at_hand());
    let answer = match what {
        CONTEXT | CANONICAL => context(options, scope, what == CANONICAL),
        _ => prepared(what, options, scope),
    };
    answer.unwrap_or_else(|error| {
        let mut refusal = String::from("!");
        refusal.push_str(error.code.as_str());
        list(&error.problems, &mut refusal);
        refusal
    })
}

fn prepared(place: u64, options: Node<'_>, scope: Node<'_>) -> Result<String, Error> {
    let scope = scope_of(scope)?;
    let operation = operation(place);
    let request = Request::from_options(operation, options, scope.as_ref())?;
    let mut lines = String::from(request.method().as_str());
    let context = request.context.map(|context| context.canonical_json()).unwrap_or_default();
    let repeatable = if request.repeatable { "1" } else { "" };
    for line in [operation.route(), &request.target, repeatable, &request.body, &context] {
        lines.push('\n');
        lines.push_str(line);
    }
    Ok(lines)
}

/// By its place; one of which there is none is of no matter, as TypeScript asks for none.
fn operation(place: u64) -> Operation {
    let place = usize::try_from(place).unwrap_or_default();
    *Operation::ALL.get(place).unwrap_or(&Operation::ReadObject)
}

type Context<'a> = KeyContext<&'a str>;

fn scope_of(scope: Node<'_>) -> Result<Option<Context<'_>>, Error> {
    if scope.is_absent() { Ok(None) } else { KeyContext::from_tree(scope, None).map(Some) }
}

fn context(context: Node<'_>, scope: Node<'_>, canonical: bool) -> Result<String, Error> {
    // A context must be given, also within a scope.
    let scope = scope_of(scope)?.filter(|_| context.entries().next().is_some());
    let context = KeyContext::from_tree(context, scope.as_ref())?;
    Ok(if canonical { context.canonical_json() } else { context.json() })
}

/// Problems as JSON.
fn list(problems: &[Problem], json: &mut String) {
    json.push('[');
    for (index, problem) in problems.iter().enumerate() {
        json.push_str(if index == 0 { "{\"field\":" } else { ",{\"field\":" });
        quote(&problem.field, json);
        json.push_str(",\"message\":");
        quote(&problem.message, json);
        json.push('}');
    }
    json.push(']');
}
