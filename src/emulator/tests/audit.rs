//! The audit log, customer keys over time, and environments that do not see one another.

use serde_json::{Value, json};
use support::{Vault, one, plain, splitmix, text};
use vault_core::events::VAULT_EVENTS;
use vault_core::json::Json;
use vault_emulator::{CustomerKey, EVENTS_KEPT, EnvironmentOptions, Options, Provider, Request};

mod support;

fn events(vault: &mut Vault, query: &str) -> Vec<Value> {
    let all = VAULT_EVENTS.join(",");
    let (status, page) = vault.ask("GET", &format!("/events?events={all}&limit=100{query}"), &Value::Null);
    assert_eq!((status, &page["object"]), (200, &json!("list")), "{page}");
    page["data"].as_array().unwrap().clone()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(&event["event"])).collect()
}

#[test]
fn every_operation_leaves_its_event_with_the_fields_of_the_documentation() {
    let mut vault = plain();
    let created = vault.create("n", "v");
    let path = format!("/vault/v1/kv/{}", text(&created["id"]));
    vault.ask("GET", &path, &Value::Null);
    vault.ask("GET", "/vault/v1/kv/name/n", &Value::Null);
    vault.ask("GET", &format!("{path}/metadata"), &Value::Null);
    vault.ask("GET", &format!("{path}/versions"), &Value::Null);
    vault.ask("GET", "/vault/v1/kv", &Value::Null);
    vault.ask("PUT", &path, &json!({"value": "w"}));
    vault.ask("DELETE", &path, &Value::Null);
    let context = json!({"organization_id": "org_1", "tier": "gold"});
    let (_, pair) = vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": context}));
    vault.ask("POST", "/vault/v1/keys/decrypt", &json!({"keys": pair["encrypted_keys"]}));
    vault.ask(
        "POST",
        "/vault/v1/keys/rekey",
        &json!({"encrypted_keys": pair["encrypted_keys"], "context": context}),
    );
    // What is refused leaves none.
    assert_eq!(vault.ask("GET", &path, &Value::Null).0, 404);
    let events = events(&mut vault, "");
    assert_eq!(
        names(&events),
        [
            "vault.data.created",
            "vault.kek.created",
            "vault.data.read",
            "vault.data.read",
            "vault.metadata.read",
            "vault.metadata.read",
            "vault.names.listed",
            "vault.data.updated",
            "vault.data.deleted",
            "vault.dek.read",
            "vault.kek.created",
            "vault.dek.decrypted",
            "vault.dek.rekeyed",
        ]
    );
    for event in &events {
        assert_eq!(event["object"], "event");
        assert_eq!(event["data"]["actor_source"], "api");
        assert_eq!(event["data"]["actor_id"], created["updated_by"]["id"]);
        assert_eq!(event["data"]["actor_name"], created["updated_by"]["name"]);
        assert!(text(&event["created_at"]).ends_with('Z'));
    }
    let (written, read, dek) = (&events[0]["data"], &events[2]["data"], &events[9]["data"]);
    assert_eq!((&written["kv_name"], &written["key_id"]), (&json!("n"), &created["key_id"]));
    assert_eq!(written["key_context"], json!({"organization_id": "org_1"}));
    assert_eq!((&read["kv_name"], &read["key_id"]), (&json!("n"), &created["key_id"]));
    assert_eq!(read.get("key_context"), None);
    assert_eq!(events[1]["data"]["key_name"], "organization_id:org_1");
    assert_eq!(events[1]["data"]["key_id"], created["key_id"]);
    assert_eq!((dek["key_ids"].as_array().unwrap().len(), &dek["key_context"]), (2, &context));
    assert_eq!(events[11]["data"]["key_id"], pair["id"]);
    let ids: Vec<_> = events.iter().map(|event| text(&event["id"])).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| id.starts_with("event_")));
}

#[test]
fn the_log_is_paged_filtered_and_bounded() {
    let mut vault = plain();
    for _ in 0..25 {
        vault.ask("GET", "/vault/v1/kv", &Value::Null);
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let target = format!("/events?events=vault.names.listed&limit=10{after}");
        let (_, page) = vault.ask("GET", &target, &Value::Null);
        seen.extend(page["data"].as_array().unwrap().iter().map(|event| event["id"].clone()));
        let Some(next) = page["list_metadata"]["after"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), 25);
    let newest = vault.ask("GET", "/events?events=vault.names.listed&order=desc&limit=1", &Value::Null).1;
    assert_eq!(newest["data"][0]["id"], seen[24]);
    let at = text(&newest["data"][0]["created_at"]).to_owned();
    assert_eq!(events(&mut vault, &format!("&range_start={at}")).len(), 0);
    assert_eq!(events(&mut vault, &format!("&range_end={at}")).len(), 24);
    assert_eq!(events(&mut vault, "&range_start=2020-01-01T00:00:00Z").len(), 25);
    for _ in 0..EVENTS_KEPT {
        vault.ask("GET", "/vault/v1/kv", &Value::Null);
    }
    let oldest = events(&mut vault, "");
    assert!(text(&oldest[0]["id"]) > text(&seen[24]), "the oldest are gone");
    let on = events(&mut vault, &format!("&after={}", text(&seen[3])));
    assert_eq!(on[0], oldest[0], "a page goes on after one that is gone");
    for (query, status) in [
        ("", 422),
        ("events=", 422),
        ("events=Not%20one", 400),
        ("events=vault.data.read&limit=0", 400),
        ("events=vault.data.read&limit=101", 400),
        ("events=vault.data.read&after=x", 400),
        ("events=vault.data.read&range_start=yesterday", 400),
        ("events=vault.data.read&range_start=2024-01-01T00:00:00%2B01:00", 400),
        ("events=vault.data.read&order=up", 400),
        ("events[]=vault.data.read&events[]=vault.data.created", 200),
    ] {
        assert_eq!(vault.ask("GET", &format!("/events?{query}"), &Value::Null).0, status, "{query}");
    }
}

#[test]
fn access_to_a_customer_key_spreads_slowly_and_every_verification_is_told() {
    let key =
        CustomerKey { organization_id: "org_c".into(), provider: Provider::AzureKeyVault, accessible: true };
    let options = EnvironmentOptions {
        customer_keys: vec![key],
        customer_key_delay_ms: 60_000,
        ..EnvironmentOptions::default()
    };
    let mut vault = Vault::new(one(options));
    let context = json!({"organization_id": "org_c"});
    let (status, created) =
        vault.ask("POST", "/vault/v1/kv", &json!({"name": "n", "value": "v", "key_context": context}));
    assert_eq!(status, 201);
    let path = format!("/vault/v1/kv/{}", text(&created["id"]));
    let refused = (400, json!({"error": "customer key not accessible"}));
    vault.set_access("org_c", false).unwrap();
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused, "at once");
    vault.set_access("org_c", true).unwrap();
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused, "not yet");
    let (status, _) = vault.ask("POST", "/_emulator/advance", &json!({"ms": 60_000}));
    assert_eq!(status, 200);
    assert_eq!(vault.ask("GET", &path, &Value::Null).0, 200);
    let verified: Vec<_> = events(&mut vault, "&organization_id=org_c")
        .into_iter()
        .filter(|event| event["event"] == "vault.byok_key.verification_completed")
        .map(|event| event["data"].clone())
        .collect();
    let told = |verified: bool| json!({"organization_id": "org_c", "key_provider": "AZURE_KEY_VAULT", "verified": verified});
    assert_eq!(verified, [told(true), told(false), told(true)]);

    assert_eq!(vault.ask("DELETE", "/_emulator/customer-keys/org_c", &Value::Null).0, 200);
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused, "for good");
    assert_eq!(vault.ask("PUT", "/_emulator/customer-keys/org_c", &json!({"accessible": true})).0, 404);
    let deleted = vault.ask("GET", "/events?events=vault.byok_key.deleted", &Value::Null).1;
    assert_eq!(
        deleted["data"][0]["data"],
        json!({"organization_id": "org_c", "key_provider": "AZURE_KEY_VAULT"})
    );

    // Another key of theirs is used for what is written from then on.
    let add = json!({"organizationId": "org_c", "provider": "AWS_KMS"});
    assert_eq!(vault.ask("POST", "/_emulator/customer-keys", &add).0, 200);
    assert_eq!(vault.ask("POST", "/_emulator/customer-keys", &add).0, 400, "one at a time");
    assert_eq!(vault.ask("GET", &path, &Value::Null), refused);
    let (status, updated) = vault.ask("PUT", &path, &json!({"value": "again"}));
    assert_eq!(status, 201);
    assert_ne!(updated["metadata"]["key_id"], created["key_id"]);
    assert_eq!(vault.ask("GET", &path, &Value::Null).1["value"], "again");
}

#[test]
fn what_is_accessible_stays_so_whatever_the_clock_does_and_verifications_are_told_when_due() {
    let key = CustomerKey { organization_id: "org_c".into(), provider: Provider::AwsKms, accessible: true };
    let options = || {
        one(EnvironmentOptions {
            customer_keys: vec![key.clone()],
            customer_key_delay_ms: 60_000,
            ..EnvironmentOptions::default()
        })
    };
    let mut vault = Vault::new(options());
    let context = json!({"context": {"organization_id": "org_c"}});
    let create = |vault: &mut Vault| vault.ask("POST", "/vault/v1/keys/data-key", &context).0;
    let now_ms = vault.now_ms;
    vault.emulator.set_time(1_000_000_000_000, now_ms);
    assert_eq!(create(&mut vault), 200, "though the clock was set back");
    vault.set_access("org_c", true).unwrap();
    assert_eq!(create(&mut vault), 200, "what is given again is not taken away");
    // Over HTTP, with a clock that is ahead, the delay counts once.
    vault.emulator.advance(3_600_000);
    vault.ask("PUT", "/_emulator/customer-keys/org_c", &json!({"accessible": false}));
    vault.ask("PUT", "/_emulator/customer-keys/org_c", &json!({"accessible": true}));
    assert_eq!(create(&mut vault), 400);
    let snapshot = vault.emulator.snapshot();
    vault.emulator.advance(60_000);
    // In process, with no request in between; and before it is taken away again.
    let told = |vault: &mut Vault| {
        let query = Json::parse(br#"{"events": "vault.byok_key.verification_completed"}"#).unwrap();
        let mut text = String::new();
        let now_ms = vault.now_ms;
        vault
            .emulator
            .events(&query, None, now_ms, &mut splitmix(&mut vault.state))
            .unwrap()
            .write(&mut text);
        text.matches("\"verified\":true").count()
    };
    assert_eq!(told(&mut vault), 2);
    assert_eq!(create(&mut vault), 200);
    // A clock that is not ahead any more makes nobody wait for long, and what was due still comes.
    let mut again = Vault::new(options());
    again.now_ms = vault.now_ms;
    again.emulator.set_time(1_000_000_000_000, vault.now_ms);
    again.emulator.restore(&snapshot, again.now_ms, &mut splitmix(&mut 5)).unwrap();
    assert_eq!(create(&mut again), 400);
    again.emulator.advance(60_000);
    assert_eq!((create(&mut again), told(&mut again)), (200, 1));
    // A customer key that is new in the options is there after a restore.
    let more = CustomerKey { organization_id: "org_d".into(), provider: Provider::GcpKms, accessible: true };
    let mut newer =
        Vault::new(one(EnvironmentOptions { customer_keys: vec![more], ..EnvironmentOptions::default() }));
    newer.emulator.restore(&snapshot, 0, &mut splitmix(&mut 6)).unwrap();
    newer.set_access("org_d", false).unwrap();
    newer.set_access("org_c", false).unwrap();
}

#[test]
fn environments_see_nothing_of_one_another() {
    let environment =
        |key: &str| EnvironmentOptions { api_keys: vec![key.into()], ..EnvironmentOptions::default() };
    let environments = vec![environment("sk_test_one"), environment("sk_test_two")];
    let mut vault = Vault::new(Options { environments, ..Options::default() });
    let mut ask = |key: &str, method: &str, target: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request {
            method,
            target,
            authorization: Some(&format!("Bearer {key}")),
            body: body.as_bytes(),
            ..Request::default()
        };
        let answer = vault.send(&request);
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    let create = json!({"name": "n", "value": "v", "key_context": {"organization_id": "org_1"}});
    let (_, one) = ask("sk_test_one", "POST", "/vault/v1/kv", &create);
    let (status, two) = ask("sk_test_two", "POST", "/vault/v1/kv", &create);
    assert_eq!(status, 201, "a name is taken in its own environment only");
    assert_ne!(one["environment_id"], two["environment_id"]);
    assert_ne!(one["key_id"], two["key_id"]);
    let path = format!("/vault/v1/kv/{}", text(&one["id"]));
    assert_eq!(ask("sk_test_two", "GET", &path, &Value::Null).0, 404);
    let (_, pair) = ask("sk_test_one", "POST", "/vault/v1/keys/data-key", &json!({"context": {"a": "b"}}));
    let keys = json!({"keys": pair["encrypted_keys"]});
    assert_eq!(ask("sk_test_two", "POST", "/vault/v1/keys/decrypt", &keys).0, 400);
    let (_, log) =
        ask("sk_test_two", "GET", "/events?events=vault.data.created,vault.dek.read", &Value::Null);
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    let (_, list) = ask("sk_test_two", "GET", "/vault/v1/kv", &Value::Null);
    assert_eq!(list["data"], json!([{"id": two["id"], "name": "n", "updated_at": two["updated_at"]}]));
    let cursor = list["list_metadata"]["after"].clone();
    assert!(cursor.is_null());
    assert_eq!(vault.emulator.object_count(), 2);
    let reset = Request {
        method: "POST",
        target: "/_emulator/reset",
        authorization: Some("Bearer sk_test_two"),
        ..Request::default()
    };
    assert_eq!(vault.send(&reset).status, 200);
    assert_eq!(vault.emulator.object_count(), 1, "one is reset, not the other");
    let random = &mut splitmix(&mut vault.state);
    let error = vault.emulator.set_customer_key_access("org_1", true, Some("sk_test_no"), 0, random);
    assert_eq!(error.unwrap_err().problems[0].field, "apiKey");
}
