//! What a client tells of its requests: to logs, counters, traces. No value, key, header or name is in it.

use crate::failure::{Failure, adopt, as_number};
use crate::output::Out;
use crate::tree::Node;
use js_sys::{Date, Function};
use std::cell::Cell;
use vault_core::http::{Answer, Operation, Request};
use vault_core::tree::{Tree, expected};
use vault_core::{Error, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// The functions that a client was given.
#[derive(Default)]
pub(crate) struct Hooks {
    request: Option<Function>,
    response: Option<Function>,
    retry: Option<Function>,
    calls: Cell<u32>,
}

impl Hooks {
    /// From `{onRequest?, onResponse?, onRetry?}`.
    pub(crate) fn read(options: &Node, problems: &mut Vec<Problem>) -> Self {
        let mut function = |name: &str| {
            let member = options.member(name);
            if !member.is_absent() && !member.js().is_function() {
                problems.push(Problem::new(name, expected("a function", member.kind())));
            }
            member.js().dyn_into().ok()
        };
        Hooks {
            request: function("onRequest"),
            response: function("onResponse"),
            retry: function("onRetry"),
            calls: Cell::new(0),
        }
    }

    /// For one call, which gets a number of its own.
    pub(crate) fn call(&self, request: &Request<JsValue>) -> Told<'_> {
        self.calls.set(self.calls.get().wrapping_add(1));
        Told {
            hooks: self,
            operation: request.operation,
            method: request.method.as_str(),
            call: self.calls.get(),
        }
    }
}

/// What is told of one call.
pub(crate) struct Told<'a> {
    hooks: &'a Hooks,
    operation: Operation,
    method: &'static str,
    call: u32,
}

impl Told<'_> {
    /// What a hook throws is not the call's trouble.
    fn tell(&self, hook: Option<&Function>, number: u32, more: impl FnOnce(Out) -> Out) {
        let Some(hook) = hook else { return };
        let out = Out::new()
            .set("operation", self.operation.as_str())
            .set("method", self.method)
            .set("route", self.operation.route())
            .set("call", self.call)
            .set("attempt", number);
        if let Ok(result) = hook.call1(&JsValue::UNDEFINED, &more(out).into())
            && result.is_object()
        {
            // Of one that is asynchronous, a rejection is ignored too, rather than left unhandled.
            spawn_local(async { drop(adopt(result).await) });
        }
    }

    pub(crate) fn request(&self, number: u32) {
        self.tell(self.hooks.request.as_ref(), number, |out| out);
    }

    pub(crate) fn response(&self, number: u32, started: f64, outcome: &Result<Answer<Node>, Failure>) {
        self.tell(self.hooks.response.as_ref(), number, |out| {
            let out = out.set("durationMs", (Date::now() - started).max(0.0));
            match outcome {
                Ok(answer) => out.set("status", answer.status).set("requestId", answer.request_id.clone()),
                Err(Failure::Vault { error, .. }) => failed(out, error),
                Err(Failure::Caller(_)) => out,
            }
        });
    }

    pub(crate) fn retry(&self, number: u32, error: &Error, delay_ms: u64) {
        self.tell(self.hooks.retry.as_ref(), number, |out| {
            failed(out, error).set("delayMs", as_number(delay_ms))
        });
    }
}

fn failed(out: Out, error: &Error) -> Out {
    out.set("status", error.status)
        .set("requestId", error.request_id.clone())
        .set("code", error.code.as_str())
}
