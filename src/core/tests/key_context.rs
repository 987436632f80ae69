//! Key contexts: limits at and one past each bound, every problem at once, equality, strategies, explanation.

use proptest::prelude::*;
use std::collections::HashSet;
use vault_core::error::Fault;
use vault_core::explain::{Isolation, KeyOwner, Level, explain};
use vault_core::json::Json;
use vault_core::strategy::{Rotation, is_rotation_period, rotation_period};
use vault_core::{Code, Error, KeyContext};

fn parse(json: &str) -> Result<KeyContext, Error> {
    KeyContext::from_tree(&Json::parse(json.as_bytes()).unwrap())
}

fn problems(json: &str) -> Vec<(String, String)> {
    parse(json).unwrap_err().problems.into_iter().map(|p| (p.field, p.message)).collect()
}

#[test]
fn a_wrong_type_is_told_with_what_to_write() {
    let error = parse(r#"{"tier": 2}"#).unwrap_err();
    assert_eq!(error.code, Code::InvalidKeyContext);
    assert_eq!(error.message, r#"key_context.tier: expected a string, got number 2; write "2""#);
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
    let items = |n: usize| KeyContext::from_pairs((0..n).map(|i| (format!("k{i}"), "v")));
    assert!(items(1).is_ok() && items(10).is_ok());
    let empty = items(0).unwrap_err();
    assert_eq!((empty.code, empty.problems[0].fault), (Code::InvalidKeyContext, Fault::Limit));
    assert_eq!(items(11).unwrap_err().code, Code::KeyContextTooLarge);
    assert!(items(1_000_000).unwrap_err().message.ends_with("got 1000000"));

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
        let text = |items| KeyContext::from_pairs::<String, String>(items).unwrap().canonical_json();
        prop_assert_eq!(text(a) == text(b), same);
    }

    #[test]
    fn any_json_is_read_or_refused(json in any_json(3)) {
        match KeyContext::from_tree(&json) {
            Ok(context) => prop_assert!((1..=10).contains(&context.len())),
            Err(error) => prop_assert!(!error.problems.is_empty() && !error.message.is_empty()),
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
fn strategies_use_fixed_names() {
    let items = |context: Result<KeyContext, Error>| {
        let context = context.unwrap();
        context.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let org = KeyContext::for_organization("org_123").unwrap();
    let built = org.with_user("user_456").unwrap().with_rotation("2024-Q1");
    assert_eq!(items(built), "organization_id=org_123 user_id=user_456 rotation_period=2024-Q1");
    assert_eq!(items(org.with_resource_type("invoice")), "organization_id=org_123 resource_type=invoice");
    assert_eq!(items(KeyContext::for_tenant("t", "eu")), "tenant_id=t environment=eu");
    let service = KeyContext::for_service("production", "billing", "restricted");
    assert_eq!(items(service), "environment=production service=billing data_classification=restricted");
    let steps =
        org.with_environment("e").and_then(|c| c.with_service("s")).and_then(|c| c.with_classification("c"));
    assert_eq!(items(steps), "organization_id=org_123 environment=e service=s data_classification=c");
    let compliance = org.with_compliance("eu", "gdpr");
    assert_eq!(items(compliance), "organization_id=org_123 data_residency=eu compliance_framework=gdpr");
    assert_eq!(org.with_rotation("2024-Q5").unwrap_err().code, Code::InvalidKeyContext);
    assert_eq!(org.with("organization_id", "other").unwrap_err().code, Code::InvalidKeyContext);
    assert_eq!(org.with("organization_id", "org_123").unwrap(), org);
}

#[test]
fn rotation_periods_follow_the_calendar_in_utc() {
    let at = |text: &str| {
        let time = vault_core::json::Timestamp::parse(text).unwrap();
        i64::try_from(time.unix_nanos() / 1_000_000).unwrap()
    };
    let cases = [
        ("1970-01-01T00:00:00Z", "1970", "1970-Q1", "1970-01"),
        ("2024-02-29T23:59:59.999Z", "2024", "2024-Q1", "2024-02"),
        ("2024-03-31T23:59:59Z", "2024", "2024-Q1", "2024-03"),
        ("2024-04-01T00:00:00Z", "2024", "2024-Q2", "2024-04"),
        ("2024-12-31T23:59:59Z", "2024", "2024-Q4", "2024-12"),
        ("2025-01-01T00:30:00+01:00", "2024", "2024-Q4", "2024-12"),
        ("0999-10-01T00:00:00Z", "0999", "0999-Q4", "0999-10"),
    ];
    for (time, year, quarter, month) in cases {
        let period = |every| rotation_period(at(time), every).unwrap();
        assert_eq!(period(Rotation::Year), year);
        assert_eq!(period(Rotation::Quarter), quarter);
        assert_eq!(period(Rotation::Month), month);
        for period in [year, quarter, month] {
            assert!(is_rotation_period(period), "{period}");
        }
    }
    assert_eq!(rotation_period(i64::MAX, Rotation::Year), None);
    assert_eq!(rotation_period(i64::MIN, Rotation::Year), None);
    for wrong in [
        "", "24", "2024-", "2024-Q0", "2024-Q5", "2024-q1", "2024-00", "2024-13", "2024-1", "Q1-2024",
        "2024-Q11", "20é4",
    ] {
        assert!(!is_rotation_period(wrong), "{wrong}");
    }
}

#[test]
fn explain_tells_isolation_and_whose_keys() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Isolation, KeyOwner);
    let cases: [Row<'_>; 9] = [
        (&[("organization_id", "org_1")], Isolation::Organization, KeyOwner::CustomerIfConfigured),
        (
            &[("user_id", "u"), ("organization_id", "org_1")],
            Isolation::OrganizationUser,
            KeyOwner::CustomerIfConfigured,
        ),
        (
            &[("organization_id", "org_1"), ("resource_type", "r")],
            Isolation::OrganizationResource,
            KeyOwner::CustomerIfConfigured,
        ),
        (
            &[("organization_id", "org_1"), ("resource_type", "r"), ("user_id", "u")],
            Isolation::Custom,
            KeyOwner::CustomerIfConfigured,
        ),
        (&[("tenant_id", "t"), ("environment", "e")], Isolation::Tenant, KeyOwner::WorkOs),
        (&[("environment", "e"), ("service", "s")], Isolation::Hierarchy, KeyOwner::WorkOs),
        (&[("data_classification", "c")], Isolation::Hierarchy, KeyOwner::WorkOs),
        (&[("user_id", "u")], Isolation::Custom, KeyOwner::WorkOs),
        (&[("organizationId", "org_1")], Isolation::Custom, KeyOwner::WorkOs),
    ];
    for (items, isolation, owner) in cases {
        let context = KeyContext::from_pairs(items.iter().copied()).unwrap();
        let explanation = explain(&context);
        assert_eq!((explanation.isolation, explanation.key_owner), (isolation, owner), "{items:?}");
        assert_eq!(explanation.keks.len(), items.len());
        for kek in explanation.keks {
            assert_eq!(kek.customer_key_can_apply, kek.name == "organization_id");
        }
    }
    let all = KeyContext::for_organization("org_1").unwrap().with_rotation("2024").unwrap();
    let all =
        all.with_compliance("eu", "gdpr").unwrap().with_environment("e").unwrap().with_service("s").unwrap();
    assert_eq!(explain(&all).patterns, ["rotation", "compliance", "hierarchy"]);
}

#[test]
fn explain_lints_what_looks_like_a_slip_and_nothing_else() {
    let codes = |name: &str, value: &str| {
        let context = KeyContext::from_pairs([(name, value)]).unwrap();
        explain(&context).lints.into_iter().map(|lint| lint.code).collect::<Vec<_>>()
    };
    for name in [
        "organizationId",
        "OrganizationID",
        "Organization_ID",
        "orgId",
        "org_id",
        "organisation_id",
        "organization-id",
    ] {
        assert_eq!(codes(name, "org_1"), ["misspelled_name"], "{name}");
    }
    for name in ["userId", "UserId", "user-id", "user", "tenantId", "resourceType", "rotation"] {
        assert_eq!(codes(name, "x"), ["misspelled_name"], "{name}");
    }
    assert_eq!(codes("organization_id", "1234"), ["organization_id_form"]);
    assert_eq!(codes("rotation_period", "Q1"), ["rotation_form"]);
    for secret in [
        "sk_live_0123456789",
        "ghp_0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "Password=hunter2",
    ] {
        assert_eq!(codes("x", secret), ["looks_secret"], "{secret}");
    }
    for personal in ["ada@example.com", "123-45-6789", "4111 1111 1111 1111", "+1 (415) 555-0100"] {
        assert_eq!(codes("x", personal), ["looks_personal"], "{personal}");
    }
    assert_eq!(KeyContext::for_organization("").unwrap_err().code, Code::InvalidKeyContext);
    assert_eq!(codes("x", ""), ["empty_value"]);
    assert_eq!(codes("x", " y"), ["outer_space"]);
    for (name, value) in [
        ("organization_id", "org_01K8ZYT4AWJ6XP0E0S8CTBHE3P"),
        ("user_id", "user_01H"),
        ("rotation_period", "2024-Q1"),
        ("x", "production"),
        ("x", "4111111111111112"),
        ("x", "20240131"),
        ("x", "a@b"),
        ("environment", "eu-west-1"),
        ("task", "sk_short"),
        ("organization_id_2", "x"),
    ] {
        assert!(codes(name, value).is_empty(), "{name}={value}: {:?}", codes(name, value));
    }
    let nine = KeyContext::from_pairs((0..9).map(|i| (format!("k{i}"), "v"))).unwrap();
    let lints = explain(&nine).lints;
    assert_eq!((lints[0].code, lints[0].level), ("near_item_limit", Level::Note));
    let eight = KeyContext::from_pairs((0..8).map(|i| (format!("k{i}"), "v"))).unwrap();
    assert!(explain(&eight).lints.is_empty());
    let mixed = KeyContext::from_pairs([("x", ""), ("orgId", "o")]).unwrap();
    let levels: Vec<_> = explain(&mixed).lints.iter().map(|lint| lint.level).collect();
    assert_eq!(levels, [Level::Warning, Level::Note], "gravest first");
}
