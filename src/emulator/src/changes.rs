//! What an environment holds, as records by name: for snapshots, for files that grow with each change, for a
//! Durable Object's storage.
//!
//! A record is a name and a JSON value; without a value it is gone. Names: `environment`, `kek/ID`,
//! `object/PLACE`, `version/PLACE/NUMBER`, `pending/NAME`. Keys and values stand in them in the clear or as what
//! they are encrypted to, as in memory: whoever keeps records keeps secrets.

use crate::environment::{Environment, Identity};
use crate::kms::{Kek, Owner, Provider};
use crate::store::{Object, Sealed, Version};
use base64ct::{Base64, Encoding as _};
use std::collections::HashMap;
use vault_core::cipher::{Key, NONCE_BYTES, TAG_BYTES};
use vault_core::json::{Json, JsonReader};
use vault_core::tree::Tree;
use vault_core::{Error, KeyContext};

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Environment,
    Kek(String),
    Object(u64),
    Version(u64, usize),
    Pending(String),
}

/// What changed since somebody last looked; nothing is noted until somebody has said that they will.
#[derive(Default)]
pub(crate) struct Changes(Option<Vec<Change>>);

/// So many of the last changes are looked at for the same one: a record may stand twice, but seldom should.
const LOOKED_AT: usize = 32;

impl Changes {
    pub(crate) fn watch(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(crate) fn note(&mut self, change: Change) {
        if let Some(changes) = &mut self.0
            && !changes.iter().rev().take(LOOKED_AT).any(|noted| *noted == change)
        {
            changes.push(change);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Change> {
        self.0.as_mut().map(core::mem::take).unwrap_or_default()
    }
}

/// Bytes, as base64.
fn base64(bytes: &[u8]) -> Json {
    Json::text(Base64::encode_string(bytes))
}

#[allow(clippy::cast_precision_loss)] // Beyond 2^53 a time is no time that comes.
fn number(n: u64) -> Json {
    Json::Number(n.min(1 << 53) as f64)
}

/// Two texts, as a list.
fn two((one, other): (&str, &str)) -> Json {
    Json::Array(vec![Json::text(one), Json::text(other)])
}

impl Change {
    /// The record's name and its JSON, `null` where there is none any more.
    fn record(&self, environment: &Environment) -> (String, Json) {
        let optional = |json: Option<Json>| json.unwrap_or(Json::Null);
        match self {
            Change::Environment => {
                let Identity { id, etag_salt, cursor_key } = &environment.identity;
                let record = [
                    ("id", Json::text(id.as_str())),
                    ("etagSalt", base64(etag_salt)),
                    ("cursorKey", base64(cursor_key)),
                ];
                ("environment".into(), Json::object(record))
            }
            Change::Kek(id) => {
                let record = environment.kms.get(id).map(|kek| {
                    let (item, customer) = match &kek.owner {
                        Owner::Item(name, value) => (two((name, value)), Json::Null),
                        Owner::Customer(id, provider) => (Json::Null, two((id, provider.as_str()))),
                    };
                    Json::object([
                        ("key", optional(kek.key.as_ref().map(|key| base64(key.bytes())))),
                        ("item", item),
                        ("customer", customer),
                        ("usableFromMs", optional(kek.usable_from_ms.map(number))),
                    ])
                });
                (format!("kek/{id}"), optional(record))
            }
            Change::Object(place) => {
                let record = environment.store.at(*place).map(|object| {
                    let (sealed, (id, name)) = (&object.sealed, &object.updated_by);
                    Json::object([
                        ("id", Json::text(object.id.as_str())),
                        ("name", Json::text(object.name.as_str())),
                        ("context", Json::Array(object.context.iter().map(two).collect())),
                        ("keyId", Json::text(object.key_id.as_str())),
                        ("updatedBy", two((id, name))),
                        ("encryptedKeys", base64(&sealed.encrypted_keys)),
                        ("nonce", base64(&sealed.nonce)),
                        ("tag", base64(&sealed.tag)),
                        ("ciphertext", base64(&sealed.ciphertext)),
                    ])
                });
                (format!("object/{place:012}"), optional(record))
            }
            Change::Version(place, at) => {
                let version = environment.store.at(*place).and_then(|object| object.versions.get(*at));
                let record = version.map(|version| {
                    Json::object([
                        ("id", Json::text(version.id.as_str())),
                        ("createdAtMs", number(version.created_at_ms)),
                        ("size", number(version.size)),
                        ("etag", Json::text(version.etag.as_str())),
                    ])
                });
                (format!("version/{place:012}/{at:08}"), optional(record))
            }
            Change::Pending(name) => {
                (format!("pending/{name}"), optional(environment.store.pending(name).map(number)))
            }
        }
    }
}

pub(crate) fn pairs(context: &KeyContext) -> Vec<(String, String)> {
    context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Environment {
    /// The records of these changes, a line each: `["INDEX/NAME",VALUE]`.
    pub(crate) fn write(&self, index: usize, changes: Vec<Change>, out: &mut String) {
        for change in changes {
            let (name, value) = change.record(self);
            Json::Array(vec![Json::text(format!("{index}/{name}")), value]).write(out);
            out.push('\n');
        }
    }

    /// Everything there is.
    pub(crate) fn everything(&self) -> Vec<Change> {
        let mut changes = vec![Change::Environment];
        changes.extend(sorted(self.kms.ids()).into_iter().map(|id| Change::Kek(id.clone())));
        let pending = sorted(self.store.pending_names()).into_iter();
        changes.extend(pending.map(|name| Change::Pending(name.clone())));
        for object in self.store.objects() {
            changes.push(Change::Object(object.place));
            changes.extend((0..object.versions.len()).map(|at| Change::Version(object.place, at)));
        }
        changes
    }
}

fn sorted<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts
}

/// What a record holds.
enum Record {
    Environment(Identity),
    Kek(Kek),
    Object(Box<Object>),
    Version(Version),
    Pending(u64),
}

/// Base64, of so many bytes, where that is given.
fn bytes(reader: &mut JsonReader<'_>, name: &str, length: Option<usize>) -> Option<Vec<u8>> {
    let found = Base64::decode_vec(reader.string(name)?).ok();
    let found = found.filter(|bytes| length.is_none_or(|length| bytes.len() == length));
    if found.is_none() {
        let of = length.map(|length| format!("{length} bytes in ")).unwrap_or_default();
        reader.problem(name, &format!("expected {of}base64"));
    }
    found
}

fn array<const N: usize>(reader: &mut JsonReader<'_>, name: &str) -> Option<[u8; N]> {
    bytes(reader, name, Some(N))?.try_into().ok()
}

fn text(reader: &mut JsonReader<'_>, name: &str) -> Option<String> {
    reader.string(name).map(str::to_owned)
}

fn whole(reader: &mut JsonReader<'_>, name: &str) -> Option<u64> {
    reader.whole(name, 0, 1 << 53)
}

/// Two texts of a list.
fn pair(json: &Json) -> Option<(String, String)> {
    let mut texts = json.items().map(Tree::text);
    let (one, other) = (texts.next()??, texts.next()??);
    texts.next().is_none().then(|| (one.to_owned(), other.to_owned()))
}

fn pair_of(reader: &mut JsonReader<'_>, name: &str) -> Option<(String, String)> {
    let found = pair(reader.member(name));
    if found.is_none() {
        reader.wrong(name, "two strings");
    }
    found
}

fn kek(reader: &mut JsonReader<'_>) -> Option<Kek> {
    let [key, item, usable] = ["key", "item", "usableFromMs"].map(|name| !reader.member(name).is_absent());
    let key = if key { Some(Key::from_bytes(&bytes(reader, "key", Some(32))?)?) } else { None };
    let usable_from_ms = if usable { Some(whole(reader, "usableFromMs")?) } else { None };
    let owner = if item {
        let (name, value) = pair_of(reader, "item")?;
        Owner::Item(name, value)
    } else {
        let (organization, provider) = pair_of(reader, "customer")?;
        let Some(provider) = Provider::parse(&provider) else {
            reader.problem("customer", "its provider is unknown");
            return None;
        };
        Owner::Customer(organization, provider)
    };
    Some(Kek { key, owner, usable_from_ms })
}

fn object(reader: &mut JsonReader<'_>, place: u64) -> Option<Box<Object>> {
    let items: Option<Vec<_>> = reader.member("context").items().map(pair).collect();
    if items.is_none() {
        reader.problem("context", "expected a list of two strings each");
    }
    let context = KeyContext::from_pairs(items?).map_err(|error| reader.problems.extend(error.problems));
    Some(Box::new(Object {
        id: text(reader, "id")?,
        name: text(reader, "name")?,
        context: context.ok()?,
        key_id: text(reader, "keyId")?,
        updated_by: pair_of(reader, "updatedBy")?,
        versions: Vec::new(),
        sealed: Sealed {
            encrypted_keys: bytes(reader, "encryptedKeys", None)?,
            nonce: array::<NONCE_BYTES>(reader, "nonce")?,
            tag: array::<TAG_BYTES>(reader, "tag")?,
            ciphertext: bytes(reader, "ciphertext", None)?,
        },
        place,
    }))
}

/// Records on their way into an environment. A later one of the same name takes the place of an earlier one.
#[derive(Default)]
pub(crate) struct Records {
    /// Where each is, by its name.
    places: HashMap<String, u64>,
    records: Vec<Option<Record>>,
}

impl Records {
    /// Adds a record: its name without the index, and its JSON.
    pub(crate) fn add(&mut self, name: &str, value: &Json) -> Result<(), String> {
        let unknown = || format!("there is no record of the name {name}");
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let number = |text: &str| text.parse::<u64>().map_err(|_| unknown());
        let mut reader = JsonReader::at(value, kind);
        let record = match kind {
            _ if value.is_absent() => None,
            "environment" => Some((|| {
                Some(Record::Environment(Identity {
                    id: text(&mut reader, "id")?,
                    etag_salt: array(&mut reader, "etagSalt")?,
                    cursor_key: array(&mut reader, "cursorKey")?,
                }))
            })()),
            "kek" => Some(kek(&mut reader).map(Record::Kek)),
            "object" => Some(object(&mut reader, number(rest)?).map(Record::Object)),
            "version" => Some((|| {
                Some(Record::Version(Version {
                    id: text(&mut reader, "id")?,
                    created_at_ms: whole(&mut reader, "createdAtMs")?,
                    size: whole(&mut reader, "size")?,
                    etag: text(&mut reader, "etag")?,
                }))
            })()),
            "pending" => Some(value.whole().map(Record::Pending)),
            _ => return Err(unknown()),
        };
        let record = match record {
            Some(None) => return Err(Error::refused(reader.problems).message()),
            Some(record) => record,
            None => None,
        };
        if let Some(place) = self.places.get(name).and_then(|place| usize::try_from(*place).ok()) {
            self.records[place] = record;
        } else {
            self.places.insert(name.to_owned(), self.records.len() as u64);
            self.records.push(record);
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        let matters = |record: &Option<Record>| {
            matches!(record, Some(Record::Environment(_) | Record::Kek(_) | Record::Object(_)))
        };
        !self.records.iter().any(matters)
    }

    /// Puts everything into an environment that is empty.
    pub(crate) fn fill(mut self, environment: &mut Environment) -> Result<(), String> {
        // Numbers in names have zeros before them: so those of objects and versions are in order, and the environment
        // and the objects come before their versions.
        let names = sorted(self.places.keys());
        let mut objects: Vec<Box<Object>> = Vec::new();
        for name in names {
            let place = self.places.get(name).copied().unwrap_or_default();
            let record = usize::try_from(place).ok().and_then(|place| self.records[place].take());
            let (_, rest) = name.split_once('/').unwrap_or_default();
            match record {
                Some(Record::Environment(identity)) => environment.become_of(identity),
                Some(Record::Kek(kek)) => environment.kms.insert(rest.to_owned(), kek),
                Some(Record::Pending(until_ms)) => environment.store.set_pending(rest.to_owned(), until_ms),
                Some(Record::Object(object)) => objects.push(object),
                Some(Record::Version(version)) => {
                    let of = rest.split_once('/').and_then(|(place, _)| place.parse().ok());
                    let its = objects.binary_search_by_key(&of, |object| Some(object.place));
                    if let Ok(its) = its {
                        objects[its].versions.push(version);
                    }
                }
                None => {}
            }
        }
        for object in objects {
            if object.versions.is_empty() {
                return Err(format!("object/{}: it has no version", object.place));
            }
            environment.store.insert(*object);
        }
        Ok(())
    }
}
