//! Snapshots, changes and seeds: nothing is lost, and what is damaged is refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Vault, one, plain, splitmix, text};
use vault_core::json::Json;
use vault_emulator::{CustomerKey, EnvironmentOptions, Options, Provider, Request};

mod support;

fn restored(options: Options, lines: &str) -> Vault {
    let mut vault = Vault::new(options);
    vault.state = 77;
    // Later than whatever was noted in it.
    vault.emulator.restore(lines, vault.now_ms + 1_000_000_000_000, &mut splitmix(&mut 99)).unwrap();
    vault
}

fn customer() -> Options {
    let key = CustomerKey { organization_id: "org_c".into(), provider: Provider::GcpKms, accessible: true };
    one(EnvironmentOptions {
        customer_keys: vec![key],
        recovery_period_ms: 1_000_000,
        ..EnvironmentOptions::default()
    })
}

/// What can be seen of a Vault's objects from outside.
fn seen(vault: &mut Vault) -> Value {
    let (_, page) = vault.ask("GET", "/vault/v1/kv?limit=100", &Value::Null);
    let ids: Vec<_> =
        page["data"].as_array().unwrap().iter().map(|one| text(&one["id"]).to_owned()).collect();
    let looks = ids.iter().map(|id| {
        let path = format!("/vault/v1/kv/{id}");
        json!([
            vault.ask("GET", &path, &Value::Null),
            vault.ask("GET", &format!("{path}/versions"), &Value::Null)
        ])
    });
    json!([page, looks.collect::<Vec<_>>()])
}

#[test]
fn a_snapshot_holds_all_objects_versions_keys_and_names() {
    let mut vault = Vault::new(customer());
    for index in 0..15 {
        vault.create(&format!("n{index}"), "v");
    }
    let context = json!({"organization_id": "org_c", "tier": "gold"});
    let (_, of_customer) =
        vault.ask("POST", "/vault/v1/kv", &json!({"name": "byok", "value": "ü", "key_context": context}));
    let path = format!("/vault/v1/kv/{}", text(&of_customer["id"]));
    for value in ["1", "2", "3"] {
        assert_eq!(vault.ask("PUT", &path, &json!({"value": value})).0, 201);
    }
    let gone = vault.create("gone", "v");
    vault.ask("DELETE", &format!("/vault/v1/kv/{}", text(&gone["id"])), &Value::Null);
    let (_, pair) = vault.ask("POST", "/vault/v1/keys/data-key", &json!({"context": context}));
    let (_, first) = vault.ask("GET", "/vault/v1/kv?limit=2", &Value::Null);

    let snapshot = vault.emulator.snapshot();
    let before = seen(&mut vault);
    let mut again = restored(customer(), &snapshot);
    again.now_ms = vault.now_ms;
    assert_eq!(seen(&mut again), before);
    assert_eq!(again.emulator.snapshot(), snapshot, "to the letter");
    let (_, opened) = again.ask("POST", "/vault/v1/keys/decrypt", &json!({"keys": pair["encrypted_keys"]}));
    assert_eq!(opened["data_key"], pair["data_key"]);
    let on = format!("/vault/v1/kv?limit=2&after={}", text(&first["list_metadata"]["after"]));
    assert_eq!(again.ask("GET", &on, &Value::Null).1, vault.ask("GET", &on, &Value::Null).1, "cursors hold");
    let create = json!({"name": "gone", "value": "v", "key_context": {"a": "b"}});
    assert_eq!(again.ask("POST", "/vault/v1/kv", &create).1["error"], "object marked for deletion");
    again.set_access("org_c", false).unwrap();
    assert_eq!(again.ask("GET", &path, &Value::Null).1["error"], "customer key not accessible");
    let taken_away = again.emulator.snapshot();
    assert_eq!(
        restored(customer(), &taken_away).ask("GET", &path, &Value::Null).1["error"],
        "customer key not accessible"
    );
}

#[test]
fn what_is_damaged_is_refused_whole_with_its_line() {
    let mut vault = plain();
    vault.create("n", "v");
    let snapshot = vault.emulator.snapshot();
    let lines: Vec<&str> = snapshot.lines().collect();
    let mut other = plain();
    other.create("mine", "v");
    let mut refused = |text: &str| {
        let error = other.emulator.restore(text, 0, &mut splitmix(&mut 3)).unwrap_err();
        assert_eq!(other.emulator.object_count(), 1, "what was there is still there");
        error.message()
    };
    assert!(refused("").contains("line 1: it does not begin as a snapshot does"));
    assert!(refused("hello\n").contains("line 1"));
    assert!(
        refused(&snapshot.replace("\"version\":1}", "\"version\":2}"))
            .contains("of a version that this release")
    );
    assert!(refused(&format!("{}\nnot JSON\n", lines[0])).contains("line 2: "));
    assert!(
        refused(&format!("{}\n[\"0/what/1\",{{}}]\n", lines[0])).contains("no record of the name what/1")
    );
    assert!(
        refused(&format!("{}\n[\"7/environment\",{{}}]\n", lines[0]))
            .contains("an environment that there is not")
    );
    let object = lines.iter().position(|line| line.contains("/object/")).unwrap();
    assert!(
        refused(&snapshot.replace("\"ciphertext\":\"", "\"ciphertext\":\"*"))
            .contains(&format!("line {}", object + 1))
    );
    let without_versions: Vec<_> = lines.iter().filter(|line| !line.contains("/version/")).copied().collect();
    assert!(refused(&without_versions.join("\n")).contains("it has no version"));
    assert!(refused(&snapshot.replace("\"nonce\":\"", "\"nonce\":\"AAAA")).contains("nonce"));
}

#[test]
fn times_of_a_clock_that_is_far_ahead_are_kept() {
    let mut vault = Vault::new(customer());
    let gone = vault.create("gone", "v");
    for ahead_ms in [10_000_000_000_000_000, u64::MAX / 4] {
        vault.emulator.advance(ahead_ms);
        vault.create(&format!("n{ahead_ms}"), "v");
    }
    vault.ask("DELETE", &format!("/vault/v1/kv/{}", text(&gone["id"])), &Value::Null);
    let snapshot = vault.emulator.snapshot();
    assert!(!snapshot.contains("AtMs\":null") && !snapshot.contains("\"0/pending/gone\",null"), "{snapshot}");
    let again = restored(customer(), &snapshot);
    assert_eq!((again.emulator.object_count(), again.emulator.snapshot()), (2, snapshot.clone()));
    // As releases before this one wrote them.
    let old = snapshot.replace("8999999999999999", "18446744073709551615");
    assert_ne!(old, snapshot);
    assert_eq!(restored(customer(), &old).emulator.snapshot(), snapshot);
}

#[test]
fn records_have_one_name_each_and_are_what_they_say() {
    let mut vault = plain();
    vault.create("n", "v");
    let snapshot = vault.emulator.snapshot();
    // Without zeros before their numbers they are the same.
    let short = snapshot
        .replace("object/000000000000", "object/0")
        .replace("version/000000000000/00000000", "version/0/0");
    assert_ne!(short, snapshot);
    assert_eq!(restored(Options::default(), &short).emulator.snapshot(), snapshot);
    let both = [snapshot.clone(), "[\"0/object/0\",null]\n".into()].concat();
    assert_eq!(restored(Options::default(), &both).emulator.object_count(), 0);
    let header = snapshot.lines().next().unwrap();
    let mut refused = |line: &str| {
        let text = format!("{header}\n{line}\n");
        vault.emulator.restore(&text, 0, &mut splitmix(&mut 3)).unwrap_err().message()
    };
    for name in ["nonsense", "object/x", "version/1", "version/1/x", "", "environment/x", "object/1/2"] {
        for value in ["null", "{}"] {
            let message = refused(&format!("[\"0/{name}\",{value}]"));
            assert_eq!(message, format!("snapshot: line 2: there is no record of the name {name}"));
        }
    }
    assert!(refused("[\"0/pending/a\",\"x\"]").ends_with("expected a whole number, got a string"));
    assert!(refused("[\"0/object/1\",5]").ends_with("expected an object, got number 5"));
    for owners in [r#""item":["a","b"],"customer":["c","AWS_KMS"]"#, r#""item":null"#] {
        let message = refused(&format!("[\"0/kek/k\",{{{owners}}}]"));
        assert!(message.ends_with("it is neither an item's nor a customer's"), "{message}");
    }
    assert!(refused("[\"0/kek/k\"]").contains("it is no name and value"));
}

#[test]
fn a_change_is_told_once_however_often_it_happened() {
    let mut vault = plain();
    vault.emulator.watch_changes();
    let objects: Vec<_> = (0..50).map(|index| vault.create(&format!("n{index}"), "v")).collect();
    vault.emulator.take_changes();
    for round in 0..3 {
        for object in &objects {
            let path = format!("/vault/v1/kv/{}", text(&object["id"]));
            vault.ask("PUT", &path, &json!({"value": format!("{round}")}));
        }
    }
    // Of each object its record and three versions.
    assert_eq!(vault.emulator.take_changes().lines().count(), 50 * 4);
    assert_eq!(vault.emulator.take_changes(), "");
}

#[test]
fn a_seed_is_made_whole_or_not_at_all() {
    let seed = |value: &Value| Json::parse(value.to_string().as_bytes()).unwrap();
    let mut vault = plain();
    let context = json!({"organization_id": "org_1"});
    let good = json!({"objects": [
        {"name": "a", "value": "1", "context": context}, {"name": "b", "value": "2", "context": context},
    ]});
    let count = vault.emulator.seed(&seed(&good), None, 0, &mut splitmix(&mut 4)).unwrap();
    assert_eq!((count, vault.emulator.object_count()), (2, 2));
    assert_eq!(vault.ask("GET", "/vault/v1/kv/name/b", &Value::Null).1["value"], "2");
    for (bad, field) in [
        (json!([]), "seed"),
        (json!({"objects": 5}), "seed.objects"),
        (json!({"object": []}), "seed.object"),
        (json!({"objects": [{"name": "", "value": "1", "context": context}]}), "objects[0].name"),
        (json!({"objects": [{"name": "c", "value": 1, "context": {}}]}), "objects[0].value"),
        (
            json!({"objects": [{"name": "c", "value": "1", "context": context}, {"name": "a", "value": "1", "context": context}]}),
            "objects[1]",
        ),
        (
            json!({"objects": [{"name": "c", "value": "1", "context": context}, {"name": "c", "value": "1", "context": context}]}),
            "objects[1].name",
        ),
    ] {
        let error = vault.emulator.seed(&seed(&bad), None, 0, &mut splitmix(&mut 4)).unwrap_err();
        assert_eq!(error.problems[0].field, field, "{bad}");
        assert_eq!(vault.emulator.object_count(), 2);
    }
    let (status, body) = vault.ask(
        "POST",
        "/_emulator/seed",
        &json!({"objects": [{"name": "d", "value": "1", "context": context}]}),
    );
    assert_eq!((status, body), (200, json!({"objects": 1})));
    assert_eq!(vault.ask("POST", "/_emulator/reset", &json!({})).0, 200);
    assert_eq!(vault.emulator.object_count(), 0);
}

#[test]
fn a_restore_forgets_the_answers_that_were_kept() {
    let mut vault = plain();
    let clean = vault.emulator.snapshot();
    let create = Request {
        method: "POST",
        target: "/vault/v1/kv",
        authorization: Some("Bearer sk_test_emulator"),
        idempotency_key: Some("k"),
        body: br#"{"name": "n", "value": "v", "key_context": {"a": "b"}}"#,
        ..Request::default()
    };
    assert_eq!(vault.send(&create).status, 201);
    let now_ms = vault.now_ms;
    vault.emulator.restore(&clean, now_ms, &mut splitmix(&mut 8)).unwrap();
    assert_eq!(vault.send(&create).status, 201);
    assert_eq!(vault.emulator.object_count(), 1, "it was done, not repeated");
}

/// What a test may do to a Vault.
#[derive(Clone, Debug)]
enum Step {
    Create(u8, u8),
    Update(u8, u8),
    Delete(u8),
    Access(bool),
    Reset,
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u8>(), any::<u8>()).prop_map(|(name, tenant)| Step::Create(name % 20, tenant % 4)),
        4 => (any::<u8>(), any::<u8>()).prop_map(|(at, value)| Step::Update(at, value)),
        2 => any::<u8>().prop_map(Step::Delete),
        1 => any::<bool>().prop_map(Step::Access),
        1 => Just(Step::Reset),
        1 => Just(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A snapshot with all changes after it is what a snapshot at the end is.
    #[test]
    fn changes_added_to_a_snapshot_are_the_state_at_every_step(steps in prop::collection::vec(step(), 1..30)) {
        let mut vault = Vault::new(customer());
        let mut kept = vault.emulator.snapshot();
        vault.emulator.watch_changes();
        for step in steps {
            let ids = |vault: &mut Vault| {
                let (_, page) = vault.ask("GET", "/vault/v1/kv?limit=100", &Value::Null);
                page["data"].as_array().unwrap().iter().map(|one| text(&one["id"]).to_owned()).collect::<Vec<_>>()
            };
            let pick = |ids: Vec<String>, at: u8| {
                (!ids.is_empty()).then(|| format!("/vault/v1/kv/{}", ids[usize::from(at) % ids.len()]))
            };
            match step {
                Step::Create(name, tenant) => {
                    let organization = if tenant == 0 { "org_c".to_owned() } else { format!("org_{tenant}") };
                    let body = json!({"name": format!("n{name}"), "value": "v", "key_context": {"organization_id": organization}});
                    vault.ask("POST", "/vault/v1/kv", &body);
                }
                Step::Update(at, value) => {
                    if let Some(path) = pick(ids(&mut vault), at) {
                        vault.ask("PUT", &path, &json!({"value": value.to_string()}));
                    }
                }
                Step::Delete(at) => {
                    if let Some(path) = pick(ids(&mut vault), at) {
                        vault.ask("DELETE", &path, &Value::Null);
                    }
                }
                // Until the names of what was deleted are free again.
                Step::Wait => {
                    vault.now_ms += 2_000_000;
                    vault.ask("GET", "/vault/v1/kv", &Value::Null);
                }
                Step::Access(accessible) => vault.set_access("org_c", accessible).unwrap(),
                Step::Reset => {
                    let now_ms = vault.now_ms;
                    vault.emulator.reset(now_ms, &mut splitmix(&mut vault.state)).unwrap();
                }
            }
            let changes = vault.emulator.take_changes();
            kept.push_str(&changes);
            let again = restored(customer(), &kept);
            let sorted = |snapshot: String| {
                let mut lines: Vec<_> = snapshot.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            prop_assert_eq!(sorted(again.emulator.snapshot()), sorted(vault.emulator.snapshot()));
            prop_assert_eq!(vault.emulator.take_changes(), "", "told once");
        }
    }
}
