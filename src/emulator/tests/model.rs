//! The emulator against a model of a Vault that fits on a page, over random series of operations. What fails is shrunk
//! to a shortest series by proptest.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Vault, one, text};
use vault_emulator::EnvironmentOptions;

mod support;

/// How long a deleted object's name stays taken.
const RECOVERY_MS: u64 = 1_000;
const NAMES: usize = 4;

/// What is done, to one of a few names, so that operations meet.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create(usize, u8),
    Read(usize),
    ReadByName(usize),
    Describe(usize),
    Versions(usize),
    /// A new value: without a lock, under the version that is current, or under one that is not.
    Update(usize, u8, Lock),
    Delete(usize, Lock),
    List(usize),
    Wait(u16),
    /// Everything is taken out and put back.
    Restore,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lock {
    None,
    Current,
    First,
    Strange,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES;
    let lock = || prop::sample::select(vec![Lock::None, Lock::Current, Lock::First, Lock::Strange]);
    prop_oneof![
        4 => (name.clone(), any::<u8>()).prop_map(|(name, value)| Step::Create(name, value)),
        2 => name.clone().prop_map(Step::Read),
        1 => name.clone().prop_map(Step::ReadByName),
        1 => name.clone().prop_map(Step::Describe),
        2 => name.clone().prop_map(Step::Versions),
        4 => (name.clone(), any::<u8>(), lock()).prop_map(|(name, value, lock)| Step::Update(name, value, lock)),
        3 => (name.clone(), lock()).prop_map(|(name, lock)| Step::Delete(name, lock)),
        2 => (1..5_usize).prop_map(Step::List),
        1 => (0..1_500_u16).prop_map(Step::Wait),
        1 => Just(Step::Restore),
    ]
}

struct Object {
    id: String,
    name: usize,
    /// Values and their version IDs, oldest first.
    versions: Vec<(String, String)>,
}

/// A Vault, as its users think of one.
#[derive(Default)]
struct Model {
    objects: Vec<Object>,
    /// Until when a name is taken by what was deleted.
    recovering: BTreeMap<usize, u64>,
    /// The ID that a name had last, also of what is gone.
    ids: BTreeMap<usize, String>,
}

impl Model {
    fn at(&mut self, name: usize) -> Option<&mut Object> {
        self.objects.iter_mut().find(|object| object.name == name)
    }

    fn id(&self, name: usize) -> String {
        self.ids.get(&name).cloned().unwrap_or_else(|| "none".into())
    }
}

/// The version that is sent, and whether it is the current one.
fn lock_of(object: Option<&mut Object>, lock: Lock) -> (Option<String>, bool) {
    let versions = object.map(|object| object.versions.as_slice()).unwrap_or_default();
    let id = |version: Option<&(String, String)>| version.map_or_else(|| "none".into(), |(_, id)| id.clone());
    match lock {
        Lock::None => (None, true),
        Lock::Current => (Some(id(versions.last())), true),
        Lock::First => (Some(id(versions.first())), versions.len() == 1),
        Lock::Strange => (Some("strange".into()), false),
    }
}

/// By pages of this size, in both orders: everything, once.
fn check_list(vault: &mut Vault, model: &Model, limit: usize) {
    for order in ["asc", "desc"] {
        let mut found = Vec::new();
        let mut target = format!("/vault/v1/kv?limit={limit}&order={order}");
        loop {
            let (status, page) = vault.ask("GET", &target, &Value::Null);
            assert_eq!(status, 200, "{page}");
            let data = page["data"].as_array().unwrap();
            assert!(data.len() <= limit);
            found.extend(data.iter().map(|object| text(&object["id"]).to_owned()));
            let Some(after) = page["list_metadata"]["after"].as_str() else { break };
            target = format!("/vault/v1/kv?limit={limit}&order={order}&after={after}");
        }
        found.sort_unstable();
        let mut expected: Vec<_> = model.objects.iter().map(|object| object.id.clone()).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{order}");
    }
}

fn check(vault: &mut Vault, model: &mut Model, step: Step) {
    let name_of = |name: usize| format!("name {name}");
    let nothing = Value::Null;
    match step {
        Step::Create(name, value) => {
            let body =
                json!({ "name": name_of(name), "value": value.to_string(), "key_context": { "a": "b" } });
            let (status, answer) = vault.ask("POST", "/vault/v1/kv", &body);
            let taken = model.at(name).is_some();
            let recovering = model.recovering.get(&name).is_some_and(|until| vault.now_ms < *until);
            assert_eq!(status, if taken || recovering { 409 } else { 201 }, "{answer}");
            if status == 201 {
                let (id, version) = (text(&answer["id"]).to_owned(), text(&answer["version_id"]).to_owned());
                model.recovering.remove(&name);
                model.ids.insert(name, id.clone());
                model.objects.push(Object { id, name, versions: vec![(value.to_string(), version)] });
            } else {
                let said = text(&answer["error"]);
                assert_eq!(said.contains("marked for deletion"), !taken && recovering, "{said}");
            }
        }
        Step::Read(name) | Step::ReadByName(name) | Step::Describe(name) => {
            let target = match step {
                Step::Read(_) => format!("/vault/v1/kv/{}", model.id(name)),
                Step::ReadByName(_) => format!("/vault/v1/kv/name/name%20{name}"),
                _ => format!("/vault/v1/kv/{}/metadata", model.id(name)),
            };
            let (status, answer) = vault.ask("GET", &target, &nothing);
            let Some(object) = model.at(name) else { return assert_eq!(status, 404, "{answer}") };
            let (value, version) = object.versions.last().unwrap();
            let shown = if matches!(step, Step::Describe(_)) { None } else { Some(json!(value)) };
            assert_eq!((status, answer.get("value")), (200, shown.as_ref()));
            assert_eq!((&answer["id"], &answer["name"]), (&json!(object.id), &json!(name_of(name))));
            assert_eq!(answer["metadata"]["version_id"], json!(version));
        }
        Step::Versions(name) => {
            let (status, answer) =
                vault.ask("GET", &format!("/vault/v1/kv/{}/versions", model.id(name)), &nothing);
            let Some(object) = model.at(name) else { return assert_eq!(status, 404, "{answer}") };
            let shown: Vec<_> = answer["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|version| (text(&version["id"]).to_owned(), version["size"].as_u64().unwrap()))
                .collect();
            let expected: Vec<_> =
                object.versions.iter().rev().map(|(value, id)| (id.clone(), value.len() as u64)).collect();
            assert_eq!(shown, expected);
        }
        Step::Update(name, value, lock) => {
            let id = model.id(name);
            let (version_check, fits) = lock_of(model.at(name), lock);
            let body = json!({ "value": value.to_string(), "version_check": version_check });
            let (status, answer) = vault.ask("PUT", &format!("/vault/v1/kv/{id}"), &body);
            let Some(object) = model.at(name) else { return assert_eq!(status, 404, "{answer}") };
            assert_eq!(status, if fits { 201 } else { 409 }, "{answer}");
            if fits {
                let version = text(&answer["metadata"]["version_id"]).to_owned();
                assert!(object.versions.iter().all(|(_, id)| *id != version), "a version of its own");
                object.versions.push((value.to_string(), version));
            }
        }
        Step::Delete(name, lock) => {
            let (version_check, fits) = lock_of(model.at(name), lock);
            let query = version_check.map_or_else(String::new, |version| format!("?version_check={version}"));
            let (status, answer) =
                vault.ask("DELETE", &format!("/vault/v1/kv/{}{query}", model.id(name)), &nothing);
            if model.at(name).is_none() {
                return assert_eq!(status, 404, "{answer}");
            }
            assert_eq!(status, if fits { 200 } else { 409 }, "{answer}");
            if fits {
                model.objects.retain(|object| object.name != name);
                model.recovering.insert(name, vault.now_ms + RECOVERY_MS);
            }
        }
        Step::List(limit) => check_list(vault, model, limit),
        Step::Wait(ms) => vault.now_ms += u64::from(ms),
        Step::Restore => {
            let snapshot = vault.emulator.snapshot();
            let random = &mut support::splitmix(&mut vault.state);
            vault.emulator.restore(&snapshot, vault.now_ms, random).unwrap();
        }
    }
    assert_eq!(vault.emulator.object_count(), model.objects.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn is_what_its_users_think(steps in prop::collection::vec(step(), 1..60)) {
        let environment = EnvironmentOptions { recovery_period_ms: RECOVERY_MS, ..EnvironmentOptions::default() };
        let mut vault = Vault::new(one(environment));
        let mut model = Model::default();
        for step in steps {
            check(&mut vault, &mut model, step);
        }
    }
}
