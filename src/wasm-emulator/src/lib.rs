//! [`vault_emulator`] for JavaScript, under the package's `VaultEmulator` class (`js/src/emulator.ts`).

// wasm-bindgen hands optional strings over by value.
#![allow(clippy::needless_pass_by_value)]

use gloo_net::http::{Headers, Request, Response};
use js_sys::Promise;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use std::cell::RefCell;
use std::rc::Rc;
use vault_core::Error;
use vault_core::json::Json;
use vault_core::reader::Reader;
use vault_emulator::{
    CustomerKey, Emulator, End, Options, Request as VaultRequest, Response as VaultResponse,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// A third of the bytes of the standard library's.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(out: &mut [u8]) -> Result<(), JsValue>;
}

/// Most bytes that `getRandomValues` gives at once (Web Cryptography API, section 10.1.1).
const RANDOM_MAX: usize = 65_536;

fn random(out: &mut [u8]) {
    for chunk in out.chunks_mut(RANDOM_MAX) {
        if get_random_values(chunk).is_err() {
            // Keys of zeros would be worse than no emulator. `new` has seen it work.
            wasm_bindgen::throw_str("crypto.getRandomValues failed");
        }
    }
}

fn refused(error: Error) -> JsValue {
    JsError::new(&error.message()).into()
}

/// Milliseconds as JavaScript has them: a double that may be negative or no number at all.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn millis(ms: f64) -> u64 {
    ms.max(0.0) as u64
}

/// An answer on its way to JavaScript.
#[wasm_bindgen]
pub struct CoreAnswer(VaultResponse);

#[wasm_bindgen]
impl CoreAnswer {
    /// The HTTP status.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Names and values of the headers, in turn.
    #[wasm_bindgen(getter)]
    pub fn headers(&self) -> Vec<String> {
        self.0.headers.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]).collect()
    }

    /// The body.
    #[wasm_bindgen(getter)]
    pub fn body(&self) -> String {
        self.0.body.clone()
    }

    /// The answer as a `Response`.
    pub fn response(&self) -> Result<web_sys::Response, JsValue> {
        let headers = Headers::new();
        for (name, value) in &self.0.headers {
            headers.set(name, value);
        }
        let response = Response::builder().status(self.0.status).headers(headers);
        // A status that has no body may not have an empty one either.
        let body = Some(&*self.0.body).filter(|body| !body.is_empty());
        let response = response.body(body).map_err(|error| JsError::new(&error.to_string()))?;
        Ok(response.into())
    }

    /// Milliseconds to wait before it.
    #[wasm_bindgen(getter, js_name = delayMs)]
    pub fn delay_ms(&self) -> f64 {
        as_number(self.0.wire.delay_ms)
    }

    /// How it ends: `whole`, `reset`, `cut` or `drip`.
    #[wasm_bindgen(getter)]
    pub fn end(&self) -> String {
        let end = match self.0.wire.end {
            End::Whole => "whole",
            End::Reset => "reset",
            End::Cut => "cut",
            End::Drip(..) => "drip",
        };
        end.into()
    }

    /// Bytes of each piece of a body that drips.
    #[wasm_bindgen(getter, js_name = pieceBytes)]
    pub fn piece_bytes(&self) -> usize {
        if let End::Drip(bytes, _) = self.0.wire.end { bytes } else { 0 }
    }

    /// Milliseconds before each piece.
    #[wasm_bindgen(getter, js_name = pieceMs)]
    pub fn piece_ms(&self) -> f64 {
        as_number(if let End::Drip(_, ms) = self.0.wire.end { ms } else { 0 })
    }
}

#[allow(clippy::cast_precision_loss)]
fn as_number(n: u64) -> f64 {
    n as f64
}

fn json(text: &str) -> Result<Json, JsValue> {
    Json::parse(text.as_bytes()).map_err(|error| JsError::new(&error.to_string()).into())
}

/// The emulator behind the package's `VaultEmulator`.
#[wasm_bindgen]
pub struct CoreEmulator(Rc<RefCell<Emulator>>);

#[wasm_bindgen]
impl CoreEmulator {
    /// From the constructor's options as JSON text.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, now_ms: f64) -> Result<CoreEmulator, JsValue> {
        if get_random_values(&mut [0; 1]).is_err() {
            let message =
                "there is no randomness here; in a Cloudflare Worker, make the emulator inside a handler";
            return Err(JsError::new(message).into());
        }
        let options = Options::from_json(&json(options)?).map_err(refused)?;
        let emulator = Emulator::new(options, millis(now_ms), &mut random).map_err(refused)?;
        Ok(CoreEmulator(Rc::new(RefCell::new(emulator))))
    }

    /// Answers a `Request` with a promise of a [`CoreAnswer`]. Never an error: a `Result` is three values, and V8 up to
    /// 11.3 (Node 20) can crash where it inlines a call that returns one reference.
    pub fn fetch(&self, request: web_sys::Request, now_ms: f64) -> Result<Promise, JsValue> {
        let emulator = self.0.clone();
        Ok(future_to_promise(async move {
            let request = Request::from(request);
            let body = request.binary().await.map_err(|error| JsError::new(&error.to_string()))?;
            let (url, headers) = (request.url(), request.headers());
            let method = request.method();
            // What `fetch` adds by itself to a text says nothing.
            let content_type = headers.get("content-type").filter(|given| given != PLAIN);
            let (authorization, idempotency_key) =
                (headers.get("authorization"), headers.get("idempotency-key"));
            let request = VaultRequest {
                method: method.as_str(),
                target: target(&url),
                authorization: authorization.as_deref(),
                idempotency_key: idempotency_key.as_deref(),
                content_type: content_type.as_deref(),
                body: &body,
            };
            let answer = emulator.borrow_mut().handle(&request, millis(now_ms), &mut random);
            Ok(CoreAnswer(answer).into())
        }))
    }

    /// Answers a request that is in parts already.
    #[allow(clippy::too_many_arguments)]
    pub fn handle(
        &self,
        method: &str,
        target: &str,
        authorization: Option<String>,
        idempotency_key: Option<String>,
        content_type: Option<String>,
        body: &[u8],
        now_ms: f64,
    ) -> CoreAnswer {
        let request = VaultRequest {
            method,
            target,
            authorization: authorization.as_deref(),
            idempotency_key: idempotency_key.as_deref(),
            content_type: content_type.as_deref(),
            body,
        };
        CoreAnswer(self.0.borrow_mut().handle(&request, millis(now_ms), &mut random))
    }

    /// Sets the clock ahead.
    pub fn advance(&self, ms: f64) {
        self.0.borrow_mut().advance(millis(ms));
    }

    /// Sets the clock, which goes on from there.
    #[wasm_bindgen(js_name = setTime)]
    pub fn set_time(&self, at_ms: f64, now_ms: f64) {
        self.0.borrow_mut().set_time(millis(at_ms), millis(now_ms));
    }

    /// The rules by which requests go wrong, as JSON text.
    #[wasm_bindgen(js_name = setFaults)]
    pub fn set_faults(&self, rules: &str) -> Result<(), JsValue> {
        self.0.borrow_mut().set_faults(&json(rules)?).map_err(refused)
    }

    /// As it was made.
    pub fn reset(&self, now_ms: f64) -> Result<(), JsValue> {
        self.0.borrow_mut().reset(millis(now_ms), &mut random).map_err(refused)
    }

    /// Creates objects, all or none, from JSON text.
    pub fn seed(&self, seed: &str, api_key: Option<String>, now_ms: f64) -> Result<usize, JsValue> {
        let seed = json(seed)?;
        let seeded = self.0.borrow_mut().seed(&seed, api_key.as_deref(), millis(now_ms), &mut random);
        seeded.map_err(refused)
    }

    /// Adds an organization's customer-managed key, from JSON text.
    #[wasm_bindgen(js_name = addCustomerKey)]
    pub fn add_customer_key(&self, key: &str, api_key: Option<String>, now_ms: f64) -> Result<(), JsValue> {
        let key = json(key)?;
        let mut reader = Reader::options(&key);
        let key = CustomerKey::read(&mut reader);
        let key = reader.finish(key).map_err(refused)?;
        let mut emulator = self.0.borrow_mut();
        emulator.add_customer_key(key, api_key.as_deref(), millis(now_ms), &mut random).map_err(refused)
    }

    /// Gives or takes away access to an organization's customer-managed key.
    #[wasm_bindgen(js_name = setCustomerKeyAccess)]
    pub fn set_customer_key_access(
        &self,
        organization_id: &str,
        accessible: bool,
        api_key: Option<String>,
        now_ms: f64,
    ) -> Result<(), JsValue> {
        let (mut emulator, now_ms) = (self.0.borrow_mut(), millis(now_ms));
        let set = emulator.set_customer_key_access(
            organization_id,
            accessible,
            api_key.as_deref(),
            now_ms,
            &mut random,
        );
        set.map_err(refused)
    }

    /// Deletes an organization's customer-managed key, for good.
    #[wasm_bindgen(js_name = deleteCustomerKey)]
    pub fn delete_customer_key(
        &self,
        organization_id: &str,
        api_key: Option<String>,
        now_ms: f64,
    ) -> Result<(), JsValue> {
        let (mut emulator, now_ms) = (self.0.borrow_mut(), millis(now_ms));
        let deleted = emulator.delete_customer_key(organization_id, api_key.as_deref(), now_ms, &mut random);
        deleted.map_err(refused)
    }

    /// A page of the audit log, from a query as JSON text.
    pub fn events(&self, query: &str, api_key: Option<String>, now_ms: f64) -> Result<JsValue, JsValue> {
        let (mut emulator, query) = (self.0.borrow_mut(), json(query)?);
        let page = emulator.events(&query, api_key.as_deref(), millis(now_ms), &mut random);
        Ok(page.map_err(refused)?.serialize(&Serializer::json_compatible())?)
    }

    /// Everything that is held.
    pub fn snapshot(&self) -> String {
        self.0.borrow().snapshot()
    }

    /// Puts back what a snapshot holds.
    pub fn restore(&self, lines: &str, now_ms: f64) -> Result<(), JsValue> {
        self.0.borrow_mut().restore(lines, millis(now_ms), &mut random).map_err(refused)
    }

    /// Notes every change from now on.
    #[wasm_bindgen(js_name = watchChanges)]
    pub fn watch_changes(&self) {
        self.0.borrow_mut().watch_changes();
    }

    /// What changed since this was last asked.
    #[wasm_bindgen(js_name = takeChanges)]
    pub fn take_changes(&self) -> String {
        self.0.borrow_mut().take_changes()
    }

    /// How many objects there are.
    #[wasm_bindgen(getter, js_name = objectCount)]
    pub fn object_count(&self) -> usize {
        self.0.borrow().object_count()
    }
}

/// The `Content-Type` that `fetch` gives a text by itself.
const PLAIN: &str = "text/plain;charset=UTF-8";

/// Path and query of an absolute URL, as a `Request` has it.
fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("/", |at| &rest[at..])
}
