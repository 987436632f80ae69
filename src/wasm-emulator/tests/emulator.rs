//! The emulator's binding, in Node and in Chromium.

use js_sys::{JSON, Reflect};
use vault_emulator_wasm::CoreEmulator;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn ask(emulator: &mut CoreEmulator, method: &str, target: &str, body: &str) -> (f64, JsValue) {
    let authorization = Some("Bearer sk_test_emulator".to_owned());
    let now_ms = 1_718_447_400_000.0;
    let answer = emulator.handle(method, target, authorization, None, body.as_bytes(), now_ms).unwrap();
    let body = get(&answer, "body").as_string().unwrap();
    (get(&answer, "status").as_f64().unwrap(), JSON::parse(&body).unwrap())
}

#[wasm_bindgen_test]
fn a_value_is_stored_and_read() {
    let mut emulator = CoreEmulator::new("{}", 0.0).unwrap();
    let body = r#"{"name": "n", "value": "🔑", "key_context": {"a": "b"}}"#;
    let (status, metadata) = ask(&mut emulator, "POST", "/vault/v1/kv", body);
    assert_eq!(status, 201.0);
    let path = ["/vault/v1/kv/", &get(&metadata, "id").as_string().unwrap()].concat();
    let (_, object) = ask(&mut emulator, "GET", &path, "");
    assert_eq!(get(&object, "value"), "🔑");
    assert_eq!(emulator.object_count(), 1);
}

#[wasm_bindgen_test]
fn two_emulators_share_no_keys() {
    let mut first = CoreEmulator::new("{}", 0.0).unwrap();
    let mut second = CoreEmulator::new("{}", 0.0).unwrap();
    let context = r#"{"context": {"a": "b"}}"#;
    let (_, one) = ask(&mut first, "POST", "/vault/v1/keys/data-key", context);
    let (_, two) = ask(&mut second, "POST", "/vault/v1/keys/data-key", context);
    assert_ne!(get(&one, "data_key"), get(&two, "data_key"), "the runtime's randomness is used");
    let keys = ["{\"keys\": \"", &get(&one, "encrypted_keys").as_string().unwrap(), "\"}"].concat();
    assert_eq!(ask(&mut first, "POST", "/vault/v1/keys/decrypt", &keys).0, 200.0);
    assert_eq!(ask(&mut second, "POST", "/vault/v1/keys/decrypt", &keys).0, 400.0);
}

#[wasm_bindgen_test]
fn wrong_options_are_named() {
    for (code, named) in [
        (r#"{"apiKeys": ["nope"]}"#, "apiKeys[0]: a secret API key starts with sk_"),
        (r#"{"apiKeys": "sk_test_a"}"#, "apiKeys: expected a list of strings, got a string"),
        (r#"{"organizations": [1]}"#, "organizations: expected a list of strings"),
        (r#"{"recoveryPeriodMs": -1}"#, "recoveryPeriodMs: expected a whole number from 0"),
        (r#"{"recoveryPeriod": 1}"#, "recoveryPeriod: no such option"),
        (r#"{"customerKeys": [{"organizationId": "o", "provider": "HSM"}]}"#, "customerKeys[0].provider: expected AWS_KMS"),
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
    let mut emulator = CoreEmulator::new("{}", 0.0).unwrap();
    assert!(emulator.set_customer_key_access("org_1", true).is_err());
    assert!(emulator.delete_customer_key("org_1").is_err());
}
