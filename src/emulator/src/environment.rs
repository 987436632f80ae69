//! The operations over one environment: its store, its keys, its rules.

use crate::ids::{self, Cursors};
use crate::kms::{CustomerKey, Kms};
use crate::route::Operation;
use crate::store::{Object, Sealed, Store, Version};
use crate::{Key, Outcome, Randomness, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use vault_core::cipher::{self, NONCE_BYTES};
use vault_core::json::{Json, Timestamp, ToWire};
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::names::VersionId;
use vault_core::objects::{Actor, CreateObject, Object as WireObject, ObjectMetadata, ObjectVersion, Page};
use vault_core::strategy::ORGANIZATION_ID;
use vault_core::{Error, KeyContext};

pub(crate) struct Environment {
    id: String,
    organizations: Option<HashSet<String>>,
    recovery_period_ms: u64,
    /// Makes etags of equal values equal here and unguessable elsewhere.
    etag_salt: [u8; 32],
    pub(crate) kms: Kms,
    pub(crate) store: Store,
}

impl Environment {
    pub(crate) fn new(
        organizations: Option<Vec<String>>,
        customer_keys: Vec<CustomerKey>,
        recovery_period_ms: u64,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<Self, Error> {
        let mut etag_salt = [0; 32];
        random.fill(&mut etag_salt);
        Ok(Environment {
            id: ids::ulid("environment_", now_ms, random),
            organizations: organizations.map(|organizations| organizations.into_iter().collect()),
            recovery_period_ms,
            etag_salt,
            kms: Kms::new(customer_keys, random)?,
            store: Store::new(Cursors::new(random)),
        })
    }

    pub(crate) fn run(
        &mut self,
        operation: Operation,
        key: &Key,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Outcome {
        match operation {
            Operation::Create(create) => self.create(create, key, now_ms, random),
            Operation::List(list) => Ok((200, self.store.list(&list)?.to_wire())),
            Operation::Read(id) => self.with_value(self.store.by_id(id.as_str())?),
            Operation::ReadByName(name) => self.with_value(self.store.by_name(name.as_str())?),
            Operation::Describe(id) => Ok((200, self.without_value(self.store.by_id(id.as_str())?))),
            Operation::Versions(id) => Ok((200, versions(self.store.by_id(id.as_str())?).to_wire())),
            Operation::Update(update) => {
                let object = self.store.by_id(update.id.as_str())?;
                check_version(object, update.version_check.as_ref())?;
                let (version, sealed) = seal(
                    &mut self.kms,
                    &self.etag_salt,
                    &object.id,
                    &object.context,
                    &update.value,
                    now_ms,
                    random,
                )?;
                let key_id = self.kms.key_id(&object.context, random);
                let object = self.store.by_id_mut(update.id.as_str())?;
                object.versions.push(version);
                object.sealed = sealed;
                object.key_id = key_id;
                object.updated_by = (key.id.clone(), key.name.clone());
                Ok((201, self.without_value(self.store.by_id(update.id.as_str())?)))
            }
            Operation::Delete(delete) => {
                check_version(self.store.by_id(delete.id.as_str())?, delete.version_check.as_ref())?;
                let until = now_ms.saturating_add(self.recovery_period_ms);
                let name = self.store.remove(delete.id.as_str(), now_ms, until)?;
                Ok((200, Json::object([("name", Json::text(name)), ("success", Json::Bool(true))])))
            }
            Operation::CreateDataKey(context) => {
                self.check_organization(&context)?;
                let (data_key, blob) = self.kms.generate(&context, random)?;
                Ok((200, pair(&data_key, &blob, &context)))
            }
            Operation::DecryptDataKey(decrypt) => {
                let data_key = self.kms.unwrap(&decode_keys(&decrypt.0)?)?;
                Ok((200, DataKey { id: data_key.id, key: STANDARD.encode(data_key.key.bytes()) }.to_wire()))
            }
            Operation::Rekey(rekey) => {
                self.check_organization(&rekey.context)?;
                let data_key = self.kms.unwrap(&decode_keys(&rekey.encrypted_keys)?)?;
                let blob = self.kms.wrap(&data_key, &rekey.context, random)?;
                Ok((200, pair(&data_key, &blob, &rekey.context)))
            }
        }
    }

    fn create(
        &mut self,
        create: CreateObject<String>,
        key: &Key,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Outcome {
        self.check_organization(&create.context)?;
        self.store.name_is_free(create.name.as_str(), now_ms)?;
        let id = ids::uuid(random);
        let (version, sealed) =
            seal(&mut self.kms, &self.etag_salt, &id, &create.context, &create.value, now_ms, random)?;
        let key_id = self.kms.key_id(&create.context, random);
        let updated_by = (key.id.clone(), key.name.clone());
        let name = create.name.into_string();
        let object = Object::new(id, name, create.context, key_id, updated_by, version, sealed);
        let metadata = self.metadata(&object).to_wire();
        self.store.insert(object);
        Ok((201, metadata))
    }

    fn check_organization(&self, context: &KeyContext) -> Result<(), Refusal> {
        match (&self.organizations, context.get(ORGANIZATION_ID)) {
            (Some(known), Some(id)) if !known.contains(id) => {
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
            environment_id: self.id.clone(),
            context: object.context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            key_id: object.key_id.clone(),
            updated_at: current.map_or_else(|| timestamp(0), |version| version.created_at.clone()),
            updated_by: Actor { id, name },
            version_id: current.map(|version| version.id.clone()),
        }
    }

    fn wire(&self, object: &Object, value: Option<String>) -> Json {
        let metadata = self.metadata(object);
        WireObject { id: object.id.clone(), name: object.name.clone(), value, metadata }.to_wire()
    }

    fn without_value(&self, object: &Object) -> Json {
        self.wire(object, None)
    }

    fn with_value(&self, object: &Object) -> Outcome {
        let damaged = || Refusal::new(500, "the stored value cannot be decrypted");
        let data_key = self.kms.unwrap(&object.sealed.encrypted_keys)?;
        let version = object.current().ok_or_else(damaged)?;
        let sealed = &object.sealed;
        let mut value = sealed.ciphertext.clone();
        cipher::open(&data_key.key, &sealed.nonce, &aad(&object.id, &version.id), &mut value, &sealed.tag)
            .map_err(|_| damaged())?;
        let value = String::from_utf8(value).map_err(|_| damaged())?;
        Ok((200, self.wire(object, Some(value))))
    }
}

/// Encrypts a value as a new version.
fn seal(
    kms: &mut Kms,
    etag_salt: &[u8],
    object_id: &str,
    context: &KeyContext,
    value: &str,
    now_ms: u64,
    random: &mut dyn Randomness,
) -> Result<(Version, Sealed), Refusal> {
    let (data_key, encrypted_keys) = kms.generate(context, random)?;
    let id = ids::uuid(random);
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce);
    let mut ciphertext = value.as_bytes().to_vec();
    let tag = cipher::seal(&data_key.key, &nonce, &aad(object_id, &id), &mut ciphertext)
        .map_err(|error| Refusal::new(413, error.message))?;
    let etag = ids::hex(&Sha256::new().chain_update(etag_salt).chain_update(value).finalize()[..16]);
    let version = Version { id, created_at: timestamp(now_ms), size: value.len() as u64, etag };
    Ok((version, Sealed { encrypted_keys, nonce, tag, ciphertext }))
}

/// Binds a ciphertext to its object and version.
fn aad(object_id: &str, version_id: &str) -> Vec<u8> {
    [object_id.as_bytes(), b"/", version_id.as_bytes()].concat()
}

fn timestamp(now_ms: u64) -> Timestamp {
    // The year 9999 stands for anything later: a clock that far off is a test's.
    const LAST: u64 = 253_402_300_799_999;
    Timestamp::from_unix_ms(now_ms.min(LAST)).unwrap_or_else(|| timestamp(0))
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
        created_at: version.created_at.clone(),
        current_version: Some(&version.id) == current.as_ref(),
        size: version.size,
        etag: version.etag.clone(),
    });
    Page { data: data.collect(), before: None, after: None }
}

fn decode_keys(text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|_| Refusal::new(400, "keys: expected standard base64"))
}

fn pair(data_key: &crate::kms::DataKey, blob: &[u8], context: &KeyContext) -> Json {
    let context = context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let key = DataKey { id: data_key.id.clone(), key: STANDARD.encode(data_key.key.bytes()) };
    DataKeyPair { data_key: key, encrypted_keys: STANDARD.encode(blob), context }.to_wire()
}
