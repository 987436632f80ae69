//! Key contexts: limits at and one past each bound, every problem at once, equality.

use proptest::prelude::*;
use std::collections::HashSet;
use vault_core::error::Fault;
use vault_core::json::Json;
use vault_core::{Code, Error, KeyContext};

fn parse(json: &str) -> Result<KeyContext, Error> {
    KeyContext::from_tree(&Json::parse(json.as_bytes()).unwrap(), None).map(KeyContext::into_owned)
}

fn problems(json: &str) -> Vec<(String, String)> {
    parse(json).unwrap_err().problems.into_iter().map(|p| (p.field, p.message)).collect()
}

#[test]
fn a_wrong_type_is_told_with_what_to_write() {
    let error = parse(r#"{"tier": 2}"#).unwrap_err();
    assert_eq!(error.code, Code::InvalidKeyContext);
    assert_eq!(error.message(), r#"key_context.tier: expected a string, got number 2; write "2""#);
    let cases = [
        (r#"{"a": true}"#, r#"expected a string, got true; write "true""#),
        (r#"{"a": -1.5}"#, r#"expected a string, got number -1.5; write "-1.5""#),
        (r#"{"a": 0.125}"#, r#"expected a string, got number 0.125; write "0.125""#),
        (r#"{"a": 0.0001}"#, "expected a string, got a number; write it as a string"),
        (r#"{"a": 1234567890123456789}"#, "expected a string, got a number; write it as a string"),
        (r#"{"a": null}"#, "expected a string, got null; leave the item out, or give it a value"),
        (
            r#"{"a": {"b": "c"}}"#,
            "expected a string, got an object; join its parts into one string, or give each an item of its own",
        ),
        (
            r#"{"a": []}"#,
            "expected a string, got an array; join its parts into one string, or give each an item of its own",
        ),
    ];
    for (json, message) in cases {
        assert_eq!(problems(json), [("key_context.a".into(), message.into())], "{json}");
    }
    for json in ["[]", "null", "5", r#""a""#] {
        assert_eq!(parse(json).unwrap_err().problems[0].field, "key_context", "{json}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let long = "n".repeat(121);
    let json =
        format!(r#"{{"": "a", "{long}": "b", "x": 1, "y": "{}", "z": "ok", "z": "again"}}"#, "v".repeat(501));
    let found = problems(&json);
    let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    let named = format!("key_context.{long}");
    assert_eq!(fields, ["key_context.", &named, "key_context.x", "key_context.y", "key_context.z"]);
    assert!(found[4].1.contains("stands twice"));
}

#[test]
fn limits_hold_at_the_bound_and_refuse_one_past_it() {
    let items = |n: usize| KeyContext::from_pairs((0..n).map(|i| (format!("k{i}"), "v".to_owned())));
    assert!(items(1).is_ok() && items(10).is_ok());
    let empty = items(0).unwrap_err();
    assert_eq!((empty.code, empty.problems[0].fault), (Code::InvalidKeyContext, Fault::Limit));
    assert_eq!(items(11).unwrap_err().code, Code::KeyContextTooLarge);
    assert!(items(1_000_000).unwrap_err().message().ends_with("got 1000000"));

    // Code points, whatever they take in bytes or UTF-16 units.
    for char in ["a", "é", "鍵", "🔑"] {
        let one =
            |name: usize, value: usize| KeyContext::from_pairs([(char.repeat(name), char.repeat(value))]);
        assert!(one(1, 0).is_ok() && one(120, 500).is_ok(), "{char}");
        assert_eq!(one(121, 1).unwrap_err().problems.len(), 1);
        assert_eq!(one(1, 501).unwrap_err().problems.len(), 1);
        assert_eq!(one(0, 501).unwrap_err().problems.len(), 2);
    }
}

#[test]
fn names_are_case_sensitive_and_nothing_is_trimmed() {
    let context = KeyContext::from_pairs([("a", "1"), ("A", "2"), (" a", "3")]).unwrap();
    assert_eq!((context.get("a"), context.get("A"), context.get(" a")), (Some("1"), Some("2"), Some("3")));
    assert_eq!(context.get("b"), None);
}

proptest! {
    #[test]
    fn order_is_kept_and_does_not_count(
        items in prop::collection::btree_map(".{1,8}", ".{0,8}", 1..=10),
        seed in any::<u64>(),
    ) {
        let ordered: Vec<(String, String)> = items.into_iter().collect();
        let mut shuffled = ordered.clone();
        let turn = usize::try_from(seed % ordered.len() as u64).unwrap();
        shuffled.rotate_left(turn);
        let (a, b) = (KeyContext::from_pairs(ordered.clone()).unwrap(), KeyContext::from_pairs(shuffled.clone()).unwrap());
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(a.canonical_json(), b.canonical_json());
        prop_assert_eq!(HashSet::from([a, b.clone()]).len(), 1);
        let kept: Vec<_> = b.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(kept, shuffled);
        // The canonical text is the context, in JSON.
        prop_assert_eq!(parse(&b.canonical_json()).unwrap(), b);
    }

    #[test]
    fn different_contexts_have_different_canonical_texts(
        a in prop::collection::btree_map("[a\"\\\\:,{}]{1,3}", "[a\"\\\\:,{}]{0,3}", 1..=3),
        b in prop::collection::btree_map("[a\"\\\\:,{}]{1,3}", "[a\"\\\\:,{}]{0,3}", 1..=3),
    ) {
        let same = a == b;
        let text = |items| KeyContext::<String>::from_pairs(items).unwrap().canonical_json();
        prop_assert_eq!(text(a) == text(b), same);
    }

    #[test]
    fn any_json_is_read_or_refused(json in any_json(3)) {
        match KeyContext::from_tree(&json, None) {
            Ok(context) => prop_assert!((1..=10).contains(&context.len())),
            Err(error) => prop_assert!(!error.problems.is_empty() && !error.message().is_empty()),
        }
    }
}

fn any_json(depth: u32) -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<f64>().prop_map(Json::Number),
        ".{0,6}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(depth, 24, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((".{0,4}", inner), 0..13).prop_map(Json::Object),
        ]
    })
}

#[test]
fn an_item_is_added_once() {
    let org = KeyContext::from_pairs([("organization_id", "org_123")]).unwrap();
    assert_eq!(org.with("organization_id", "other").unwrap_err().code, Code::InvalidKeyContext);
    assert_eq!(org.with("organization_id", "org_123").unwrap(), org);
    assert_eq!(org.with("a", "b").unwrap().json(), r#"{"organization_id":"org_123","a":"b"}"#);
    assert_eq!(org.with("a", "b").unwrap().canonical_json(), r#"{"a":"b","organization_id":"org_123"}"#);
}
