//! Key-encrypting keys (KEKs), and the blobs in which data keys (DEKs) travel wrapped.
//!
//! Each context item has a KEK, made when the item is first seen. For `organization_id` a customer-managed
//! key (CMK) of that organization takes its place, where one is configured. A blob holds one copy of the DEK
//! for each item, wrapped by AES-256-GCM; all must open, so taking away one key takes away the data.
//!
//! ```text
//! "WOS.EKM.v1" 0x00 | data key ID (36) | copies (1) | copies × ( KEK ID (36) | nonce (12) | wrapped DEK (32) | tag (16) )
//! ```
//!
//! The service's own format is not public past the data key's ID; a client must not look inside either.

use crate::{Randomness, Refusal, ids};
use std::collections::HashMap;
use vault_core::cipher::{self, Key, NONCE_BYTES, TAG_BYTES};
use vault_core::error::{Code, Problem};
use vault_core::strategy::ORGANIZATION_ID;
use vault_core::{Error, KeyContext};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"WOS.EKM.v1\0";
const ID_BYTES: usize = 36;
const DEK_BYTES: usize = cipher::KEY_BYTES;
const HEADER_BYTES: usize = MAGIC.len() + ID_BYTES + 1;
const COPY_BYTES: usize = ID_BYTES + NONCE_BYTES + DEK_BYTES + TAG_BYTES;

/// Where a customer keeps their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// AWS KMS.
    AwsKms,
    /// Google Cloud KMS.
    GcpKms,
    /// Azure Key Vault.
    AzureKeyVault,
}

impl Provider {
    /// From the name that the API's events have for it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "AWS_KMS" => Provider::AwsKms,
            "GCP_KMS" => Provider::GcpKms,
            "AZURE_KEY_VAULT" => Provider::AzureKeyVault,
            _ => return None,
        })
    }
}

/// A customer-managed key of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerKey {
    /// The organization that brings it.
    pub organization_id: String,
    /// Where it is kept.
    pub provider: Provider,
    /// Whether the Vault may use it at first.
    pub accessible: bool,
}

struct Kek {
    /// `None` for a deleted customer key.
    key: Option<Key>,
    accessible: bool,
}

/// A data key, fresh or unwrapped.
pub(crate) struct DataKey {
    pub(crate) id: String,
    pub(crate) key: Key,
}

/// All KEKs of an environment.
pub(crate) struct Kms {
    keks: HashMap<String, Kek>,
    by_item: HashMap<(String, String), String>,
    customer: HashMap<String, String>,
}

fn secret(random: &mut dyn Randomness) -> Key {
    Key::filled(|key| random.fill(key))
}

fn inaccessible() -> Refusal {
    Refusal::new(400, "customer key not accessible")
}

fn tampered() -> Refusal {
    Refusal::new(400, "the encrypted keys cannot be decrypted")
}

impl Kms {
    pub(crate) fn new(customer_keys: Vec<CustomerKey>, random: &mut dyn Randomness) -> Result<Self, Error> {
        let mut kms = Kms { keks: HashMap::new(), by_item: HashMap::new(), customer: HashMap::new() };
        for key in customer_keys {
            let id = ids::uuid(random);
            if kms.customer.insert(key.organization_id.clone(), id.clone()).is_some() {
                let message = format!("{} has more than one", key.organization_id);
                return Err(Error::invalid(Code::InvalidConfig, vec![Problem::new("customerKeys", message)]));
            }
            kms.keks.insert(id, Kek { key: Some(secret(random)), accessible: key.accessible });
        }
        Ok(kms)
    }

    fn customer_key(&mut self, organization_id: &str) -> Result<&mut Kek, Error> {
        let id = self.customer.get(organization_id);
        id.and_then(|id| self.keks.get_mut(id)).ok_or_else(|| {
            Error::invalid(
                Code::NotFound,
                vec![Problem::new("organizationId", format!("{organization_id} has no customer key"))],
            )
        })
    }

    pub(crate) fn set_access(&mut self, organization_id: &str, accessible: bool) -> Result<(), Error> {
        self.customer_key(organization_id)?.accessible = accessible;
        Ok(())
    }

    pub(crate) fn delete_customer_key(&mut self, organization_id: &str) -> Result<(), Error> {
        let kek = self.customer_key(organization_id)?;
        kek.key = None;
        kek.accessible = false;
        self.customer.remove(organization_id);
        Ok(())
    }

    /// The ID of the item's KEK, made now if need be.
    fn kek_id(&mut self, name: &str, value: &str, random: &mut dyn Randomness) -> String {
        if name == ORGANIZATION_ID
            && let Some(id) = self.customer.get(value)
        {
            return id.clone();
        }
        let Kms { keks, by_item, .. } = self;
        let id = by_item.entry((name.to_owned(), value.to_owned())).or_insert_with(|| {
            let id = ids::uuid(random);
            keks.insert(id.clone(), Kek { key: Some(secret(random)), accessible: true });
            id
        });
        id.clone()
    }

    /// The key that metadata names: the organization's where there is one, else the first item's.
    pub(crate) fn key_id(&mut self, context: &KeyContext, random: &mut dyn Randomness) -> String {
        let organization = context.get(ORGANIZATION_ID).map(|value| (ORGANIZATION_ID, value));
        match organization.or_else(|| context.canonical().first().copied()) {
            Some((name, value)) => self.kek_id(name, value, random),
            None => String::new(),
        }
    }

    fn usable(&self, id: &str) -> Result<&Key, Refusal> {
        let kek = self.keks.get(id).ok_or_else(tampered)?;
        match &kek.key {
            Some(key) if kek.accessible => Ok(key),
            _ => Err(inaccessible()),
        }
    }

    /// A new data key and its blob.
    pub(crate) fn generate(
        &mut self,
        context: &KeyContext,
        random: &mut dyn Randomness,
    ) -> Result<(DataKey, Vec<u8>), Refusal> {
        let key = DataKey { id: ids::uuid(random), key: secret(random) };
        let blob = self.wrap(&key, context, random)?;
        Ok((key, blob))
    }

    /// A blob of a data key, wrapped by each of the context's KEKs.
    pub(crate) fn wrap(
        &mut self,
        key: &DataKey,
        context: &KeyContext,
        random: &mut dyn Randomness,
    ) -> Result<Vec<u8>, Refusal> {
        let items = context.canonical();
        let mut blob = Vec::with_capacity(HEADER_BYTES + items.len() * COPY_BYTES);
        blob.extend_from_slice(MAGIC);
        blob.extend_from_slice(key.id.as_bytes());
        blob.push(u8::try_from(items.len()).unwrap_or(u8::MAX));
        for (index, (name, value)) in items.into_iter().enumerate() {
            let id = self.kek_id(name, value, random);
            let mut nonce = [0; NONCE_BYTES];
            random.fill(&mut nonce);
            let mut copy = Zeroizing::new(key.key.bytes().to_vec());
            let aad = aad(&blob[..HEADER_BYTES], index, id.as_bytes());
            let tag = cipher::seal(self.usable(&id)?, &nonce, &aad, &mut copy).map_err(|_| tampered())?;
            blob.extend_from_slice(id.as_bytes());
            blob.extend_from_slice(&nonce);
            blob.extend_from_slice(&copy);
            blob.extend_from_slice(&tag);
        }
        Ok(blob)
    }

    /// The data key in a blob. Every copy must open and all must agree.
    pub(crate) fn unwrap(&self, blob: &[u8]) -> Result<DataKey, Refusal> {
        let (header, copies) = blob.split_at_checked(HEADER_BYTES).ok_or_else(tampered)?;
        let id = &header[MAGIC.len()..HEADER_BYTES - 1];
        let count = usize::from(header[HEADER_BYTES - 1]);
        if !header.starts_with(MAGIC) || count == 0 || copies.len() != count * COPY_BYTES {
            return Err(tampered());
        }
        let mut key: Option<Key> = None;
        for (index, copy) in copies.chunks_exact(COPY_BYTES).enumerate() {
            let (kek_id, rest) = copy.split_at(ID_BYTES);
            let (nonce, rest) = rest.split_at(NONCE_BYTES);
            let (wrapped, tag) = rest.split_at(DEK_BYTES);
            let kek = self.usable(core::str::from_utf8(kek_id).map_err(|_| tampered())?)?;
            let mut opened = Zeroizing::new(wrapped.to_vec());
            cipher::open(kek, nonce, &aad(header, index, kek_id), &mut opened, tag)
                .map_err(|_| tampered())?;
            let opened = Key::from_bytes(&opened);
            if key.is_some() && key != opened {
                return Err(tampered());
            }
            key = opened;
        }
        let id = core::str::from_utf8(id).map_err(|_| tampered())?.to_owned();
        key.map(|key| DataKey { id, key }).ok_or_else(tampered)
    }
}

/// Binds a copy to its blob and its place in it, so that copies cannot be dropped, moved or exchanged.
fn aad(header: &[u8], index: usize, kek_id: &[u8]) -> Vec<u8> {
    [header, &index.to_be_bytes()[..], kek_id].concat()
}
