//! [`vault_emulator`] for JavaScript, under the package's `VaultEmulator` class (`js/src/emulator.ts`).

use gloo_net::http::{Headers, Request, Response};
use js_sys::Promise;
use std::cell::RefCell;
use std::rc::Rc;
use vault_core::Error;
use vault_core::json::Json;
use vault_emulator::{Emulator, Options, Request as VaultRequest};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

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

/// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
fn refused(error: Error) -> JsValue {
    JsError::new(&error.message).into()
}

/// Milliseconds as JavaScript has them: a double that may be negative or no number at all.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn millis(ms: f64) -> u64 {
    ms.max(0.0) as u64
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
        let options = Json::parse(options.as_bytes()).map_err(|error| JsError::new(&error.to_string()))?;
        let options = Options::from_tree(&options).map_err(refused)?;
        let emulator = Emulator::new(options, millis(now_ms), &mut random).map_err(refused)?;
        Ok(CoreEmulator(Rc::new(RefCell::new(emulator))))
    }

    /// Answers a request with a promise of a `Response`.
    pub fn fetch(&self, request: web_sys::Request, now_ms: f64) -> Promise {
        let emulator = self.0.clone();
        future_to_promise(async move {
            let request = Request::from(request);
            let body = request.binary().await.map_err(|error| JsError::new(&error.to_string()))?;
            let (url, headers) = (request.url(), request.headers());
            let answer = emulator.borrow_mut().handle(
                &VaultRequest {
                    method: request.method().as_str(),
                    target: target(&url),
                    authorization: headers.get("authorization").as_deref(),
                    idempotency_key: headers.get("idempotency-key").as_deref(),
                    body: &body,
                },
                millis(now_ms),
                &mut random,
            );
            let headers = Headers::new();
            headers.set("content-type", "application/json");
            headers.set("x-request-id", &answer.request_id);
            if let Some(allow) = answer.allow {
                headers.set("allow", allow);
            }
            let response =
                Response::builder().status(answer.status).headers(headers).body(Some(&*answer.body));
            let response = response.map_err(|error| JsError::new(&error.to_string()))?;
            Ok(web_sys::Response::from(response).into())
        })
    }

    /// Gives or takes away access to an organization's customer-managed key.
    #[wasm_bindgen(js_name = setCustomerKeyAccess)]
    pub fn set_customer_key_access(&self, organization_id: &str, accessible: bool) -> Result<(), JsValue> {
        self.0.borrow_mut().set_customer_key_access(organization_id, accessible).map_err(refused)
    }

    /// Deletes an organization's customer-managed key, for good.
    #[wasm_bindgen(js_name = deleteCustomerKey)]
    pub fn delete_customer_key(&self, organization_id: &str) -> Result<(), JsValue> {
        self.0.borrow_mut().delete_customer_key(organization_id).map_err(refused)
    }

    /// How many objects there are.
    #[wasm_bindgen(getter, js_name = objectCount)]
    pub fn object_count(&self) -> usize {
        self.0.borrow().object_count()
    }
}

/// Path and query of an absolute URL, as a `Request` has it.
fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("/", |at| &rest[at..])
}
