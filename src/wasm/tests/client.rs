//! The binding, in Node and in Chromium: JavaScript values in, requests out through a stub `fetch`, results and
//! errors back.

use js_sys::{Array, Function, JSON, Object, Promise, Reflect};
use vault_wasm::{
    CoreClient, canonical_context, check_context, explain_context, extend_context, install,
    rotation_period_of,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

fn js(code: &str) -> JsValue {
    Function::new_no_args(&["return (", code, ");"].concat()).call0(&JsValue::NULL).unwrap()
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

/// A client whose `fetch` is this function body; `sent` collects what it was called with.
fn client(answer: &str) -> (CoreClient, Array) {
    installed("(facts) => facts");
    let sent = Array::new();
    let fetch = Function::new_with_args(
        "sent",
        &["return async (url, init) => { sent.push([url, init]); ", answer, " };"].concat(),
    )
    .call1(&JsValue::NULL, &sent)
    .unwrap();
    let options = Object::new();
    for (name, value) in [("apiKey", "sk_test_binding".into()), ("fetch", fetch), ("maxRetries", 0.into())] {
        Reflect::set(&options, &name.into(), &value).unwrap();
    }
    (CoreClient::new(options.into(), JsValue::UNDEFINED).unwrap(), sent)
}

/// What the package's entry installs, with another maker of errors.
fn installed(make_error: &str) {
    let function = |code| js(code).unchecked_into();
    let (adopt, body) = ("async (value) => await value", "async (response) => response.text()");
    install(function(make_error), function(adopt), function(body));
}

async fn done(promise: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

const OBJECT: &str = r#"new Response(JSON.stringify({id: 'a', name: 'n', value: 'v', metadata: {id: 'a',
    environment_id: 'e', context: JSON.parse('{"__proto__": "p", "x": "y"}'), key_id: 'k',
    updated_at: '2024-06-15T10:30:00.123456Z', updated_by: {id: 'u', name: 'U'}, version_id: null}}))"#;

#[wasm_bindgen_test]
async fn a_read_becomes_a_request_and_a_camel_case_object() {
    let (client, sent) = client(&["return ", OBJECT].concat());
    let object = done(client.read_object(js("{id: 'a/b'}"), JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(text(&sent.get(0), "0"), "https://api.workos.com/vault/v1/kv/a%2Fb");
    assert_eq!(text(&sent.get(0), "1.method"), "GET");
    assert_eq!(text(&sent.get(0), "1.redirect"), "manual");
    assert_eq!(text(&sent.get(0), "1.headers.Authorization"), "Bearer sk_test_binding");
    assert!(get(&sent.get(0), "1.body").is_undefined());
    assert_eq!(text(&object, "metadata.environmentId"), "e");
    assert!(get(&object, "metadata.updatedAt").is_instance_of::<js_sys::Date>());
    assert_eq!(json(&get(&object, "metadata.context")), r#"{"__proto__":"p","x":"y"}"#);
    assert!(get(&object, "metadata.versionId").is_null());
}

#[wasm_bindgen_test]
async fn a_value_is_quoted_by_javascript_and_sent_whole() {
    let (client, sent) = client("return Response.json({}, { status: 500 })");
    let value = r#"{name: 'n', value: '"\u{1f511}\n', context: {a: 'b"'}}"#;
    let error = done(client.create_object(js(value), JsValue::UNDEFINED)).await.unwrap_err();
    assert_eq!(text(&error, "code"), "server_error");
    let body = text(&sent.get(0), "1.body");
    assert_eq!(body, r#"{"name":"n","key_context":{"a":"b\""},"value":"\"🔑\n"}"#);
    assert!(
        get(&sent.get(0), "1.headers.Idempotency-Key").is_undefined(),
        "nothing is sent twice without retries"
    );
}

#[wasm_bindgen_test]
async fn what_javascript_can_throw_at_it_is_an_error_and_the_client_goes_on() {
    let (client, sent) = client(&["return ", OBJECT].concat());
    let hostile = [
        "undefined",
        "null",
        "5n",
        "Symbol('x')",
        "() => 1",
        "[]",
        "{get id() { throw 1 }}",
        "new Proxy({}, { get() { throw 1 } })",
        "{id: {toString() { throw 1 }}}",
        "{id: 5n}",
        "{id: Symbol('x')}",
        "{id: new String('a')}",
        "{id: '\\ud800'}",
        "Object.create(null)",
    ];
    for code in hostile {
        let error = done(client.read_object(js(code), JsValue::UNDEFINED)).await.unwrap_err();
        assert_eq!(text(&error, "code"), "invalid_request", "{code}: {}", json(&error));
        let error = done(client.create_object(js(code), JsValue::UNDEFINED)).await.unwrap_err();
        assert!(text(&error, "code").starts_with("invalid_"), "{code}");
    }
    let cyclic =
        js("(() => { const a = { a: 'b' }; a.self = a; return { name: 'n', value: 'v', context: a } })()");
    let error = done(client.create_object(cyclic, JsValue::UNDEFINED)).await.unwrap_err();
    assert_eq!(text(&error, "problems.0.field"), "key_context.self");
    assert_eq!(sent.length(), 0);
    for call in
        ["5", "{timeoutMs: '1'}", "{signal: 'x'}", "{get signal() { throw 1 }}", "{idempotencyKey: 'é'}"]
    {
        let error = done(client.read_object(js("{id: 'a'}"), js(call))).await.unwrap_err();
        assert_eq!(text(&error, "code"), "invalid_request", "{call}");
    }
    assert!(done(client.read_object(js("{id: 'a'}"), JsValue::UNDEFINED)).await.is_ok());
}

#[wasm_bindgen_test]
async fn a_fetch_that_misbehaves_is_an_error() {
    for (answer, code) in [
        ("throw new Error('refused')", "network_error"),
        ("throw undefined", "network_error"),
        ("return undefined", "malformed_response"),
        ("return 'text'", "malformed_response"),
        ("return new Response('{')", "malformed_response"),
        (
            "return new Response(new ReadableStream({ pull(c) { c.error(new Error('cut')) } }))",
            "network_error",
        ),
        ("return Response.error()", "malformed_response"),
    ] {
        let (client, _) = client(answer);
        let error = done(client.read_object(js("{id: 'a'}"), JsValue::UNDEFINED)).await.unwrap_err();
        assert_eq!(text(&error, "code"), code, "{answer}");
    }
    let options = js("{apiKey: 'sk_test_binding', maxRetries: 0, fetch() { throw new Error('at once') }}");
    let error = done(
        CoreClient::new(options, JsValue::UNDEFINED)
            .unwrap()
            .read_object(js("{id: 'a'}"), JsValue::UNDEFINED),
    )
    .await;
    assert_eq!(text(&error.unwrap_err(), "code"), "network_error");
}

#[wasm_bindgen_test]
async fn a_time_out_and_a_signal_end_a_call_and_leave_no_listener() {
    let (client, sent) = client("return new Promise(() => {})");
    let error = done(client.read_object(js("{id: 'a'}"), js("{timeoutMs: 10}"))).await.unwrap_err();
    assert_eq!(text(&error, "code"), "timeout");
    assert_eq!(get(&sent.get(0), "1.signal.aborted"), JsValue::TRUE);
    // A signal that counts its listeners.
    let signal = js("(() => { const c = new AbortController(); const s = c.signal; s.left = 0;
        const add = s.addEventListener, remove = s.removeEventListener;
        s.addEventListener = (...a) => { s.left++; add.apply(s, a) };
        s.removeEventListener = (...a) => { s.left--; remove.apply(s, a) };
        s.fire = () => c.abort('enough'); return s })()");
    let call = Object::new();
    Reflect::set(&call, &"signal".into(), &signal).unwrap();
    let pending = client.read_object(js("{id: 'a'}"), call.clone().into());
    done(Ok(js("new Promise((r) => setTimeout(r, 1))").unchecked_into())).await.unwrap();
    get(&signal, "fire").unchecked_into::<Function>().call0(&JsValue::NULL).unwrap();
    let error = done(pending).await.unwrap_err();
    assert_eq!((text(&error, "code"), text(&error, "cause")), ("aborted".into(), "enough".into()));
    assert_eq!(get(&signal, "left").as_f64(), Some(0.0));
}

#[wasm_bindgen_test]
fn contexts_are_checked_extended_and_explained() {
    let built =
        extend_context(JsValue::UNDEFINED, vec!["organization_id".into()], vec!["org_1".into()]).unwrap();
    let built = extend_context(built, vec!["rotation_period".into()], vec!["2024-Q1".into()]).unwrap();
    assert_eq!(json(&built), r#"{"organization_id":"org_1","rotation_period":"2024-Q1"}"#);
    let again = extend_context(built.clone(), vec!["rotation_period".into()], vec!["spring".into()]);
    assert_eq!(text(&again.unwrap_err(), "code"), "invalid_key_context");
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
fn errors_are_made_by_the_factory() {
    installed("(facts) => Object.assign(new Error(facts.message), facts)");
    let error = CoreClient::new(js("{apiKey: 'nope'}"), JsValue::UNDEFINED).err().unwrap();
    assert!(error.is_instance_of::<js_sys::Error>());
    assert_eq!(text(&error, "code"), "invalid_api_key");
    // A factory that throws must not lose the facts.
    installed("() => { throw 1 }");
    let error = CoreClient::new(js("{}"), JsValue::UNDEFINED).err().unwrap();
    assert_eq!(text(&error, "message"), "apiKey: it is not set");
}
