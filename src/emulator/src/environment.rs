//! The operations over one environment: its store, its keys, its rules, what they leave in the audit log.

use crate::changes::{Change, Changes, pairs};
use crate::events::{EventLog, by};
use crate::ids::{self, Cursors};
use crate::kms::{CustomerKey, Kms};
use crate::options::EnvironmentOptions;
use crate::route::Operation;
use crate::store::{Object, Sealed, Store, Version};
use crate::{Key, Outcome, Randomness, Refusal};
use base64ct::{Base64, Encoding as _};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use vault_core::cipher::{self, NONCE_BYTES};
use vault_core::error::{Error, Problem};
use vault_core::json::{Json, ToWire};
use vault_core::key_context::ORGANIZATION_ID;
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::names::VersionId;
use vault_core::objects::{
    Actor, CreateObject, DeleteObject, Object as WireObject, ObjectMetadata, ObjectVersion, Page,
    UpdateObject,
};
use vault_core::time::Timestamp;
use vault_core::{Code, KeyContext};

/// What makes an environment this one, besides what is in it.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) id: String,
    /// Makes etags of equal values equal here and unguessable elsewhere.
    pub(crate) etag_salt: [u8; 32],
    pub(crate) cursor_key: [u8; 16],
}

pub(crate) struct Environment {
    pub(crate) identity: Identity,
    organizations: Option<HashMap<String, u64>>,
    recovery_period_ms: u64,
    customer_key_delay_ms: u64,
    /// The customer keys of the options.
    configured: Vec<CustomerKey>,
    pub(crate) kms: Kms,
    pub(crate) store: Store,
    pub(crate) events: EventLog,
    pub(crate) changes: Changes,
    /// Verifications of customer keys that are due: when, and whose.
    verifications: Vec<(u64, String)>,
}

/// When it is, and where random bytes come from.
pub(crate) struct Host<'a> {
    pub(crate) now_ms: u64,
    pub(crate) random: &'a mut dyn Randomness,
}

impl Environment {
    pub(crate) fn new(options: &EnvironmentOptions, host: &mut Host<'_>) -> Result<Self, Error> {
        let identity = Identity {
            id: ids::ulid("environment_", host.now_ms, host.random),
            etag_salt: ids::bytes(host.random),
            cursor_key: ids::bytes(host.random),
        };
        let mut environment = Environment {
            organizations: options
                .organizations
                .as_ref()
                .map(|known| known.iter().map(|id| (id.clone(), 0)).collect()),
            recovery_period_ms: options.recovery_period_ms,
            customer_key_delay_ms: options.customer_key_delay_ms,
            configured: options.customer_keys.clone(),
            kms: Kms::default(),
            store: Store::new(Cursors::new(identity.cursor_key)),
            events: EventLog::default(),
            changes: Changes::default(),
            verifications: Vec::new(),
            identity,
        };
        for key in &options.customer_keys {
            environment.add_customer_key(key.clone(), host)?;
        }
        Ok(environment)
    }

    /// Sets right what a snapshot does not hold: what is still to come, and customer keys that are new in the options.
    pub(crate) fn after_restore(&mut self, host: &mut Host<'_>) {
        self.verifications = self.kms.usable_later(host.now_ms, self.customer_key_delay_ms);
        for key in core::mem::take(&mut self.configured) {
            if !self.kms.knows_customer(&key.organization_id) {
                // It cannot have one already.
                let _ = self.add_customer_key(key.clone(), host);
            }
            self.configured.push(key);
        }
    }

    /// Forgets the keys that it was made with: others are to take their place.
    pub(crate) fn clear_keys(&mut self) {
        self.kms = Kms::default();
        self.events.clear();
    }

    /// Takes another's identity, as a restored one must.
    pub(crate) fn become_of(&mut self, identity: Identity) {
        self.store = Store::new(Cursors::new(identity.cursor_key));
        self.identity = identity;
    }

    /// Adds an organization's customer-managed key: what is written from now on is under it.
    pub(crate) fn add_customer_key(&mut self, key: CustomerKey, host: &mut Host<'_>) -> Result<(), Error> {
        let (organization_id, accessible) = (key.organization_id.clone(), key.accessible);
        let id = self.kms.add_customer_key(key, host.random)?;
        self.changes.note(Change::Kek(id));
        self.verified(&organization_id, accessible, host);
        Ok(())
    }

    /// Gives or takes away access to an organization's customer-managed key. What is given takes effect after the
    /// delay, as IAM takes time to spread; what is taken away does at once.
    pub(crate) fn set_access(
        &mut self,
        organization_id: &str,
        accessible: bool,
        host: &mut Host<'_>,
    ) -> Result<(), Error> {
        self.tick(host);
        let (id, _) = self.kms.customer_key(organization_id)?;
        let before = self.kms.get(&id).and_then(|kek| kek.usable_from_ms);
        if accessible && before.is_some() {
            // What it has already, or will have soon, it keeps.
            return Ok(());
        }
        let from_ms = host.now_ms.saturating_add(self.customer_key_delay_ms);
        self.kms.set_usable_from(&id, accessible.then_some(from_ms));
        self.changes.note(Change::Kek(id));
        self.verifications.retain(|(_, whose)| whose != organization_id);
        if accessible {
            self.verifications.push((from_ms, organization_id.to_owned()));
            self.tick(host);
        } else {
            self.verified(organization_id, false, host);
        }
        Ok(())
    }

    /// Deletes an organization's customer-managed key.
    pub(crate) fn delete_customer_key(
        &mut self,
        organization_id: &str,
        host: &mut Host<'_>,
    ) -> Result<(), Error> {
        self.tick(host);
        let (id, provider) = self.kms.customer_key(organization_id)?;
        self.kms.delete_customer_key(organization_id);
        self.changes.note(Change::Kek(id));
        self.verifications.retain(|(_, whose)| whose != organization_id);
        let data = Json::object([
            ("organization_id", Json::text(organization_id)),
            ("key_provider", Json::text(provider.as_str())),
        ]);
        self.events.push("vault.byok_key.deleted", data, host.now_ms, host.random);
        Ok(())
    }

    fn verified(&mut self, organization_id: &str, verified: bool, host: &mut Host<'_>) {
        let Ok((_, provider)) = self.kms.customer_key(organization_id) else { return };
        let data = Json::object([
            ("organization_id", Json::text(organization_id)),
            ("key_provider", Json::text(provider.as_str())),
            ("verified", Json::Bool(verified)),
        ]);
        self.events.push("vault.byok_key.verification_completed", data, host.now_ms, host.random);
    }

    /// Lets happen what was to happen until now.
    pub(crate) fn tick(&mut self, host: &mut Host<'_>) {
        let due = |(at_ms, _): &(u64, String)| *at_ms <= host.now_ms;
        if !self.verifications.iter().any(due) {
            return;
        }
        let (due, later) = core::mem::take(&mut self.verifications).into_iter().partition(due);
        self.verifications = later;
        for (at_ms, organization_id) in due {
            self.verified(&organization_id, true, &mut Host { now_ms: at_ms, random: host.random });
        }
    }

    /// Creates objects, all or none: `{name, value, context}` each.
    pub(crate) fn seed(
        &mut self,
        objects: Vec<CreateObject>,
        key: &Key,
        host: &mut Host<'_>,
    ) -> Result<(), Error> {
        let mut problems = Vec::new();
        let mut names: HashMap<String, u64> = HashMap::new();
        for (index, object) in objects.iter().enumerate() {
            let refused = self.check_organization(&object.context).err();
            let refused = refused.or_else(|| self.kms.check(&object.context, host.now_ms).err());
            let refused =
                refused.or_else(|| self.store.name_is_free(object.name.as_str(), host.now_ms).err());
            if let Some(refusal) = refused {
                problems.push(Problem::new(&format!("objects[{index}]"), &refusal.message));
            } else if names.insert(object.name.as_str().into(), 0).is_some() {
                let field = format!("objects[{index}].name");
                problems.push(Problem::new(&field, "another object of this seed has the name"));
            }
        }
        if !problems.is_empty() {
            return Err(Error::invalid(Code::InvalidConfig, problems));
        }
        // Nothing can be refused any more.
        let mut outcome = Ok(());
        for (index, object) in objects.into_iter().enumerate() {
            if let Err(refusal) = self.create(object, key, host) {
                let problem = Problem::new(&format!("objects[{index}]"), &refusal.message);
                outcome = Err(Error::invalid(Code::InvalidConfig, vec![problem]));
                break;
            }
        }
        self.tell_born(key, host);
        outcome
    }

    pub(crate) fn run(&mut self, operation: Operation, key: &Key, host: &mut Host<'_>) -> Outcome {
        for name in self.store.purge(host.now_ms) {
            self.changes.note(Change::Pending(name));
        }
        let outcome = self.operate(operation, key, host);
        self.tell_born(key, host);
        outcome
    }

    /// Tells of the KEKs that were made on the way.
    fn tell_born(&mut self, key: &Key, host: &mut Host<'_>) {
        for (id, name) in self.kms.take_born() {
            let data = by(key, vec![("key_name", Json::text(name)), ("key_id", Json::text(&*id))]);
            self.events.push("vault.kek.created", data, host.now_ms, host.random);
            self.changes.note(Change::Kek(id));
        }
    }

    fn operate(&mut self, operation: Operation, key: &Key, host: &mut Host<'_>) -> Outcome {
        match operation {
            Operation::Create(create) => self.create(create, key, host),
            Operation::Update(update) => self.update(&update, key, host),
            Operation::Delete(delete) => self.delete(&delete, key, host),
            Operation::List(list) => {
                let page = self.store.list(&list)?.to_wire();
                self.events.push("vault.names.listed", by(key, vec![]), host.now_ms, host.random);
                Ok((200, page))
            }
            Operation::Read(id) => {
                let answer = self.with_value(self.store.by_id(id.as_str())?, host.now_ms)?;
                self.was_read(id.as_str(), key, host)?;
                Ok((200, answer))
            }
            Operation::ReadByName(name) => {
                let object = self.store.by_name(name.as_str())?;
                let (id, answer) = (object.id.clone(), self.with_value(object, host.now_ms)?);
                self.was_read(&id, key, host)?;
                Ok((200, answer))
            }
            Operation::Describe(id) => {
                let object = self.store.by_id(id.as_str())?;
                let (name, answer) = (object.name.clone(), self.wire(object, None));
                self.tell("vault.metadata.read", key, vec![("kv_name", Json::text(name))], host);
                Ok((200, answer))
            }
            Operation::Versions(id) => {
                let object = self.store.by_id(id.as_str())?;
                let (name, answer) = (object.name.clone(), versions(object).to_wire());
                self.tell("vault.metadata.read", key, vec![("kv_name", Json::text(name))], host);
                Ok((200, answer))
            }
            Operation::CreateDataKey(context) => {
                self.check_organization(&context)?;
                let (data_key, blob) = self.kms.generate(&context, host.now_ms, host.random)?;
                self.keys_used("vault.dek.read", &context, key, host);
                Ok((200, pair(&data_key, &blob, &context)))
            }
            Operation::DecryptDataKey(decrypt) => {
                let data_key = self.kms.unwrap(&decode_keys(&decrypt.0)?, host.now_ms)?;
                let id = Json::text(&*data_key.id);
                self.tell("vault.dek.decrypted", key, vec![("key_id", id)], host);
                Ok((
                    200,
                    DataKey { id: data_key.id, key: Base64::encode_string(data_key.key.bytes()) }.to_wire(),
                ))
            }
            Operation::Rekey(rekey) => {
                self.check_organization(&rekey.context)?;
                let data_key = self.kms.unwrap(&decode_keys(&rekey.encrypted_keys)?, host.now_ms)?;
                let blob = self.kms.wrap(&data_key, &rekey.context, host.now_ms, host.random)?;
                self.keys_used("vault.dek.rekeyed", &rekey.context, key, host);
                Ok((200, pair(&data_key, &blob, &rekey.context)))
            }
            Operation::ListEvents(list) => Ok((200, self.events.list(&list)?)),
        }
    }

    fn tell(&mut self, event: &'static str, key: &Key, facts: Vec<(&str, Json)>, host: &mut Host<'_>) {
        self.events.push(event, by(key, facts), host.now_ms, host.random);
    }

    fn keys_used(&mut self, event: &'static str, context: &KeyContext, key: &Key, host: &mut Host<'_>) {
        let ids = self.kms.key_ids(context, host.random).into_iter().map(Json::Text).collect();
        let facts = vec![("key_ids", Json::Array(ids)), ("key_context", map(context))];
        self.tell(event, key, facts, host);
    }

    fn was_read(&mut self, id: &str, key: &Key, host: &mut Host<'_>) -> Result<(), Refusal> {
        let object = self.store.by_id(id)?;
        let facts = vec![("kv_name", Json::text(&*object.name)), ("key_id", Json::text(&*object.key_id))];
        self.tell("vault.data.read", key, facts, host);
        Ok(())
    }

    fn create(&mut self, create: CreateObject, key: &Key, host: &mut Host<'_>) -> Outcome {
        self.check_organization(&create.context)?;
        self.store.name_is_free(create.name.as_str(), host.now_ms)?;
        let id = ids::uuid(host.random);
        let (version, sealed) = self.seal(&id, &create.context, &create.value, host)?;
        let key_id = self.kms.key_id(&create.context, host.random);
        let object = Box::new(Object {
            id,
            name: create.name.into_string(),
            context: create.context,
            key_id,
            updated_by: (key.id.clone(), key.name.clone()),
            versions: vec![version],
            sealed,
            place: self.store.next_place(),
        });
        self.tell("vault.data.created", key, written(&object), host);
        let metadata = self.metadata(&object).to_wire();
        self.changes.note(Change::Pending(object.name.clone()));
        self.changes.note(Change::Object(object.place));
        self.changes.note(Change::Version(object.place, 0));
        self.store.insert(object);
        Ok((201, metadata))
    }

    fn update(&mut self, update: &UpdateObject, key: &Key, host: &mut Host<'_>) -> Outcome {
        let object = self.store.by_id(update.id.as_str())?;
        check_version(object, update.version_check.as_ref())?;
        let (id, context) = (object.id.clone(), object.context.clone());
        let (version, sealed) = self.seal(&id, &context, &update.value, host)?;
        let key_id = self.kms.key_id(&context, host.random);
        let object = self.store.by_id_mut(&id)?;
        object.versions.push(version);
        object.sealed = sealed;
        object.key_id = key_id;
        object.updated_by = (key.id.clone(), key.name.clone());
        self.changes.note(Change::Object(object.place));
        self.changes.note(Change::Version(object.place, object.versions.len() - 1));
        let facts = written(object);
        self.tell("vault.data.updated", key, facts, host);
        Ok((201, self.wire(self.store.by_id(&id)?, None)))
    }

    fn delete(&mut self, delete: &DeleteObject, key: &Key, host: &mut Host<'_>) -> Outcome {
        check_version(self.store.by_id(delete.id.as_str())?, delete.version_check.as_ref())?;
        let until_ms = host.now_ms.saturating_add(self.recovery_period_ms);
        let object = self.store.remove(delete.id.as_str(), host.now_ms, until_ms)?;
        self.changes.note(Change::Pending(object.name.clone()));
        self.changes.note(Change::Object(object.place));
        for number in 0..object.versions.len() {
            self.changes.note(Change::Version(object.place, number));
        }
        let name = Json::text(object.name);
        self.tell("vault.data.deleted", key, vec![("kv_name", name.clone())], host);
        Ok((200, Json::object([("name", name), ("success", Json::Bool(true))])))
    }

    fn check_organization(&self, context: &KeyContext) -> Result<(), Refusal> {
        match (&self.organizations, context.get(ORGANIZATION_ID)) {
            (Some(known), Some(id)) if !known.contains_key(id) => {
                Err(Refusal::new(422, "organization_id not found"))
            }
            _ => Ok(()),
        }
    }

    fn metadata(&self, object: &Object) -> ObjectMetadata<String, Timestamp> {
        let current = object.current();
        let (id, name) = object.updated_by.clone();
        ObjectMetadata {
            id: object.id.clone(),
            environment_id: self.identity.id.clone(),
            context: pairs(&object.context),
            key_id: object.key_id.clone(),
            updated_at: Timestamp::from_unix_ms(current.map_or(0, |version| version.created_at_ms)),
            updated_by: Actor { id, name },
            version_id: current.map(|version| version.id.clone()),
        }
    }

    fn wire(&self, object: &Object, value: Option<String>) -> Json {
        let metadata = self.metadata(object);
        WireObject { id: object.id.clone(), name: object.name.clone(), value, metadata }.to_wire()
    }

    fn with_value(&self, object: &Object, now_ms: u64) -> Result<Json, Refusal> {
        let damaged = || Refusal::new(500, "the stored value cannot be decrypted");
        let data_key = self.kms.unwrap(&object.sealed.encrypted_keys, now_ms)?;
        let version = object.current().ok_or_else(damaged)?;
        let sealed = &object.sealed;
        let mut value = sealed.ciphertext.clone();
        cipher::open(&data_key.key, &sealed.nonce, &aad(&object.id, &version.id), &mut value, &sealed.tag)
            .map_err(|_| damaged())?;
        let value = String::from_utf8(value).map_err(|_| damaged())?;
        Ok(self.wire(object, Some(value)))
    }

    /// Encrypts a value as a new version.
    fn seal(
        &mut self,
        object_id: &str,
        context: &KeyContext,
        value: &str,
        host: &mut Host<'_>,
    ) -> Result<(Version, Sealed), Refusal> {
        let (data_key, encrypted_keys) = self.kms.generate(context, host.now_ms, host.random)?;
        let id = ids::uuid(host.random);
        let nonce: [u8; NONCE_BYTES] = ids::bytes(host.random);
        let mut ciphertext = value.as_bytes().to_vec();
        let tag = cipher::seal(&data_key.key, &nonce, &aad(object_id, &id), &mut ciphertext)
            .map_err(|error| Refusal::new(413, error.message()))?;
        let salted = Sha256::new().chain_update(self.identity.etag_salt).chain_update(value);
        let etag = ids::hex(&salted.finalize()[..16]);
        let version = Version { id, created_at_ms: host.now_ms, size: value.len() as u64, etag };
        Ok((version, Sealed { encrypted_keys, nonce, tag, ciphertext }))
    }
}

/// Binds a ciphertext to its object and version.
fn aad(object_id: &str, version_id: &str) -> Vec<u8> {
    [object_id.as_bytes(), b"/", version_id.as_bytes()].concat()
}

/// What the audit log says of an object that was written.
fn written(object: &Object) -> Vec<(&'static str, Json)> {
    vec![
        ("kv_name", Json::text(&*object.name)),
        ("key_id", Json::text(&*object.key_id)),
        ("key_context", map(&object.context)),
    ]
}

fn map(context: &KeyContext) -> Json {
    Json::Object(pairs(context).into_iter().map(|(name, value)| (name, Json::Text(value))).collect())
}

fn check_version(object: &Object, expected: Option<&VersionId>) -> Result<(), Refusal> {
    match (expected, object.current()) {
        (Some(expected), Some(current)) if expected.as_str() != current.id => {
            Err(Refusal::new(409, "version mismatch"))
        }
        _ => Ok(()),
    }
}

fn versions(object: &Object) -> Page<ObjectVersion<String, Timestamp>, String> {
    let current = object.current().map(|version| version.id.clone());
    let newest_first = object.versions.iter().rev();
    let data = newest_first.map(|version| ObjectVersion {
        id: version.id.clone(),
        created_at: Timestamp::from_unix_ms(version.created_at_ms),
        current_version: Some(&version.id) == current.as_ref(),
        size: version.size,
        etag: version.etag.clone(),
    });
    Page { data: data.collect(), before: None, after: None }
}

fn decode_keys(text: &str) -> Result<Vec<u8>, Refusal> {
    Base64::decode_vec(text).map_err(|_| Refusal::new(400, "keys: expected standard base64"))
}

fn pair(data_key: &crate::kms::DataKey, blob: &[u8], context: &KeyContext) -> Json {
    let key = DataKey { id: data_key.id.clone(), key: Base64::encode_string(data_key.key.bytes()) };
    DataKeyPair { data_key: key, encrypted_keys: Base64::encode_string(blob), context: pairs(context) }
        .to_wire()
}
