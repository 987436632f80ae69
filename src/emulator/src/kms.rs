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
use vault_core::http::quote;
use vault_core::key_context::ORGANIZATION_ID;
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
    /// The name that the API's events have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::AwsKms => "AWS_KMS",
            Provider::GcpKms => "GCP_KMS",
            Provider::AzureKeyVault => "AZURE_KEY_VAULT",
        }
    }

    /// From that name.
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

/// Whose a KEK is.
#[derive(Clone)]
pub(crate) enum Owner {
    /// WorkOS's, for a context item.
    Item(String, String),
    /// An organization's.
    Customer(String, Provider),
}

pub(crate) struct Kek {
    /// `None` for a deleted customer key.
    pub(crate) key: Option<Key>,
    pub(crate) owner: Owner,
    /// From when on the Vault may use it; `None`: it may not.
    pub(crate) usable_from_ms: Option<u64>,
}

/// A data key, fresh or unwrapped.
pub(crate) struct DataKey {
    pub(crate) id: String,
    pub(crate) key: Key,
}

/// All KEKs of an environment.
#[derive(Default)]
pub(crate) struct Kms {
    keks: Vec<(String, Kek)>,
    /// Where each is, by its ID; by its item; by its organization.
    by_id: HashMap<String, u64>,
    by_item: HashMap<String, u64>,
    customer: HashMap<String, u64>,
    /// KEKs made since somebody last looked.
    born: Vec<String>,
}

impl Kek {
    fn usable(&self, now_ms: u64) -> Result<&Key, Refusal> {
        match (&self.key, self.usable_from_ms) {
            (Some(key), Some(from_ms)) if now_ms >= from_ms => Ok(key),
            _ => Err(inaccessible()),
        }
    }
}

/// A text for an item that no other item has.
fn item(name: &str, value: &str) -> String {
    let mut text = String::new();
    quote(name, &mut text);
    text.push_str(value);
    text
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
    /// Adds a KEK as it was, or as it is to be.
    pub(crate) fn insert(&mut self, id: String, kek: Kek) {
        let place = self.by_id.get(&id).copied().unwrap_or(self.keks.len() as u64);
        match &kek.owner {
            Owner::Item(name, value) => {
                self.by_item.insert(item(name, value), place);
            }
            Owner::Customer(organization, _) if kek.key.is_some() => {
                self.customer.insert(organization.clone(), place);
            }
            Owner::Customer(..) => {}
        }
        self.by_id.insert(id.clone(), place);
        match usize::try_from(place).ok().and_then(|at| self.keks.get_mut(at)) {
            Some(known) => known.1 = kek,
            None => self.keks.push((id, kek)),
        }
    }

    /// Adds an organization's key. One that it has already is refused.
    pub(crate) fn add_customer_key(
        &mut self,
        key: CustomerKey,
        random: &mut dyn Randomness,
    ) -> Result<String, Error> {
        if self.customer.contains_key(&key.organization_id) {
            let message = format!("{} has more than one", key.organization_id);
            return Err(Error::invalid(Code::InvalidConfig, vec![Problem::new("customerKeys", &message)]));
        }
        let id = ids::uuid(random);
        let owner = Owner::Customer(key.organization_id, key.provider);
        // From the beginning of time: a clock that is set back takes nothing away.
        let usable_from_ms = key.accessible.then_some(0);
        self.insert(id.clone(), Kek { key: Some(secret(random)), owner, usable_from_ms });
        Ok(id)
    }

    /// An organization's key and where it is kept.
    pub(crate) fn customer_key(&self, organization_id: &str) -> Result<(String, Provider), Error> {
        if let Some((id, Kek { owner: Owner::Customer(_, provider), .. })) =
            self.at(self.customer.get(organization_id))
        {
            return Ok((id.clone(), *provider));
        }
        let message = format!("{organization_id} has no customer key");
        Err(Error::invalid(Code::NotFound, vec![Problem::new("organizationId", &message)]))
    }

    /// Whether every KEK of a context can be used now, or be made.
    pub(crate) fn check(&self, context: &KeyContext, now_ms: u64) -> Result<(), Refusal> {
        let place = context.get(ORGANIZATION_ID).and_then(|organization| self.customer.get(organization));
        match self.at(place) {
            Some((_, kek)) => kek.usable(now_ms).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether an organization has a key, or had one.
    pub(crate) fn knows_customer(&self, organization_id: &str) -> bool {
        self.keks
            .iter()
            .any(|(_, kek)| matches!(&kek.owner, Owner::Customer(known, _) if known == organization_id))
    }

    /// Customer keys that can be used from a time to come: whose, and from when.
    pub(crate) fn usable_later(&mut self, now_ms: u64, delay_ms: u64) -> Vec<(u64, String)> {
        let latest = now_ms.saturating_add(delay_ms);
        let mut later = Vec::new();
        for (_, kek) in &mut self.keks {
            if let (Owner::Customer(organization, _), Some(from_ms)) = (&kek.owner, &mut kek.usable_from_ms) {
                // It was noted by a clock that may have been ahead of this one.
                *from_ms = (*from_ms).min(latest);
                if *from_ms > now_ms {
                    later.push((*from_ms, organization.clone()));
                }
            }
        }
        later
    }

    /// From when on the Vault may use a key; `None`: it may not.
    pub(crate) fn set_usable_from(&mut self, id: &str, usable_from_ms: Option<u64>) {
        if let Some(kek) = self.get_mut(id) {
            kek.usable_from_ms = usable_from_ms;
        }
    }

    /// Deletes an organization's key: what it wrapped can never be read again.
    pub(crate) fn delete_customer_key(&mut self, organization_id: &str) {
        if let Some(place) = self.customer.remove(organization_id)
            && let Some((_, kek)) = usize::try_from(place).ok().and_then(|at| self.keks.get_mut(at))
        {
            kek.key = None;
            kek.usable_from_ms = None;
        }
    }

    /// KEKs made since this was last asked: their IDs and the items they are for.
    pub(crate) fn take_born(&mut self) -> Vec<(String, String)> {
        let born = core::mem::take(&mut self.born);
        let named = born.into_iter().filter_map(|id| match &self.get(&id)?.owner {
            Owner::Item(name, value) => Some((id, [name, ":", value].concat())),
            Owner::Customer(..) => None,
        });
        named.collect()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Kek> {
        self.at(self.by_id.get(id)).map(|(_, kek)| kek)
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Kek> {
        let at = usize::try_from(*self.by_id.get(id)?).ok()?;
        self.keks.get_mut(at).map(|(_, kek)| kek)
    }

    fn at(&self, place: Option<&u64>) -> Option<&(String, Kek)> {
        self.keks.get(usize::try_from(*place?).ok()?)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &String> {
        self.keks.iter().map(|(id, _)| id)
    }

    /// The ID of the item's KEK, made now if need be.
    fn kek_id(&mut self, name: &str, value: &str, random: &mut dyn Randomness) -> String {
        if name == ORGANIZATION_ID
            && let Some((id, _)) = self.at(self.customer.get(value))
        {
            return id.clone();
        }
        if let Some((id, _)) = self.at(self.by_item.get(&item(name, value))) {
            return id.clone();
        }
        let id = ids::uuid(random);
        let owner = Owner::Item(name.into(), value.into());
        self.insert(id.clone(), Kek { key: Some(secret(random)), owner, usable_from_ms: Some(0) });
        self.born.push(id.clone());
        id
    }

    /// The IDs of all of a context's KEKs.
    pub(crate) fn key_ids(&mut self, context: &KeyContext, random: &mut dyn Randomness) -> Vec<String> {
        context.canonical().map(|(name, value)| self.kek_id(name, value, random)).collect()
    }

    /// The key that metadata names: the organization's where there is one, else the first item's.
    pub(crate) fn key_id(&mut self, context: &KeyContext, random: &mut dyn Randomness) -> String {
        let organization = context.get(ORGANIZATION_ID).map(|value| (ORGANIZATION_ID, value));
        match organization.or_else(|| context.canonical().next()) {
            Some((name, value)) => self.kek_id(name, value, random),
            None => String::new(),
        }
    }

    fn usable(&self, id: &str, now_ms: u64) -> Result<&Key, Refusal> {
        self.get(id).ok_or_else(tampered)?.usable(now_ms)
    }

    /// A new data key and its blob.
    pub(crate) fn generate(
        &mut self,
        context: &KeyContext,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<(DataKey, Vec<u8>), Refusal> {
        let key = DataKey { id: ids::uuid(random), key: secret(random) };
        let blob = self.wrap(&key, context, now_ms, random)?;
        Ok((key, blob))
    }

    /// A blob of a data key, wrapped by each of the context's KEKs.
    pub(crate) fn wrap(
        &mut self,
        key: &DataKey,
        context: &KeyContext,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<Vec<u8>, Refusal> {
        let mut blob = Vec::with_capacity(HEADER_BYTES + context.len() * COPY_BYTES);
        blob.extend_from_slice(MAGIC);
        blob.extend_from_slice(key.id.as_bytes());
        blob.push(u8::try_from(context.len()).unwrap_or(u8::MAX));
        for (index, (name, value)) in context.canonical().enumerate() {
            let id = self.kek_id(name, value, random);
            let mut nonce = [0; NONCE_BYTES];
            random.fill(&mut nonce);
            let mut copy = Zeroizing::new(key.key.bytes().to_vec());
            let aad = aad(&blob[..HEADER_BYTES], index, id.as_bytes());
            let tag =
                cipher::seal(self.usable(&id, now_ms)?, &nonce, &aad, &mut copy).map_err(|_| tampered())?;
            blob.extend_from_slice(id.as_bytes());
            blob.extend_from_slice(&nonce);
            blob.extend_from_slice(&copy);
            blob.extend_from_slice(&tag);
        }
        Ok(blob)
    }

    /// The data key in a blob. Every copy must open and all must agree.
    pub(crate) fn unwrap(&self, blob: &[u8], now_ms: u64) -> Result<DataKey, Refusal> {
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
            let kek = self.usable(core::str::from_utf8(kek_id).map_err(|_| tampered())?, now_ms)?;
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
