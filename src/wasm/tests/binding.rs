//! The binding, in Node and in Chromium: JavaScript values in, requests, contexts, places and errors out. How the values
//! are looked at is TypeScript's (`js/src/engine/kinds.ts`); here a smaller one does.

use js_sys::{Function, JSON, Reflect};
use vault_wasm::{
    check_names, frame, install, prepare, read_context, read_stream_header, readings, stream_header,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

const HOST: &str = "(() => {
    const kindOf = (value) => value === undefined ? 0 : value === null ? 1 : typeof value === 'boolean' ? 2
        : typeof value === 'number' ? 3 : typeof value === 'string' ? (value.isWellFormed() ? 4 : 7)
        : Array.isArray(value) ? 5 : typeof value === 'object' && !(value instanceof Date) ? 6 : 7;
    const time = (value) => value instanceof Date ? value.toISOString() : value;
    return {
        kindOf,
        describe: (value) => `a ${typeof value}`,
        read: (value, name) => typeof value === 'object' && value !== null ? value[name] : undefined,
        names: (value) => Object.keys(typeof value === 'object' && value !== null ? value : {}),
        entries: (value) => kindOf(value) === 6 ? Object.entries(value).flat() : undefined,
        items: (value) => Array.isArray(value) ? value : undefined,
        timeText: (value) => kindOf(time(value)) === 4 ? time(value) : undefined,
    };
})()";

/// Places in core's `Operation::ALL`.
const CREATE: u8 = 0;
const LIST: u8 = 1;
const READ: u8 = 2;
const UPDATE: u8 = 6;
const DATA_KEY: u8 = 8;

fn js(code: &str) -> JsValue {
    Function::new_no_args(&["return (", code, ");"].concat()).call0(&JsValue::NULL).unwrap()
}

fn made(operation: u8, options: &str, scope: &str, has_value: bool) -> Result<Vec<String>, JsValue> {
    install(js(HOST).unchecked_into());
    let lines = prepare(operation, js(options), js(scope), has_value)?;
    Ok(lines.split('\n').map(str::to_owned).collect())
}

fn plain(operation: u8, options: &str) -> Vec<String> {
    made(operation, options, "undefined", false).unwrap()
}

/// What was thrown, as JSON, in the order that TypeScript reads.
fn thrown<T>(result: Result<T, JsValue>) -> (String, String, String) {
    let error = result.err().expect("it fails").as_string().expect("JSON");
    let error = JSON::parse(&error).unwrap();
    let get = |name: &str| Reflect::get(&error, &name.into()).unwrap();
    let text = |name: &str| get(name).as_string().unwrap();
    (text("code"), text("message"), JSON::stringify(&get("problems")).unwrap().into())
}

#[wasm_bindgen_test]
fn options_become_requests() {
    assert_eq!(
        plain(READ, "{ id: 'a/b', as: 'bytes' }"),
        ["GET", "/vault/v1/kv/{id}", "/vault/v1/kv/a%2Fb", "1", "", ""]
    );
    assert_eq!(
        plain(CREATE, "{ name: 'n\\n\"', value: 'v', context: { a: 'é\u{1f511}' } }"),
        [
            "POST",
            "/vault/v1/kv",
            "/vault/v1/kv",
            "1",
            "{\"name\":\"n\\n\\\"\",\"key_context\":{\"a\":\"é\u{1f511}\"},\"value\":",
            "{\"a\":\"é\u{1f511}\"}"
        ]
    );
    assert_eq!(plain(UPDATE, "{ id: 'a', value: '' }")[3..5], ["", "{\"value\":"]);
    assert_eq!(plain(UPDATE, "{ id: 'a', value: '', versionCheck: 'v' }")[3], "1");
    assert_eq!(
        plain(LIST, "{ limit: 5, updatedAfter: new Date(0) }")[2],
        "/vault/v1/kv?limit=5&updatedAfter=1970-01-01T00%3A00%3A00.000Z"
    );
    let scoped = made(DATA_KEY, "{ context: { b: '1' } }", "{ org: 'x' }", false).unwrap();
    assert_eq!(scoped[4..], ["{\"context\":{\"org\":\"x\",\"b\":\"1\"}}", "{\"b\":\"1\",\"org\":\"x\"}"]);
    // Those of modifyObject take more.
    assert_eq!(plain(100 + READ, "{ id: 'a', maxAttempts: 3 }")[2], "/vault/v1/kv/a");
    assert!(made(READ, "{ id: 'a', maxAttempts: 3 }", "null", false).is_err());
}

#[wasm_bindgen_test]
fn what_is_wrong_is_thrown_as_json() {
    let (code, message, problems) =
        thrown(made(CREATE, "{ name: '', value: 5, context: { a: 1 } }", "null", false));
    assert_eq!(code, "invalid_request");
    assert!(
        message.starts_with("name: expected 1 to 200 characters, got none; value: expected a string"),
        "{message}"
    );
    assert!(
        problems.contains("[\"key_context.a\",\"expected a string, got number 1; write \\\"1\\\"\"]"),
        "{problems}"
    );
    // A value that the host found in order is not looked at.
    assert!(made(UPDATE, "{ id: 'a', value: 5 }", "null", true).is_ok());
    let quoted = thrown(made(READ, "{ id: 'a', '\"\\n': 1 }", "null", false));
    assert_eq!(quoted.2, "[[\"\\\"\\n\",\"there is no such option, only id, as\"]]");
    for options in
        ["undefined", "null", "5", "[]", "() => 1", "{ id: 5 }", "{ id: '\\ud800' }", "{ id: Symbol('x') }"]
    {
        assert_eq!(thrown(made(READ, options, "null", false)).0, "invalid_request", "{options}");
    }
}

#[wasm_bindgen_test]
fn contexts_and_names_are_checked() {
    install(js(HOST).unchecked_into());
    let read = |context: &str, scope: &str, canonical| read_context(js(context), js(scope), canonical);
    assert_eq!(read("{ b: '1', a: '2' }", "undefined", false).unwrap(), r#"{"b":"1","a":"2"}"#);
    assert_eq!(read("{ b: '1', a: '2' }", "undefined", true).unwrap(), r#"{"a":"2","b":"1"}"#);
    assert_eq!(read("{ b: '1' }", "{ a: '2' }", false).unwrap(), r#"{"a":"2","b":"1"}"#);
    assert_eq!(thrown(read("{ a: '1' }", "{ a: '2' }", false)).0, "context_mismatch");
    assert_eq!(thrown(read("{}", "null", false)).0, "invalid_key_context");
    assert_eq!(
        check_names(js("{ a: 1, B: 2 }"), "a,long,").unwrap(),
        r#"[["B","there is no such option, only a, long"]]"#
    );
    assert_eq!(check_names(js("{ a: 1 }"), "a,long,").unwrap(), "[]");
}

#[wasm_bindgen_test]
fn envelopes_and_streams_have_their_places() {
    let keys = b"WOS.EKM.v1\0wrapped";
    for go in [false, true] {
        let mut envelope = frame(keys, go, &[1; 12], &[2; 16]).unwrap();
        envelope.extend_from_slice(b"plain");
        envelope.extend_from_slice(if go { &[2; 16] } else { &[] });
        let places = readings(&envelope, u32::try_from(envelope.len()).unwrap()).unwrap();
        assert_eq!(places[0] == 1, go, "{places:?}");
        let part = |at: usize| &envelope[places[at] as usize..places[at + 1] as usize];
        assert_eq!([part(1), part(3), part(5), part(7)], [&[1; 12][..], &[2; 16], keys, b"plain"]);
    }
    assert_eq!(thrown(readings(&[], 0)).0, "malformed_envelope");

    let header = stream_header(1024, &[9; 7], keys).unwrap();
    let places = read_stream_header(&header).unwrap().unwrap();
    assert_eq!((places[0], &header[places[1] as usize..places[2] as usize]), (1024, &keys[..]));
    assert_eq!(read_stream_header(&header[..20]).unwrap(), None);
    assert_eq!(thrown(read_stream_header(b"something")).0, "malformed_envelope");
    assert_eq!(thrown(stream_header(1024, &[9; 6], keys)).0, "internal");
}
