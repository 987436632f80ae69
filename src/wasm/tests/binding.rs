//! The binding, in Node and in Chromium: JavaScript values in, requests, judgements, envelopes and errors out.

use js_sys::{Array, Function, JSON, Reflect, Uint8Array};
use vault_wasm::{
    CoreKey, CoreRetry, CoreStream, call_options, canonical_context, check_answer, check_context,
    check_scope, decode_envelope, decode_value, describe_operation, encode, explain_context, extend_context,
    fault, install, may_have_landed, modify_options, prepare, prepare_data_key, prepare_rekey, read_settings,
    readings, refusal, rotation_period_of, scope_of, unwrap_request, wrong,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

const HOST: &str = "{ error: (facts) => facts,
    request: (operation, method, target, head, value, tail, repeatable, bytes) =>
        ({ operation, method, target, body: value === undefined ? head : head + JSON.stringify(value) + tail, repeatable, bytes }),
    toBase64: (bytes) => btoa(String.fromCharCode(...bytes)) }";

/// Places in core's `Operation::ALL`.
const CREATE: u8 = 0;
const LIST: u8 = 1;
const READ: u8 = 2;
const BY_NAME: u8 = 3;
const UPDATE: u8 = 6;
const DELETE: u8 = 7;

fn js(code: &str) -> JsValue {
    Function::new_no_args(&["return (", code, ");"].concat()).call0(&JsValue::NULL).unwrap()
}

fn installed(host: &str) {
    install(js(host).unchecked_into());
}

fn get(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, name| Reflect::get(&value, &name.into()).unwrap())
}

fn text(value: &JsValue, path: &str) -> String {
    let found = get(value, path);
    found.as_string().unwrap_or_else(|| panic!("{path} is {found:?}"))
}

fn json(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

fn code<T>(result: Result<T, JsValue>) -> String {
    text(&result.err().expect("it fails"), "code")
}

fn made(operation: u8, options: &str) -> Result<JsValue, JsValue> {
    installed(HOST);
    prepare(operation, js(options), JsValue::UNDEFINED)
}

#[wasm_bindgen_test]
fn options_become_requests() {
    let read = made(READ, "{ id: 'a/b', as: 'bytes' }").unwrap();
    assert_eq!(text(&read, "target"), "/vault/v1/kv/a%2Fb");
    assert_eq!(get(&read, "bytes"), JsValue::TRUE);
    let create = made(CREATE, "{ name: 'n', value: '\"\u{1f511}\\n', context: { a: 'b\"' } }").unwrap();
    assert_eq!(text(&create, "body"), r#"{"name":"n","key_context":{"a":"b\""},"value":"\"🔑\n"}"#);
    let bytes =
        made(CREATE, "{ name: 'n', value: new Uint8Array([222, 173]), context: { a: 'b' } }").unwrap();
    assert!(text(&bytes, "body").contains("data:application/octet-stream;base64,3q0="));
    let update = made(UPDATE, "{ id: 'a', value: 'v', versionCheck: 'w' }").unwrap();
    assert_eq!(text(&update, "body"), r#"{"version_check":"w","value":"v"}"#);
    assert_eq!(get(&update, "repeatable"), JsValue::TRUE);
    let within = prepare_data_key(JsValue::UNDEFINED, js("{ b: '1', a: '2' }")).unwrap();
    assert_eq!(text(&within, "body"), r#"{"context":{"b":"1","a":"2"}}"#);
    assert_eq!(text(&within, "contextKey"), r#"{"a":"2","b":"1"}"#);
    assert_eq!(code(prepare_data_key(js("{ b: '2' }"), js("{ b: '1' }"))), "context_mismatch");
    let rekey = prepare_rekey("a2V5cw==".into(), js("{ a: 'b' }")).unwrap();
    assert_eq!(text(&rekey, "body"), r#"{"encrypted_keys":"a2V5cw==","context":{"a":"b"}}"#);
    assert_eq!(text(&unwrap_request("a2V5cw==".into()).unwrap(), "body"), r#"{"keys":"a2V5cw=="}"#);
    assert_eq!(describe_operation(BY_NAME), ["readObjectByName", "/vault/v1/kv/name/{name}"]);
    let modify = modify_options(js("{ name: 'n', maxAttempts: 7 }"), &js("() => 1")).unwrap();
    assert_eq!(
        (text(&modify, "read.target"), get(&modify, "attempts").as_f64()),
        ("/vault/v1/kv/name/n".into(), Some(7.0))
    );
    assert_eq!(code(modify_options(js("{ id: 'a' }"), &js("1"))), "invalid_request");
    assert_eq!(json(&scope_of(js("{ b: 'c' }"), js("{ a: 'b' }")).unwrap()), r#"{"a":"b","b":"c"}"#);
}

#[wasm_bindgen_test]
fn what_javascript_can_throw_at_it_is_an_error() {
    let hostile = [
        "undefined",
        "null",
        "5n",
        "Symbol('x')",
        "() => 1",
        "[]",
        "{ get id() { throw 1 } }",
        "new Proxy({}, { get() { throw 1 } })",
        "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()",
        "{ id: { toString() { throw 1 } } }",
        "{ id: 5n }",
        "{ id: Symbol('x') }",
        "{ id: new String('a') }",
        "{ id: '\\ud800' }",
        "Object.create(null)",
    ];
    for options in hostile {
        for operation in [READ, BY_NAME, UPDATE, DELETE] {
            assert_eq!(code(made(operation, options)), "invalid_request", "{operation} {options}");
        }
        assert!(code(made(CREATE, options)).starts_with("invalid_"), "{options}");
    }
    let cyclic =
        "(() => { const a = { a: 'b' }; a.self = a; return { name: 'n', value: 'v', context: a } })()";
    assert_eq!(text(&made(CREATE, cyclic).unwrap_err(), "problems.0.field"), "key_context.self");
    for call in [
        "5",
        "{ timeoutMs: '1' }",
        "{ signal: 'x' }",
        "{ get signal() { throw 1 } }",
        "{ idempotencyKey: 'é' }",
    ] {
        assert_eq!(code(call_options(js(call), 0)), "invalid_request", "{call}");
    }
    let call = call_options(js("{ timeoutMs: 5, layout: 'go' }"), 1).unwrap();
    assert_eq!((get(&call, "timeoutMs").as_f64(), get(&call, "layout")), (Some(5.0), JsValue::TRUE));
    assert_eq!(
        code(call_options(js("{ layout: 'go' }"), 0)),
        "invalid_request",
        "not an option of every call"
    );
    // A host that cannot make the text of a request.
    installed("{ error: (facts) => facts, request() { throw new RangeError('too long') } }");
    let error = prepare(UPDATE, js("{ id: 'a', value: 'v' }"), JsValue::UNDEFINED).unwrap_err();
    assert_eq!(
        (text(&error, "code"), text(&error, "cause.message")),
        ("invalid_request".into(), "too long".into())
    );
}

#[wasm_bindgen_test]
fn answers_are_judged() {
    installed(HOST);
    let judge = |operation, body: &str| check_answer(operation, 200, Some("req_1".into()), js(body));
    assert!(judge(LIST, "{ data: [], list_metadata: { before: null, after: 'a' } }").is_ok());
    let error = judge(LIST, "{ data: [{ id: 1 }], list_metadata: {} }").unwrap_err();
    assert_eq!(
        (text(&error, "code"), text(&error, "requestId")),
        ("malformed_response".into(), "req_1".into())
    );
    assert!(text(&error, "message").contains("data[0].id"), "{}", json(&error));
    assert!(text(&judge(READ, "undefined").unwrap_err(), "message").contains("it is not JSON"));
    assert!(check_answer(DELETE, 204, None, JsValue::UNDEFINED).is_ok());
    let error = refusal(UPDATE, 429, None, Some("7".into()), 0.0, js("{ error: 'slow down' }")).unwrap();
    assert_eq!(
        (text(&error, "code"), get(&error, "retryAfterMs").as_f64()),
        ("rate_limited".into(), Some(7000.0))
    );
    assert!(check_scope(js("{ a: 'b' }"), js("{ a: 'b', c: 'd' }")).is_ok());
    for context in ["{ a: 'c' }", "undefined", "null", "5"] {
        assert_eq!(code(check_scope(js("{ a: 'b' }"), js(context))), "context_mismatch");
    }
    assert!(may_have_landed("timeout") && !may_have_landed("rate_limited"));
}

#[wasm_bindgen_test]
fn settings_report_every_problem() {
    installed(HOST);
    let settings = read_settings(js("{ apiKey: 'sk_test_binding', maxRetries: 1 }"), js("{}")).unwrap();
    assert_eq!(text(&settings, "headers.Authorization"), "Bearer sk_test_binding");
    assert_eq!(text(&settings, "baseUrl"), "https://api.workos.com");
    let error =
        read_settings(js("{ apiKey: 'sk_test_binding', cipher: 'rot13', fetch: 5 }"), js("{}")).unwrap_err();
    assert_eq!(get(&error, "problems.length").as_f64(), Some(2.0), "{}", json(&error));
    let error =
        read_settings(js("{ apiKey: 'nope' }"), js("{ fields: { apiKey: 'WORKOS_API_KEY' } }")).unwrap_err();
    assert_eq!(text(&error, "problems.0.field"), "WORKOS_API_KEY");
    // A failure once, then no budget is asked for what may not be repeated.
    let retry: CoreRetry = CoreRetry::of(Some(1), None);
    assert!(retry.repeats());
    assert!(retry.decide("server_error", None, 1, true, false, false, 60_000.0, 0.5).is_some());
    assert!(retry.decide("server_error", None, 2, true, false, false, 60_000.0, 0.5).is_none());
    assert!(retry.decide("server_error", None, 1, false, false, false, 60_000.0, 0.5).is_none());
    assert_eq!(retry.decide("rate_limited", Some(900.0), 1, false, false, false, 60_000.0, 0.0), Some(900.0));
}

#[wasm_bindgen_test]
fn keys_seal_and_open_envelopes_and_streams() {
    installed(HOST);
    let base64 = |bytes: &[u8]| encode(&Uint8Array::from(bytes)).unwrap().as_string().unwrap();
    let (data_key, keys) = (base64(&[7; 32]), base64(b"WOS.EKM.v1\0wrapped"));
    let key = CoreKey::of_answer(&data_key.clone().into(), Some(keys.clone()), 0.0).unwrap();
    assert!(CoreKey::of_answer(&base64(&[7; 31]).into(), Some(keys.clone()), 0.0).is_none());
    assert!(CoreKey::of_answer(&data_key.clone().into(), Some(String::new()), 0.0).is_none());
    assert!(CoreKey::given(js("{ key: 'short' }"), JsValue::UNDEFINED, false).is_err());
    assert_eq!((key.keys(), key.expose().unwrap().to_vec()), (keys.clone(), vec![7; 32]));
    let (nonce, aad) = ([1; 12], b"row");
    let sealed = key.seal(&nonce, aad, &Uint8Array::from(&b"plain"[..])).unwrap().to_vec();
    let (ciphertext, tag) = sealed.split_at(5);
    for go in [false, true] {
        let mut envelope = key.frame(go, &nonce, tag).unwrap();
        envelope.extend_from_slice(ciphertext);
        envelope.extend_from_slice(if go { tag } else { &[] });
        let envelope = decode_envelope(&base64(&envelope)).unwrap();
        let places =
            readings(&envelope[..64.min(envelope.len())], u32::try_from(envelope.len()).unwrap()).unwrap();
        assert_eq!(places[0] == 1, go, "{places:?}");
        let part = |at: usize| &envelope[places[at] as usize..places[at + 1] as usize];
        let opened = key.open(part(1), aad, &part(7).into(), part(3)).unwrap();
        assert_eq!(opened.unchecked_into::<Uint8Array>().to_vec(), b"plain");
        assert!(key.open(part(1), b"other", &part(7).into(), part(3)).unwrap().is_undefined());
    }
    assert_eq!(code(decode_envelope("*")), "malformed_envelope");
    assert_eq!(code(readings(&[], 0)), "malformed_envelope");
    assert_eq!(
        decode_value("data:application/octet-stream;base64,3q0=".into()).unwrap().to_vec(),
        [222, 173]
    );
    assert_eq!(key.choice(10.0, 1.0, 10.0, 5.0, 5.0), 1);
    key.count(5);
    assert_eq!(key.choice(10.0, 1.0, 10.0, 5.0, 5.0), 2);

    let stream = key.stream(1024, &[9; 7], aad).unwrap();
    let again = CoreStream::read(&stream.header(), aad).unwrap().unwrap();
    assert_eq!((again.keys(), again.aad(), again.chunk_bytes()), (keys, stream.aad(), 1024));
    assert_eq!(stream.seal_nonce(1024, false).unwrap(), again.open_nonce(1040, false).unwrap());
    assert!(CoreStream::read(&stream.header()[..20], aad).unwrap().is_none());
    assert_eq!(code(again.open_nonce(5, true)), "malformed_envelope");
}

#[wasm_bindgen_test]
fn contexts_are_checked_extended_and_explained() {
    installed(HOST);
    let built =
        extend_context(JsValue::UNDEFINED, vec!["organization_id".into()], vec!["org_1".into()]).unwrap();
    let built = extend_context(built, vec!["rotation_period".into()], vec!["2024-Q1".into()]).unwrap();
    assert_eq!(json(&built), r#"{"organization_id":"org_1","rotation_period":"2024-Q1"}"#);
    let again = extend_context(built.clone(), vec!["rotation_period".into()], vec!["spring".into()]);
    assert_eq!(code(again), "invalid_key_context");
    assert_eq!(canonical_context(js("{b: '1', a: '2'}")).unwrap(), r#"{"a":"2","b":"1"}"#);
    assert_eq!(json(&check_context(js("{toJSON: () => ({ b: '1' })}")).unwrap()), r#"{"b":"1"}"#);
    assert!(check_context(js("{toJSON() { throw 1 }}")).is_err());
    let view = explain_context(js("{orgId: 'org_1'}")).unwrap();
    assert_eq!(
        (text(&view, "isolation"), text(&view, "lints.0.code")),
        ("custom".into(), "misspelled_name".into())
    );
    assert_eq!(rotation_period_of(js("new Date('2024-05-01')"), "month".into()).unwrap(), "2024-05");
    assert!(rotation_period_of(js("new Date(NaN)"), JsValue::UNDEFINED).is_err());
    assert!(rotation_period_of(js("new Date(8.64e15)"), JsValue::UNDEFINED).is_err());
}

#[wasm_bindgen_test]
fn errors_are_made_by_the_host() {
    installed("{ error: (facts) => Object.assign(new Error(facts.message), facts) }");
    let error = fault("timeout", "", "no answer", JsValue::UNDEFINED).unwrap();
    assert!(error.is_instance_of::<js_sys::Error>());
    assert_eq!((text(&error, "code"), get(&error, "retryable")), ("timeout".into(), JsValue::TRUE));
    let secret = wrong("data", "a string", 1234.into(), true).unwrap();
    assert_eq!(text(&secret, "message"), "data: expected a string, got a number");
    assert_eq!(get(&secret, "problems").unchecked_into::<Array>().length(), 1);
    // A host that throws must not lose the facts.
    installed("{ error() { throw 1 } }");
    let error = read_settings(js("{}"), js("{}")).unwrap_err();
    assert_eq!(text(&error, "message"), "apiKey: it is not set");
}
