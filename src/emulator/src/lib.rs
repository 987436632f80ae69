//! A WorkOS Vault in memory. Requests come in as values and answers go out as values; time and randomness are
//! arguments. It speaks the service's wire format through [`vault_core`] and encrypts for real: a KEK for each
//! context item, a DEK for each value, wrapped by each KEK.
//!
//! - [`Emulator::handle`]: a request's way in and out
//! - `route`: which operation a method and a path mean
//! - [`Options`]: how it behaves
//! - `environment`: the operations over one environment's store and keys
//! - `store`: objects, versions, lists
//! - `kms`: key-encrypting keys, wrapped copies, customer-managed keys
//! - `idempotency`: the same answer for the same Idempotency-Key

#![forbid(unsafe_code)]

mod environment;
mod idempotency;
mod ids;
mod kms;
mod options;
mod route;
mod store;

pub use kms::{CustomerKey, Provider};
pub use options::Options;

use environment::Environment;
use idempotency::Replays;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vault_core::json::{Json, ToWire};
use vault_core::{Code, Error};

/// The API key of an emulator that is given none.
pub const DEFAULT_API_KEY: &str = "sk_test_emulator";
/// Largest request body, in bytes.
pub const BODY_MAX: usize = 8 << 20;

/// A source of random bytes.
pub trait Randomness {
    /// Fills the buffer.
    fn fill(&mut self, out: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Randomness for F {
    fn fill(&mut self, out: &mut [u8]) {
        self(out);
    }
}

/// A request as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST` and so on, in capitals.
    pub method: &'a str,
    /// Path and query, still percent-encoded.
    pub target: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<&'a str>,
    /// The body, empty where there is none.
    pub body: &'a [u8],
}

/// An answer. The body is always JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// For the `X-Request-ID` header.
    pub request_id: String,
    /// The `Allow` header of a 405.
    pub allow: Option<&'static str>,
    /// The JSON body.
    pub body: String,
}

/// A refusal: a status and a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) allow: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into(), allow: None }
    }
}

pub(crate) type Outcome = Result<(u16, Json), Refusal>;

struct Key {
    secret: String,
    id: String,
    name: String,
}

/// A Vault in memory.
pub struct Emulator {
    keys: Vec<Key>,
    environment: Environment,
    replays: Replays,
}

impl Emulator {
    /// An empty Vault. API keys must have the form that [`vault_core::config::ApiKey`] checks.
    pub fn new(options: Options, now_ms: u64, random: &mut dyn Randomness) -> Result<Self, Error> {
        let mut secrets = options.api_keys;
        if secrets.is_empty() {
            secrets.push(DEFAULT_API_KEY.into());
        }
        let mut keys = Vec::with_capacity(secrets.len());
        for (index, secret) in secrets.into_iter().enumerate() {
            vault_core::config::ApiKey::new(&format!("apiKeys[{index}]"), secret.clone())?;
            let name = format!("Emulator key {}", index + 1);
            keys.push(Key { secret, id: ids::ulid("key_", now_ms, random), name });
        }
        let environment = Environment::new(
            options.organizations,
            options.customer_keys,
            options.recovery_period_ms,
            now_ms,
            random,
        )?;
        Ok(Emulator { keys, environment, replays: Replays::default() })
    }

    /// Answers a request. Never fails: what goes wrong is an answer too.
    pub fn handle(&mut self, request: &Request<'_>, now_ms: u64, random: &mut dyn Randomness) -> Response {
        let request_id = ids::ulid("req_", now_ms, random);
        let (status, allow, body) = match self.answer(request, now_ms, random) {
            Ok((status, body)) => (status, None, body),
            Err(refusal) => {
                (refusal.status, refusal.allow, Error::new(Code::InvalidRequest, refusal.message).to_wire())
            }
        };
        let mut text = String::new();
        body.write(&mut text);
        Response { status, request_id, allow, body: text }
    }

    fn answer(&mut self, request: &Request<'_>, now_ms: u64, random: &mut dyn Randomness) -> Outcome {
        let key = self.authenticate(request.authorization)?;
        if request.body.len() > BODY_MAX {
            return Err(Refusal::new(413, format!("the body is larger than {BODY_MAX} bytes")));
        }
        let operation = route::route(request)?;
        let Some(replay_key) = request.idempotency_key.filter(|_| request.method == "POST") else {
            return self.environment.run(operation, &self.keys[key], now_ms, random);
        };
        let mut hash = Sha256::new();
        hash.update(request.target.as_bytes());
        hash.update([0]);
        hash.update(request.body);
        let fingerprint: [u8; 32] = hash.finalize().into();
        if let Some(answer) = self.replays.find(key, replay_key, &fingerprint, now_ms)? {
            return Ok(answer);
        }
        let answer = self.environment.run(operation, &self.keys[key], now_ms, random)?;
        self.replays.keep(key, replay_key, fingerprint, &answer, now_ms);
        Ok(answer)
    }

    fn authenticate(&self, authorization: Option<&str>) -> Result<usize, Refusal> {
        let given =
            authorization.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default().trim();
        let mut found = None;
        for (index, key) in self.keys.iter().enumerate() {
            if bool::from(key.secret.as_bytes().ct_eq(given.as_bytes())) {
                found = Some(index);
            }
        }
        found.ok_or_else(|| Refusal::new(401, "Unauthorized"))
    }

    /// Gives or takes away the Vault's access to an organization's customer-managed key. Fails where it has
    /// none.
    pub fn set_customer_key_access(&mut self, organization_id: &str, accessible: bool) -> Result<(), Error> {
        self.environment.kms.set_access(organization_id, accessible)
    }

    /// Deletes a customer-managed key: what it wrapped can never be read again.
    pub fn delete_customer_key(&mut self, organization_id: &str) -> Result<(), Error> {
        self.environment.kms.delete_customer_key(organization_id)
    }

    /// How many objects there are.
    pub fn object_count(&self) -> usize {
        self.environment.store.len()
    }
}
