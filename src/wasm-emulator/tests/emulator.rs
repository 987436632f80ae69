//! The emulator's binding, in Node and in Chromium.

use js_sys::{JSON, Reflect};
use vault_emulator_wasm::CoreEmulator;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

async fn ask(emulator: &CoreEmulator, method: &str, target: &str, body: &str) -> (u16, JsValue) {
    let init = web_sys::RequestInit::new();
    init.set_method(method);
    if !body.is_empty() {
        init.set_body(&body.into());
    }
    let url = ["https://api.workos.com", target].concat();
    let request = web_sys::Request::new_with_str_and_init(&url, &init).unwrap();
    request.headers().set("Authorization", "Bearer sk_test_emulator").unwrap();
    let answer = JsFuture::from(emulator.fetch(request, 1_718_447_400_000.0).unwrap()).await.unwrap();
    let make: js_sys::Function = get(&answer, "response").unchecked_into();
    let response: web_sys::Response = make.call0(&answer).unwrap().unchecked_into();
    assert!(response.headers().get("x-request-id").unwrap().unwrap().starts_with("req_"));
    assert_eq!(response.headers().get("content-type").unwrap().unwrap(), "application/json");
    let text = JsFuture::from(response.text().unwrap()).await.unwrap().as_string().unwrap();
    (response.status(), JSON::parse(&text).unwrap())
}

#[wasm_bindgen_test]
async fn a_value_is_stored_and_read() {
    let emulator = CoreEmulator::new("{}", 0.0).unwrap();
    let body = r#"{"name": "n", "value": "🔑", "key_context": {"a": "b"}}"#;
    let (status, metadata) = ask(&emulator, "POST", "/vault/v1/kv", body).await;
    assert_eq!(status, 201);
    let path = ["/vault/v1/kv/", &get(&metadata, "id").as_string().unwrap()].concat();
    let (_, object) = ask(&emulator, "GET", &path, "").await;
    assert_eq!(get(&object, "value"), "🔑");
    assert_eq!(emulator.object_count(), 1);
    assert_eq!(ask(&emulator, "GET", "/vault/v1/kv?limit=0", "").await.0, 400);
    assert_eq!(ask(&emulator, "GET", "", "").await.0, 404);
}

#[wasm_bindgen_test]
async fn two_emulators_share_no_keys() {
    let first = CoreEmulator::new("{}", 0.0).unwrap();
    let second = CoreEmulator::new("{}", 0.0).unwrap();
    let context = r#"{"context": {"a": "b"}}"#;
    let (_, one) = ask(&first, "POST", "/vault/v1/keys/data-key", context).await;
    let (_, two) = ask(&second, "POST", "/vault/v1/keys/data-key", context).await;
    assert_ne!(get(&one, "data_key"), get(&two, "data_key"), "the runtime's randomness is used");
    let keys = ["{\"keys\": \"", &get(&one, "encrypted_keys").as_string().unwrap(), "\"}"].concat();
    assert_eq!(ask(&first, "POST", "/vault/v1/keys/decrypt", &keys).await.0, 200);
    assert_eq!(ask(&second, "POST", "/vault/v1/keys/decrypt", &keys).await.0, 400);
}

#[wasm_bindgen_test]
fn wrong_options_are_named() {
    for (code, named) in [
        (r#"{"apiKeys": ["nope"]}"#, "apiKeys[0]: a secret API key starts with sk_"),
        (r#"{"apiKeys": "sk_test_a"}"#, "apiKeys: expected a list of strings, got a string"),
        (r#"{"organizations": [1]}"#, "organizations: expected a list of strings"),
        (r#"{"recoveryPeriodMs": -1}"#, "recoveryPeriodMs: expected a whole number from 0"),
        (
            r#"{"recoveryPeriod": 1}"#,
            "recoveryPeriod: there is no such option; did you mean recoveryPeriodMs?",
        ),
        (
            r#"{"customerKeys": [{"organizationId": "o", "provider": "HSM"}]}"#,
            "customerKeys[0].provider: expected AWS_KMS",
        ),
        (
            r#"{"customerKeys": [{"organizationId": "o", "provider": "AWS_KMS"}, {"organizationId": "o", "provider": "AWS_KMS"}]}"#,
            "o has more than one",
        ),
        ("[]", "options: expected an object"),
    ] {
        let error = CoreEmulator::new(code, 0.0).err().unwrap();
        let message = get(&error, "message").as_string().unwrap();
        assert!(message.contains(named), "{code}: {message}");
    }
    let emulator = CoreEmulator::new("{}", 0.0).unwrap();
    assert!(emulator.set_customer_key_access("org_1", true, None, 0.0).is_err());
    assert!(emulator.delete_customer_key("org_1", None, 0.0).is_err());
}
