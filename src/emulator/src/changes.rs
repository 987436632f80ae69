//! What an environment holds, as records by name: for snapshots, for files that grow with each change, for a
//! Durable Object's storage.
//!
//! A record is a name and a JSON value; without a value it is gone. Names: `environment`, `kek/ID`,
//! `object/PLACE`, `version/PLACE/NUMBER`, `pending/NAME`. Keys and values stand in them in the clear or as what
//! they are encrypted to, as in memory: whoever keeps records keeps secrets.

use crate::environment::{Environment, Identity};
use crate::kms::{Kek, Owner, Provider};
use crate::store::{Object, Sealed, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use vault_core::KeyContext;
use vault_core::cipher::{Key, NONCE_BYTES, TAG_BYTES};

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Environment,
    Kek(String),
    Object(u64),
    Version(u64, usize),
    Pending(String),
}

/// What changed since somebody last looked; nothing is noted until somebody has said that they will.
#[derive(Default)]
pub(crate) struct Changes(Option<BTreeSet<Change>>);

impl Changes {
    pub(crate) fn watch(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(crate) fn note(&mut self, change: Change) {
        if let Some(changes) = &mut self.0 {
            changes.insert(change);
        }
    }

    pub(crate) fn take(&mut self) -> BTreeSet<Change> {
        self.0.as_mut().map(core::mem::take).unwrap_or_default()
    }
}

/// Bytes, as base64.
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        STANDARD.decode(&*text).map(Bytes).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentRecord {
    id: String,
    etag_salt: Bytes,
    cursor_key: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KekRecord {
    key: Option<Bytes>,
    item: Option<(String, String)>,
    customer: Option<(String, String)>,
    usable_from_ms: Option<u64>,
}

impl KekRecord {
    fn kek(self) -> Result<Kek, &'static str> {
        let key = match self.key {
            Some(bytes) => Some(Key::from_bytes(&bytes.0).ok_or("its key has not 32 bytes")?),
            None => None,
        };
        let owner = match (self.item, self.customer) {
            (Some((name, value)), None) => Owner::Item(name, value),
            (None, Some((organization, provider))) => {
                Owner::Customer(organization, Provider::parse(&provider).ok_or("its provider is unknown")?)
            }
            _ => return Err("it is neither an item's nor a customer's"),
        };
        Ok(Kek { key, owner, usable_from_ms: self.usable_from_ms })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRecord {
    id: String,
    name: String,
    context: Vec<(String, String)>,
    key_id: String,
    updated_by: (String, String),
    encrypted_keys: Bytes,
    nonce: Bytes,
    tag: Bytes,
    ciphertext: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionRecord {
    id: String,
    created_at_ms: u64,
    size: u64,
    etag: String,
}

fn json(record: &impl Serialize) -> String {
    // Strings and numbers only: nothing that JSON could not hold.
    serde_json::to_string(record).unwrap_or_else(|_| "null".into())
}

impl Change {
    /// The record's name and its JSON, `null` where there is none any more.
    fn record(&self, environment: &Environment) -> (String, String) {
        let gone = || String::from("null");
        match self {
            Change::Environment => {
                let Identity { id, etag_salt, cursor_key } = &environment.identity;
                let (etag_salt, cursor_key) = (Bytes(etag_salt.to_vec()), Bytes(cursor_key.to_vec()));
                ("environment".into(), json(&EnvironmentRecord { id: id.clone(), etag_salt, cursor_key }))
            }
            Change::Kek(id) => {
                let record = environment.kms.get(id).map(|kek| {
                    let (item, customer) = match &kek.owner {
                        Owner::Item(name, value) => (Some((name.clone(), value.clone())), None),
                        Owner::Customer(id, provider) => (None, Some((id.clone(), provider.as_str().into()))),
                    };
                    let key = kek.key.as_ref().map(|key| Bytes(key.bytes().to_vec()));
                    json(&KekRecord { key, item, customer, usable_from_ms: kek.usable_from_ms })
                });
                (format!("kek/{id}"), record.unwrap_or_else(gone))
            }
            Change::Object(place) => {
                let record = environment.store.at(*place).map(|object| {
                    let sealed = &object.sealed;
                    json(&ObjectRecord {
                        id: object.id.clone(),
                        name: object.name.clone(),
                        context: pairs(&object.context),
                        key_id: object.key_id.clone(),
                        updated_by: object.updated_by.clone(),
                        encrypted_keys: Bytes(sealed.encrypted_keys.clone()),
                        nonce: Bytes(sealed.nonce.to_vec()),
                        tag: Bytes(sealed.tag.to_vec()),
                        ciphertext: Bytes(sealed.ciphertext.clone()),
                    })
                });
                (format!("object/{place:012}"), record.unwrap_or_else(gone))
            }
            Change::Version(place, number) => {
                let version = environment.store.at(*place).and_then(|object| object.versions.get(*number));
                let record = version.map(|version| {
                    json(&VersionRecord {
                        id: version.id.clone(),
                        created_at_ms: version.created_at_ms,
                        size: version.size,
                        etag: version.etag.clone(),
                    })
                });
                (format!("version/{place:012}/{number:08}"), record.unwrap_or_else(gone))
            }
            Change::Pending(name) => {
                let until = environment.store.pending(name);
                (format!("pending/{name}"), until.map_or_else(gone, |until| until.to_string()))
            }
        }
    }
}

pub(crate) fn pairs(context: &KeyContext) -> Vec<(String, String)> {
    context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Environment {
    /// The records of these changes, a line each: `["INDEX/NAME",VALUE]`.
    pub(crate) fn write(&self, index: usize, changes: impl IntoIterator<Item = Change>, out: &mut String) {
        for change in changes {
            let (name, value) = change.record(self);
            out.push('[');
            vault_core::http::quote(&format!("{index}/{name}"), out);
            out.push(',');
            out.push_str(&value);
            out.push_str("]\n");
        }
    }

    /// Everything there is.
    pub(crate) fn everything(&self) -> impl Iterator<Item = Change> {
        let keks = self.kms.ids().map(|id| Change::Kek(id.clone()));
        let pending = self.store.pending_names().map(|name| Change::Pending(name.clone()));
        let objects = self.store.objects().flat_map(|object| {
            let versions = (0..object.versions.len()).map(|number| Change::Version(object.place, number));
            core::iter::once(Change::Object(object.place)).chain(versions)
        });
        core::iter::once(Change::Environment).chain(keks).chain(pending).chain(objects)
    }
}

/// What a record holds.
enum Record {
    Kek(KekRecord),
    Object(ObjectRecord),
    Version(VersionRecord),
    Pending(u64),
}

/// Records on their way into an environment. A later one of the same name takes the place of an earlier one.
#[derive(Default)]
pub(crate) struct Records {
    environment: Option<EnvironmentRecord>,
    // One map for all kinds: each map of another type is some kilobytes of the module.
    rest: BTreeMap<Change, Record>,
}

fn read<R: for<'de> Deserialize<'de>>(value: &str) -> Result<Option<R>, String> {
    serde_json::from_str(value).map_err(|error| error.to_string())
}

impl Records {
    /// Adds a record: its name without the index, and its JSON.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let unknown = || format!("there is no record of the name {name}");
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let number = |text: &str| text.parse::<u64>().map_err(|_| unknown());
        let (change, record) = match kind {
            "environment" => {
                self.environment = read(value)?;
                return Ok(());
            }
            "kek" => (Change::Kek(rest.to_owned()), read(value)?.map(Record::Kek)),
            "object" => (Change::Object(number(rest)?), read(value)?.map(Record::Object)),
            "version" => {
                let (place, at) = rest.split_once('/').ok_or_else(unknown)?;
                let at = usize::try_from(number(at)?).map_err(|_| unknown())?;
                (Change::Version(number(place)?, at), read(value)?.map(Record::Version))
            }
            "pending" => (Change::Pending(rest.to_owned()), read(value)?.map(Record::Pending)),
            _ => return Err(unknown()),
        };
        match record {
            Some(record) => drop(self.rest.insert(change, record)),
            None => drop(self.rest.remove(&change)),
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        let matters = |record: &Record| matches!(record, Record::Kek(_) | Record::Object(_));
        self.environment.is_none() && !self.rest.values().any(matters)
    }

    /// Puts everything into an environment that is empty.
    pub(crate) fn fill(self, environment: &mut Environment) -> Result<(), String> {
        if let Some(record) = self.environment {
            let etag_salt =
                record.etag_salt.0.try_into().map_err(|_| "environment: etagSalt has not 32 bytes")?;
            let cursor_key =
                record.cursor_key.0.try_into().map_err(|_| "environment: cursorKey has not 16 bytes")?;
            environment.become_of(Identity { id: record.id, etag_salt, cursor_key });
        }
        let mut objects = Vec::new();
        let mut versions = Vec::new();
        for (change, record) in self.rest {
            match (change, record) {
                (Change::Kek(id), Record::Kek(record)) => {
                    let kek = record.kek().map_err(|what| format!("kek/{id}: {what}"))?;
                    environment.kms.insert(id, kek);
                }
                (Change::Pending(name), Record::Pending(until_ms)) => {
                    environment.store.set_pending(name, until_ms);
                }
                (Change::Object(place), Record::Object(record)) => objects.push((place, record)),
                (Change::Version(place, _), Record::Version(record)) => versions.push((place, record)),
                _ => {}
            }
        }
        // Both are in the order of their places.
        let mut versions = versions.into_iter().peekable();
        for (place, record) in objects {
            let wrong = |what: &str| format!("object/{place}: {what}");
            let mut its = Vec::new();
            while let Some((of, VersionRecord { id, created_at_ms, size, etag })) =
                versions.next_if(|(of, _)| *of <= place)
            {
                if of == place {
                    its.push(Version { id, created_at_ms, size, etag });
                }
            }
            if its.is_empty() {
                return Err(wrong("it has no version"));
            }
            let context = KeyContext::from_pairs(record.context).map_err(|error| wrong(&error.message()))?;
            let nonce: [u8; NONCE_BYTES] =
                record.nonce.0.try_into().map_err(|_| wrong("its nonce has not 12 bytes"))?;
            let tag: [u8; TAG_BYTES] =
                record.tag.0.try_into().map_err(|_| wrong("its tag has not 16 bytes"))?;
            environment.store.insert(Object {
                id: record.id,
                name: record.name,
                context,
                key_id: record.key_id,
                updated_by: record.updated_by,
                versions: its,
                sealed: Sealed {
                    encrypted_keys: record.encrypted_keys.0,
                    nonce,
                    tag,
                    ciphertext: record.ciphertext.0,
                },
                place,
            });
        }
        Ok(())
    }
}
