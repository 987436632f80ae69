//! [`vault_emulator`] for JavaScript. The package's `VaultEmulator` class (`js/src/emulator.ts`) turns a
//! `fetch` into a call of [`CoreEmulator::handle`] and its answer into a `Response`.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use vault_core::Error;
use vault_core::json::Json;
use vault_emulator::{Emulator, Options, Request};
use wasm_bindgen::prelude::*;

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
            // Keys of zeros would be worse than no emulator.
            wasm_bindgen::throw_str("this runtime has no crypto.getRandomValues");
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseView {
    status: u16,
    request_id: String,
    allow: Option<&'static str>,
    body: String,
}

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
pub struct CoreEmulator(Emulator);

#[wasm_bindgen]
impl CoreEmulator {
    /// From the constructor's options as JSON text.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, now_ms: f64) -> Result<CoreEmulator, JsValue> {
        let options = Json::parse(options.as_bytes()).map_err(|error| JsError::new(&error.to_string()))?;
        let options = Options::from_tree(&options).map_err(refused)?;
        Emulator::new(options, millis(now_ms), &mut random).map(CoreEmulator).map_err(refused)
    }

    /// Answers a request with `{status, requestId, allow?, body}`.
    pub fn handle(
        &mut self,
        method: &str,
        target: &str,
        authorization: Option<String>,
        idempotency_key: Option<String>,
        body: &[u8],
        now_ms: f64,
    ) -> Result<JsValue, JsValue> {
        let request = Request {
            method,
            target,
            authorization: authorization.as_deref(),
            idempotency_key: idempotency_key.as_deref(),
            body,
        };
        let response = self.0.handle(&request, millis(now_ms), &mut random);
        let view = ResponseView {
            status: response.status,
            request_id: response.request_id,
            allow: response.allow,
            body: response.body,
        };
        Ok(view.serialize(&Serializer::json_compatible())?)
    }

    /// Gives or takes away access to an organization's customer-managed key.
    #[wasm_bindgen(js_name = setCustomerKeyAccess)]
    pub fn set_customer_key_access(&mut self, organization_id: &str, accessible: bool) -> Result<(), JsValue> {
        self.0.set_customer_key_access(organization_id, accessible).map_err(refused)
    }

    /// Deletes an organization's customer-managed key, for good.
    #[wasm_bindgen(js_name = deleteCustomerKey)]
    pub fn delete_customer_key(&mut self, organization_id: &str) -> Result<(), JsValue> {
        self.0.delete_customer_key(organization_id).map_err(refused)
    }

    /// How many objects there are.
    #[wasm_bindgen(getter, js_name = objectCount)]
    pub fn object_count(&self) -> usize {
        self.0.object_count()
    }
}
