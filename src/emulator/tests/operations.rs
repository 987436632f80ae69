//! The emulator over its wire format: statuses, bodies, versions, locks, lists, keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Vault, one, plain, splitmix, text};
use vault_emulator::{BODY_MAX, CustomerKey, Emulator, EnvironmentOptions, Provider, Request};

mod support;

#[test]
fn the_life_of_an_object() {
    let mut vault = plain();
    let created = vault.create("a/b", "one");
    let mut members: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        ["context", "environment_id", "id", "key_id", "updated_at", "updated_by", "version_id"]
    );
    assert_eq!(created["updated_at"], "2024-06-15T10:30:00.001Z");
    let path = format!("/vault/v1/kv/{}", text(&created["id"]));
    let (status, read) = vault.ask("GET", &path, &Value::Null);
    assert_eq!((status, &read["value"], &read["metadata"]), (200, &json!("one"), &created));
    assert_eq!(vault.ask("GET", "/vault/v1/kv/name/a%2Fb", &Value::Null), (200, read));

    let lock = json!({"value": "two!", "version_check": created["version_id"]});
    let (status, updated) = vault.ask("PUT", &path, &lock);
    assert_eq!((status, updated.get("value")), (201, None));
    assert_eq!(vault.ask("PUT", &path, &lock), (409, json!({"error": "version mismatch"})));
    assert_eq!(vault.ask("PUT", &path, &json!({"value": "three", "version_check": null})).0, 201);

    let (status, described) = vault.ask("GET", &format!("{path}/metadata"), &Value::Null);
    assert_eq!((status, described.get("value")), (200, None));
    let (_, versions) = vault.ask("GET", &format!("{path}/versions"), &Value::Null);
    let sizes: Vec<_> =
        versions["data"].as_array().unwrap().iter().map(|v| (&v["size"], &v["current_version"])).collect();
    assert_eq!(sizes, [(&json!(5), &json!(true)), (&json!(4), &json!(false)), (&json!(3), &json!(false))]);
    assert_eq!(versions["data"][0]["id"], described["metadata"]["version_id"]);
    assert_eq!(versions["data"][2]["id"], created["version_id"]);

    let old = format!("{path}?version_check={}", text(&created["version_id"]));
    assert_eq!(vault.ask("DELETE", &old, &Value::Null).0, 409);
    assert_eq!(vault.ask("DELETE", &path, &Value::Null), (200, json!({"name": "a/b", "success": true})));
    for (method, target) in [("GET", &path), ("DELETE", &path), ("GET", &format!("{path}/versions"))] {
        assert_eq!(vault.ask(method, target, &Value::Null).0, 404);
    }
    assert_eq!(vault.emulator.object_count(), 0);
}

#[test]
fn what_is_wrong_has_its_status_and_sentence() {
    let mut vault = plain();
    vault.create("taken", "v");
    let object = |name: &str, context: Value| json!({"name": name, "value": "v", "key_context": context});
    let many: Value =
        (0..11).map(|i| (format!("k{i}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let cases = [
        ("POST", "/vault/v1/kv", object("taken", json!({"a": "b"})), 409, "already exists"),
        ("POST", "/vault/v1/kv", object("n", json!({"a": 1})), 400, "invalid key context: non-string value"),
        ("POST", "/vault/v1/kv", object("n", many.clone()), 422, "maximum key context size exceeded"),
        ("POST", "/vault/v1/kv", object("n", json!({})), 422, "invalid key context"),
        ("POST", "/vault/v1/kv", object("n", json!({"a": "v".repeat(501)})), 422, "at most 500 characters"),
        ("POST", "/vault/v1/kv", object(&"n".repeat(201), json!({"a": "b"})), 422, "at most 200 characters"),
        (
            "POST",
            "/vault/v1/kv",
            json!({"name": "n", "key_context": {"a": "b"}}),
            400,
            "value: expected a string",
        ),
        ("POST", "/vault/v1/kv", json!([]), 400, "not a JSON object"),
        (
            "POST",
            "/vault/v1/keys/data-key",
            json!({"context": many}),
            422,
            "maximum key context size exceeded",
        ),
        ("POST", "/vault/v1/keys/data-key", json!({}), 400, "key_context: expected an object"),
        ("POST", "/vault/v1/keys/decrypt", json!({"keys": "*"}), 400, "base64"),
        ("POST", "/vault/v1/keys/decrypt", json!({"keys": "AAAA"}), 400, "cannot be decrypted"),
        (
            "POST",
            "/vault/v1/keys/rekey",
            json!({"encrypted_keys": "AAAA", "context": {"a": "b"}}),
            400,
            "cannot be decrypted",
        ),
        ("GET", "/vault/v1/kv?limit=0", Value::Null, 400, "limit"),
        ("GET", "/vault/v1/kv?limit=101", Value::Null, 400, "limit"),
        ("GET", "/vault/v1/kv?order=up", Value::Null, 400, "order"),
        ("GET", "/vault/v1/kv?after=x", Value::Null, 400, "after: not a cursor"),
        ("GET", "/vault/v1/kv?updatedAfter=monday", Value::Null, 400, "updatedAfter"),
        ("GET", "/vault/v1/kv?search=%7B%22name%22%3A1%7D", Value::Null, 400, "structured JSON"),
        ("GET", "/vault/v1/kv/none", Value::Null, 404, "Not Found"),
        ("GET", "/vault/v1/kv/name/none", Value::Null, 404, "Not Found"),
        ("PUT", "/vault/v1/kv/none", json!({"value": "v"}), 404, "Not Found"),
        ("PUT", "/vault/v1/kv/none", json!({}), 400, "value: expected a string"),
        ("GET", "/vault/v1/kv/%FF", Value::Null, 400, "UTF-8"),
        ("GET", "/vault/v1/nothing", Value::Null, 404, "Not Found"),
        ("GET", "/", Value::Null, 404, "Not Found"),
        ("PATCH", "/vault/v1/kv", Value::Null, 405, "Method Not Allowed"),
        ("GET", "/vault/v1/keys/decrypt", Value::Null, 405, "Method Not Allowed"),
    ];
    for (method, target, body, status, said) in cases {
        let (got, answer) = vault.ask(method, target, &body);
        assert_eq!(got, status, "{method} {target} {body}: {answer}");
        assert!(text(&answer["error"]).contains(said), "{method} {target}: {answer}");
    }
    for body in ["", "{", "<html>", "\u{feff}{}", r#"{"name": "a"} x"#] {
        assert_eq!(vault.raw("POST", "/vault/v1/kv", body.as_bytes()).0, 400, "{body}");
    }
    let twice = br#"{"name": "n", "value": "v", "key_context": {"a": "1", "a": "2"}}"#;
    assert_eq!(
        vault.raw("POST", "/vault/v1/kv", twice).0,
        400,
        "a name that stands twice is not silently dropped"
    );
    assert_eq!(vault.raw("POST", "/vault/v1/kv", &vec![b' '; BODY_MAX + 1]).0, 413);
    assert_eq!(vault.emulator.object_count(), 1);
}

#[test]
fn only_a_known_key_gets_in() {
    let mut vault = Vault::new(one(EnvironmentOptions {
        api_keys: vec!["sk_test_one".into(), "sk_test_two".into()],
        ..EnvironmentOptions::default()
    }));
    for authorization in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer sk_test_emulator"),
        Some("Bearer sk_test_on"),
        Some("Basic sk_test_one"),
        Some("sk_test_one"),
    ] {
        let request = Request { method: "GET", target: "/vault/v1/kv", authorization, ..Request::default() };
        assert_eq!(vault.send(&request).status, 401, "{authorization:?}");
    }
    let mut ids = Vec::new();
    for (index, key) in ["Bearer sk_test_one", "Bearer sk_test_two"].into_iter().enumerate() {
        let body = format!(r#"{{"name": "n{index}", "value": "v", "key_context": {{"a": "b"}}}}"#);
        let request = Request {
            method: "POST",
            target: "/vault/v1/kv",
            authorization: Some(key),
            body: body.as_bytes(),
            ..Request::default()
        };
        let answer: Value = serde_json::from_str(&vault.send(&request).body).unwrap();
        ids.push(answer["updated_by"]["id"].clone());
    }
    assert_ne!(ids[0], ids[1], "the writer is told");
    assert!(
        Emulator::new(
            one(EnvironmentOptions { api_keys: vec!["nope".into()], ..EnvironmentOptions::default() }),
            0,
            &mut |_: &mut [u8]| {}
        )
        .is_err()
    );
}

#[test]
fn a_405_names_what_is_allowed() {
    let mut vault = plain();
    let authorization = Some("Bearer sk_test_emulator");
    let request = Request { method: "POST", target: "/vault/v1/kv/a", authorization, ..Request::default() };
    assert_eq!(vault.send(&request).header("allow"), Some("GET, PUT, DELETE, HEAD, OPTIONS"));
}

#[test]
fn nothing_of_a_value_or_key_is_held_or_sent_in_the_clear() {
    let mut vault = plain();
    let (_, first) = vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": {"b": "1", "a": "2"}}));
    let (_, second) = vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": {"b": "1", "a": "2"}}));
    assert_ne!(first["data_key"], second["data_key"]);
    let decode = |value: &Value| STANDARD.decode(text(value)).unwrap();
    let (key, blob) = (decode(&first["data_key"]), decode(&first["encrypted_keys"]));
    assert!(blob.starts_with(b"WOS.EKM.v1\0"));
    assert_eq!(&blob[11..47], text(&first["id"]).as_bytes());
    assert_eq!(blob[47], 2, "one wrapped copy an item");
    assert!(!blob.windows(8).any(|window| key.windows(8).any(|part| part == window)));
    let (_, opened) = vault.ask("POST", "/vault/v1/keys/decrypt", &json!({"keys": first["encrypted_keys"]}));
    assert_eq!((&opened["data_key"], &opened["id"]), (&first["data_key"], &first["id"]));
}

#[test]
fn a_customer_key_opens_only_what_it_wrapped_and_only_while_it_may() {
    let customer_key =
        CustomerKey { organization_id: "org_c".into(), provider: Provider::AwsKms, accessible: false };
    let mut vault = Vault::new(one(EnvironmentOptions {
        customer_keys: vec![customer_key],
        ..EnvironmentOptions::default()
    }));
    let create = json!({"name": "n", "value": "v", "key_context": {"organization_id": "org_c", "a": "b"}});
    let refused = (400, json!({"error": "customer key not accessible"}));
    assert_eq!(vault.ask("POST", "/vault/v1/kv", &create), refused);
    assert_eq!(vault.emulator.object_count(), 0, "a refused write leaves nothing");
    vault.set_access("org_c", true).unwrap();
    let (status, metadata) = vault.ask("POST", "/vault/v1/kv", &create);
    assert_eq!(status, 201);
    vault.set_access("org_c", false).unwrap();
    let path = format!("/vault/v1/kv/{}", text(&metadata["id"]));
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused);
    assert_eq!(vault.ask("PUT", &path, &json!({"value": "w"})), refused);
    let (_, versions) = vault.ask("GET", &format!("{path}/versions"), &Value::Null);
    assert_eq!(versions["data"].as_array().unwrap().len(), 1, "a refused write is no version");
    vault.set_access("org_c", true).unwrap();
    assert_eq!(vault.ask("GET", &path, &Value::Null).1["value"], "v");
    let now_ms = vault.now_ms;
    vault.emulator.delete_customer_key("org_c", None, now_ms, &mut splitmix(&mut 3)).unwrap();
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused);
    assert!(vault.set_access("org_c", true).is_err());
}

#[test]
fn organizations_and_recovery_periods() {
    let options = EnvironmentOptions {
        organizations: Some(vec!["org_1".into()]),
        recovery_period_ms: 1000,
        ..EnvironmentOptions::default()
    };
    let mut vault = Vault::new(one(options));
    let context = json!({"organization_id": "org_2"});
    let unknown = (422, json!({"error": "organization_id not found"}));
    assert_eq!(
        vault.ask("POST", "/vault/v1/kv", &json!({"name": "n", "value": "v", "key_context": context})),
        unknown
    );
    assert_eq!(vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": context})), unknown);
    let created = vault.create("n", "v");
    let path = format!("/vault/v1/kv/{}", text(&created["id"]));
    assert_eq!(vault.ask("DELETE", &path, &Value::Null).0, 200);
    let again = json!({"name": "n", "value": "v", "key_context": {"organization_id": "org_1"}});
    assert_eq!(
        vault.ask("POST", "/vault/v1/kv", &again),
        (409, json!({"error": "object marked for deletion"}))
    );
    vault.now_ms += 1000;
    assert_eq!(vault.ask("POST", "/vault/v1/kv", &again).0, 201);
}

/// What a list has to be, told the slow way.
fn expected(names: &[String], search: &str, descending: bool) -> Vec<String> {
    let mut names: Vec<_> = names.iter().filter(|name| name.contains(search)).cloned().collect();
    if descending {
        names.reverse();
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_cover_a_list_once_in_order_forward_and_back(
        count in 0_usize..30,
        deleted in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        limit in 1_usize..12,
        descending: bool,
        search in "|x|y|n1",
    ) {
        let mut vault = plain();
        let mut names = Vec::new();
        let mut ids = Vec::new();
        for index in 0..count {
            let name = format!("n{index}{}", if index % 3 == 0 { "x" } else { "" });
            ids.push(text(&vault.create(&name, "v")["id"]).to_owned());
            names.push(name);
        }
        for index in deleted {
            if !ids.is_empty() {
                let at = index.index(ids.len());
                vault.ask("DELETE", &format!("/vault/v1/kv/{}", ids.remove(at)), &Value::Null);
                names.remove(at);
            }
        }
        let expected = expected(&names, &search, descending);
        let order = if descending { "desc" } else { "asc" };
        let base = format!("/vault/v1/kv?limit={limit}&order={order}&search={search}");
        let names_of = |page: &Value| -> Vec<String> {
            page["data"].as_array().unwrap().iter().map(|item| text(&item["name"]).to_owned()).collect()
        };
        let (mut found, mut query, mut last) = (Vec::new(), base.clone(), Value::Null);
        for _ in 0..=count {
            let (status, page) = vault.ask("GET", &query, &Value::Null);
            prop_assert_eq!(status, 200);
            found.push(names_of(&page));
            prop_assert_eq!(page["list_metadata"]["before"].is_null(), found.len() == 1);
            let after = page["list_metadata"]["after"].as_str().map(str::to_owned);
            last = page;
            match after {
                Some(after) => query = format!("{base}&after={after}"),
                None => break,
            }
        }
        prop_assert_eq!(found.concat(), expected.clone());
        prop_assert!(found.iter().rev().skip(1).all(|page| page.len() == limit), "only the last page is short");
        // And back again, from the first item of the last page.
        let mut back = vec![names_of(&last)];
        while let Some(before) = last["list_metadata"]["before"].as_str().map(str::to_owned) {
            (_, last) = vault.ask("GET", &format!("{base}&before={before}"), &Value::Null);
            back.insert(0, names_of(&last));
        }
        prop_assert_eq!(back.concat(), expected);
    }

    #[test]
    fn no_request_makes_it_panic_or_answer_500(
        method in "GET|POST|PUT|DELETE|HEAD|OPTIONS|x",
        target in "/vault/v1/(kv|keys)(/(name|data-key|decrypt|rekey|a|%[0-9a-fF]{0,2}|\\PC{0,3})){0,3}(\\?(limit|after|order|search)=\\PC{0,4}){0,2}",
        body in "\\PC{0,20}|\\{\"(name|value|context|keys|encrypted_keys|key_context)\":(\"a\"|1|\\{\\}|\\{\"a\":\"b\"\\}|null)\\}",
        key in prop::option::of("\\PC{0,3}"),
    ) {
        let mut vault = plain();
        vault.create("a", "v");
        let authorization = Some("Bearer sk_test_emulator");
        let request = Request { method: &method, target: &target, authorization, idempotency_key: key.as_deref(), content_type: None, body: body.as_bytes() };
        let response = vault.send(&request);
        prop_assert!(matches!(response.status, 200..=499), "{} {}", response.status, response.body);
        if response.status == 204 || method == "HEAD" {
            prop_assert_eq!(response.body, "");
        } else {
            prop_assert!(serde_json::from_str::<Value>(&response.body).is_ok());
        }
    }

    #[test]
    fn values_come_back(value in "\\PC{0,50}|[\\x00-\\x7f]{0,50}", name in "\\PC{1,20}") {
        let mut vault = plain();
        let created = vault.create(&name, &value);
        let (_, read) = vault.ask("GET", &format!("/vault/v1/kv/{}", text(&created["id"])), &Value::Null);
        prop_assert_eq!(text(&read["value"]), value);
        prop_assert_eq!(text(&read["name"]), name);
    }
}

#[test]
fn every_change_of_a_blob_is_refused() {
    let mut vault = plain();
    let (_, pair) = vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": {"a": "1", "b": "2"}}));
    let blob = STANDARD.decode(text(&pair["encrypted_keys"])).unwrap();
    let mut decrypt =
        |blob: &[u8]| vault.ask("POST", "/vault/v1/keys/decrypt", &json!({"keys": STANDARD.encode(blob)})).0;
    assert_eq!(decrypt(&blob), 200);
    for bit in 0..blob.len() * 8 {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decrypt(&changed), 400, "bit {bit}");
    }
    for length in 0..blob.len() {
        assert_eq!(decrypt(&blob[..length]), 400, "{length} bytes");
    }
    let (head, copies) = blob.split_at(48);
    let (one, two) = copies.split_at(copies.len() / 2);
    for parts in [[one, one], [two, one], [two, two]] {
        assert_eq!(decrypt(&[head, &parts.concat()].concat()), 400, "copies exchanged");
    }
    let mut fewer = head.to_vec();
    fewer[47] = 1;
    assert_eq!(decrypt(&[&fewer, one].concat()), 400, "a copy dropped");
    assert_eq!(decrypt(&[&blob[..], b"x"].concat()), 400, "something added");
}
