//! What the tests of the emulator have in common.

#![allow(dead_code, unreachable_pub, missing_docs)]

use serde_json::{Value, json};
use vault_emulator::{Emulator, EnvironmentOptions, Options, Request, Response};

/// An emulator with a clock, and randomness that repeats from run to run.
pub struct Vault {
    pub emulator: Emulator,
    pub now_ms: u64,
    pub state: u64,
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough to make distinct IDs and keys in a test.
pub fn splitmix(state: &mut u64) -> impl FnMut(&mut [u8]) {
    move |out: &mut [u8]| {
        for byte in out {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z ^ (z >> 31)).to_le_bytes()[0];
        }
    }
}

impl Vault {
    pub fn new(options: Options) -> Self {
        let mut state = 1;
        let emulator = Emulator::new(options, 0, &mut splitmix(&mut state)).unwrap();
        Vault { emulator, now_ms: 1_718_447_400_000, state }
    }

    pub fn send(&mut self, request: &Request<'_>) -> Response {
        self.now_ms += 1;
        self.emulator.handle(request, self.now_ms, &mut splitmix(&mut self.state))
    }

    pub fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, target, text.as_bytes())
    }

    pub fn raw(&mut self, method: &str, target: &str, body: &[u8]) -> (u16, Value) {
        let authorization = Some("Bearer sk_test_emulator");
        let response = self.send(&Request { method, target, authorization, body, ..Request::default() });
        let id = response.header("x-request-id").unwrap();
        assert!(id.starts_with("req_") && id.len() == 30);
        (response.status, serde_json::from_str(&response.body).expect("every body is JSON"))
    }

    pub fn set_access(&mut self, organization_id: &str, accessible: bool) -> Result<(), vault_core::Error> {
        let random = &mut splitmix(&mut self.state);
        self.emulator.set_customer_key_access(organization_id, accessible, None, self.now_ms, random)
    }

    pub fn create(&mut self, name: &str, value: &str) -> Value {
        let body = json!({"name": name, "value": value, "key_context": {"organization_id": "org_1"}});
        let (status, metadata) = self.ask("POST", "/vault/v1/kv", &body);
        assert_eq!(status, 201, "{metadata}");
        metadata
    }
}

/// Options of one environment.
pub fn one(environment: EnvironmentOptions) -> Options {
    Options { environments: vec![environment], ..Options::default() }
}

pub fn plain() -> Vault {
    Vault::new(Options::default())
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
