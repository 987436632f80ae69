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
use vault_core::tree::{Tree, expected};
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
pub(crate) struct Changes(Option<Noted>);

#[derive(Default)]
struct Noted {
    /// Each once.
    changes: Vec<Change>,
    names: HashMap<String, u64>,
}

impl Changes {
    pub(crate) fn watch(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(crate) fn note(&mut self, change: Change) {
        if let Some(noted) = &mut self.0
            && noted.names.insert(change.name(), 0).is_none()
        {
            noted.changes.push(change);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Change> {
        self.0.as_mut().map(|noted| core::mem::take(noted).changes).unwrap_or_default()
    }
}

/// Bytes, as base64.
fn base64(bytes: &[u8]) -> Json {
    Json::text(Base64::encode_string(bytes))
}

/// Longest number that is written: JSON's are exact up to there, and a time beyond it is none that comes.
const NUMBER_MAX: u64 = 8_999_999_999_999_999;

#[allow(clippy::cast_precision_loss)]
fn number(n: u64) -> Json {
    Json::Number(n.min(NUMBER_MAX) as f64)
}

/// Two texts, as a list.
fn two((one, other): (&str, &str)) -> Json {
    Json::Array(vec![Json::text(one), Json::text(other)])
}

impl Change {
    /// The record's name. Numbers have zeros before them, so that names sort as their places do.
    fn name(&self) -> String {
        match self {
            Change::Environment => "environment".into(),
            Change::Kek(id) => format!("kek/{id}"),
            Change::Object(place) => format!("object/{place:012}"),
            Change::Version(place, at) => format!("version/{place:012}/{at:08}"),
            Change::Pending(name) => format!("pending/{name}"),
        }
    }

    /// Of a record's name.
    fn of(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        Some(match kind {
            "environment" if rest.is_empty() => Change::Environment,
            "kek" => Change::Kek(rest.into()),
            "object" => Change::Object(rest.parse().ok()?),
            "version" => {
                let (place, at) = rest.split_once('/')?;
                Change::Version(place.parse().ok()?, at.parse().ok()?)
            }
            "pending" => Change::Pending(rest.into()),
            _ => return None,
        })
    }

    /// The record, `null` where there is none any more.
    fn record(&self, environment: &Environment) -> Json {
        let optional = |json: Option<Json>| json.unwrap_or(Json::Null);
        match self {
            Change::Environment => {
                let Identity { id, etag_salt, cursor_key } = &environment.identity;
                let record = [
                    ("id", Json::text(id.as_str())),
                    ("etagSalt", base64(etag_salt)),
                    ("cursorKey", base64(cursor_key)),
                ];
                Json::object(record)
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
                optional(record)
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
                optional(record)
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
                optional(record)
            }
            Change::Pending(name) => optional(environment.store.pending(name).map(number)),
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
            let name = Json::text(format!("{index}/{}", change.name()));
            Json::Array(vec![name, change.record(self)]).write(out);
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

/// A whole number; one that is larger than any that is written stands for the largest.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole_of(json: &Json) -> Option<u64> {
    match json {
        Json::Number(n) if *n >= 0.0 && n.fract() == 0.0 => Some((*n as u64).min(NUMBER_MAX)),
        _ => None,
    }
}

fn whole(reader: &mut JsonReader<'_>, name: &str) -> Option<u64> {
    let found = whole_of(reader.member(name));
    if found.is_none() {
        reader.wrong(name, "a whole number");
    }
    found
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
    let names = ["key", "item", "customer", "usableFromMs"];
    let [key, item, customer, usable] = names.map(|name| !reader.member(name).is_absent());
    if item == customer {
        reader.problem("item", "it is neither an item's nor a customer's");
        return None;
    }
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

/// Reads a record.
fn read(change: &Change, value: &Json) -> Result<Record, String> {
    if let Change::Pending(_) = change {
        return whole_of(value).map(Record::Pending).ok_or_else(|| expected("a whole number", value));
    }
    let mut reader = JsonReader::body(value);
    if !reader.is_map() {
        return Err(expected("an object", value));
    }
    let record = match change {
        Change::Environment => identity(&mut reader).map(Record::Environment),
        Change::Kek(_) => kek(&mut reader).map(Record::Kek),
        Change::Object(place) => object(&mut reader, *place).map(Record::Object),
        Change::Version(..) => version(&mut reader).map(Record::Version),
        Change::Pending(_) => None,
    };
    record.ok_or_else(|| Error::refused(reader.problems).message())
}

fn identity(reader: &mut JsonReader<'_>) -> Option<Identity> {
    Some(Identity {
        id: text(reader, "id")?,
        etag_salt: array(reader, "etagSalt")?,
        cursor_key: array(reader, "cursorKey")?,
    })
}

fn version(reader: &mut JsonReader<'_>) -> Option<Version> {
    Some(Version {
        id: text(reader, "id")?,
        created_at_ms: whole(reader, "createdAtMs")?,
        size: whole(reader, "size")?,
        etag: text(reader, "etag")?,
    })
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
        let change = Change::of(name).ok_or_else(|| format!("there is no record of the name {name}"))?;
        let record = if value.is_absent() { None } else { Some(read(&change, value)?) };
        let name = change.name();
        if let Some(place) = self.places.get(&name).and_then(|place| usize::try_from(*place).ok()) {
            self.records[place] = record;
        } else {
            self.places.insert(name, self.records.len() as u64);
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
            environment.store.insert(object);
        }
        Ok(())
    }
}
