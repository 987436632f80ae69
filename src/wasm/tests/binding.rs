//! The binding, in Node and in Chromium: questions in, answers out. What JavaScript's values become is TypeScript's
//! (`js/src/engine/flat.ts`); here a smaller one writes JSON the same way.

use std::fmt::Write as _;
use vault_wasm::answer;
use wasm_bindgen_test::wasm_bindgen_test;

/// Places in core's `Operation::ALL`, and what else may be asked.
const CREATE: usize = 0;
const LIST: usize = 1;
const READ: usize = 2;
const UPDATE: usize = 6;
const DATA_KEY: usize = 8;
const CONTEXT: usize = 200;
const CANONICAL: usize = 201;

fn node(letter: char, content: &str) -> String {
    format!("{letter}{}:{content}", content.len())
}

fn text(text: &str) -> String {
    node('t', text)
}

fn map(members: &[(&str, String)]) -> String {
    let mut content = String::new();
    for (name, value) in members {
        write!(content, "{}{value}", text(name)).unwrap();
    }
    node('o', &content)
}

fn texts(members: &[(&str, &str)]) -> String {
    map(&members.iter().map(|(name, value)| (*name, text(value))).collect::<Vec<_>>())
}

fn asked(what: usize, options: &str, more: &str) -> String {
    answer(&[&node('#', &format!("number {what}")), options, more].concat())
}

fn made(operation: usize, options: &str, scope: &str) -> Vec<String> {
    asked(operation, options, scope).split('\n').map(str::to_owned).collect()
}

const MISSING: &str = "u7:nothing";

#[wasm_bindgen_test]
fn options_become_requests() {
    let id = |id: &str| texts(&[("id", id)]);
    assert_eq!(
        made(READ, &map(&[("id", text("a/b")), ("as", text("bytes"))]), MISSING),
        ["GET", "/vault/v1/kv/{id}", "/vault/v1/kv/a%2Fb", "1", "", ""]
    );
    let context = texts(&[("a", "é\u{1f511}")]);
    assert_eq!(
        made(CREATE, &map(&[("name", text("n\n\"")), ("value", text("")), ("context", context)]), MISSING),
        [
            "POST",
            "/vault/v1/kv",
            "/vault/v1/kv",
            "1",
            "{\"name\":\"n\\n\\\"\",\"key_context\":{\"a\":\"é\u{1f511}\"},\"value\":",
            "{\"a\":\"é\u{1f511}\"}"
        ]
    );
    assert_eq!(made(UPDATE, &texts(&[("id", "a"), ("value", "")]), MISSING)[3..5], ["", "{\"value\":"]);
    assert_eq!(made(UPDATE, &texts(&[("id", "a"), ("value", ""), ("versionCheck", "v")]), MISSING)[3], "1");
    let list =
        map(&[("limit", node('#', "number 5")), ("updatedAfter", node('d', "1970-01-01T00:00:00.000Z"))]);
    assert_eq!(
        made(LIST, &list, MISSING)[2],
        "/vault/v1/kv?limit=5&updatedAfter=1970-01-01T00%3A00%3A00.000Z"
    );
    let create = map(&[("context", texts(&[("b", "1")]))]);
    let scoped = made(DATA_KEY, &create, &texts(&[("org", "x")]));
    assert_eq!(scoped[4..], ["{\"context\":{\"org\":\"x\",\"b\":\"1\"}}", "{\"b\":\"1\",\"org\":\"x\"}"]);
    assert_eq!(made(READ, &id("\u{1f511}"), MISSING)[2], "/vault/v1/kv/%F0%9F%94%91");
}

#[wasm_bindgen_test]
fn what_is_wrong_is_told() {
    let context = map(&[("a", node('#', "number 1"))]);
    let create = map(&[("name", text("")), ("value", node('#', "number 5")), ("context", context)]);
    assert_eq!(
        asked(CREATE, &create, MISSING),
        concat!(
            r#"!invalid_request[{"field":"name","message":"expected 1 to 200 characters, got none"},"#,
            r#"{"field":"value","message":"expected a string or a Uint8Array, got a number"},"#,
            r#"{"field":"key_context.a","message":"expected a string, got number 1; write \"1\""}]"#
        )
    );
    let quoted = map(&[("context", map(&[("\"\n", node('z', "null"))]))]);
    assert!(asked(DATA_KEY, &quoted, MISSING).contains(r#"{"field":"key_context.\"\n","#));
    for options in [
        MISSING.into(),
        node('z', "null"),
        node('#', "number 5"),
        node('a', ""),
        node('x', "a function"),
        map(&[("id", node('#', "number 5"))]),
        map(&[("id", node('x', "a symbol"))]),
    ] {
        assert!(asked(READ, &options, MISSING).starts_with("!invalid_request["), "{options}");
    }
    // What is cut off or miscounted is missing.
    for question in ["", "#", "#8:number 2o99:t2:idt1:a", "#8:number 2o9:t2:idt9:a"] {
        assert!(answer(question).starts_with("!invalid_request["), "{question}");
    }
}

#[wasm_bindgen_test]
fn contexts_are_checked() {
    let (both, other) = (texts(&[("b", "1"), ("a", "2")]), texts(&[("b", "1")]));
    assert_eq!(asked(CONTEXT, &both, MISSING), r#"{"b":"1","a":"2"}"#);
    assert_eq!(asked(CANONICAL, &both, MISSING), r#"{"a":"2","b":"1"}"#);
    assert_eq!(asked(CONTEXT, &other, &texts(&[("a", "2")])), r#"{"a":"2","b":"1"}"#);
    assert!(asked(CONTEXT, &other, &texts(&[("b", "2")])).starts_with("!context_mismatch["));
    assert!(asked(CONTEXT, &map(&[]), MISSING).starts_with("!invalid_key_context["));
}
