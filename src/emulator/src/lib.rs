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
//! - `events`: the audit log
//! - `idempotency`: the same answer for the same Idempotency-Key
//! - `faults`: what goes wrong on demand
//! - `control`: what a test asks of the emulator itself
//! - `changes`: what is held, as records, for those who keep it elsewhere

#![forbid(unsafe_code)]

mod changes;
mod control;
mod environment;
mod events;
mod faults;
mod idempotency;
mod ids;
mod kms;
mod options;
mod route;
mod store;

pub use events::EVENTS_KEPT;
pub use faults::{End, Fault, Wire};
pub use kms::{CustomerKey, Provider};
pub use options::{EnvironmentOptions, Options};

use environment::{Environment, Host};
use faults::{Faults, RateLimit};
use idempotency::Replays;
use route::Route;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `GET`, `POST` and so on, in capitals.
    pub method: &'a str,
    /// Path and query, still percent-encoded.
    pub target: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<&'a str>,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body, empty where there is none.
    pub body: &'a [u8],
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, but for faults that were asked for; empty for `HEAD` and `OPTIONS`.
    pub body: String,
    /// What the host does with it.
    pub wire: Wire,
}

impl Response {
    /// Sets a header.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// A refusal: a status and a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// The `Allow` header of a 405.
    pub(crate) allow: Option<String>,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into(), allow: None, retry_after_ms: None }
    }
}

pub(crate) type Outcome = Result<(u16, Json), Refusal>;

#[derive(Clone)]
pub(crate) struct Key {
    secret: String,
    id: String,
    name: String,
    environment: usize,
}

/// A Vault in memory.
pub struct Emulator {
    options: Options,
    keys: Vec<Key>,
    environments: Vec<Environment>,
    replays: Replays,
    faults: Faults,
    rate_limit: Option<RateLimit>,
    /// How far its clock is from the host's.
    offset_ms: i64,
    /// Whether changes are noted.
    watched: bool,
    replaced: bool,
}

impl Emulator {
    /// An empty Vault. API keys must have the form that [`vault_core::config::ApiKey`] checks.
    pub fn new(mut options: Options, now_ms: u64, random: &mut dyn Randomness) -> Result<Self, Error> {
        if options.environments.is_empty() {
            options.environments.push(EnvironmentOptions::default());
        }
        if let Some(first) = options.environments.first_mut()
            && first.api_keys.is_empty()
        {
            first.api_keys.push(DEFAULT_API_KEY.into());
        }
        let mut keys = Vec::new();
        for (environment, settings) in options.environments.iter().enumerate() {
            for (index, secret) in settings.api_keys.iter().enumerate() {
                vault_core::config::ApiKey::new(&format!("apiKeys[{index}]"), secret.clone())?;
                let name = format!("Emulator key {}", keys.len() + 1);
                keys.push(Key {
                    secret: secret.clone(),
                    id: ids::of_secret("key_", secret),
                    name,
                    environment,
                });
            }
        }
        let faults = Faults::new(options.faults.clone(), options.fault_seed, random);
        let mut emulator = Emulator {
            options,
            keys,
            environments: Vec::new(),
            replays: Replays::default(),
            faults,
            rate_limit: None,
            offset_ms: 0,
            watched: false,
            replaced: false,
        };
        emulator.reset(now_ms, random)?;
        Ok(emulator)
    }

    pub(crate) fn now(&self, host_ms: u64) -> u64 {
        host_ms.saturating_add_signed(self.offset_ms)
    }

    /// Answers a request. Never fails: what goes wrong is an answer too.
    pub fn handle(&mut self, request: &Request<'_>, now_ms: u64, random: &mut dyn Randomness) -> Response {
        let mut host = Host { now_ms: self.now(now_ms), random };
        for environment in &mut self.environments {
            environment.tick(&mut host);
        }
        // HEAD is GET without a body (RFC 9110, section 9.3.2).
        let head = request.method == "HEAD";
        let as_get = Request { method: "GET", ..*request };
        let request = if head { &as_get } else { request };
        let mut response = Response {
            status: 200,
            headers: vec![
                ("content-type", "application/json".into()),
                ("x-request-id", ids::ulid("req_", host.now_ms, host.random)),
            ],
            body: String::new(),
            wire: Wire::default(),
        };
        self.answer(request, &mut response, &mut host);
        if self.options.cors {
            response.set("access-control-allow-origin", "*");
            response.set("access-control-expose-headers", "X-Request-ID, Retry-After");
        }
        if head {
            response.body.clear();
        }
        response
    }

    fn answer(&mut self, request: &Request<'_>, response: &mut Response, host: &mut Host<'_>) {
        let route = Route::find(request.target);
        if request.method == "OPTIONS" {
            match &route {
                Ok(route) => self.preflight(route, response),
                Err(refusal) => write(response, Err(refusal.clone())),
            }
            return;
        }
        let operation = route.as_ref().ok().and_then(|route| route.operation(request.method).ok());
        let strike = operation.and_then(|operation| self.faults.strike(operation));
        if !strike.as_ref().is_some_and(faults::Strike::prevents) {
            let outcome = self.outcome(request, route, host);
            write(response, outcome);
        }
        if let Some(strike) = strike {
            // Whoever waits until a date looks at a clock of their own, not at this one.
            strike.apply(response, host.now_ms.saturating_add_signed(self.offset_ms.saturating_neg()));
        }
    }

    /// What may be done with a path, for `OPTIONS` (RFC 9110, section 9.3.7) and for a page's preflight.
    fn preflight(&self, route: &Route, response: &mut Response) {
        response.status = 204;
        response.headers.retain(|(name, _)| *name != "content-type");
        response.set("allow", &route.allow());
        if self.options.cors {
            response.set("access-control-allow-methods", &route.allow());
            response.set("access-control-allow-headers", "Authorization, Content-Type, Idempotency-Key");
            response.set("access-control-max-age", "600");
        }
    }

    fn outcome(
        &mut self,
        request: &Request<'_>,
        route: Result<Route, Refusal>,
        host: &mut Host<'_>,
    ) -> Outcome {
        let (segments, _) = route::split(request.target)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ("GET", ["_emulator", "health"]) = (request.method, &segments[..]) {
            return Ok((200, Json::object([("ready", Json::Bool(true))])));
        }
        let key = self.authenticate(request.authorization)?;
        if request.body.len() > BODY_MAX {
            return Err(Refusal::new(413, format!("the body is larger than {BODY_MAX} bytes")));
        }
        if let ["_emulator", path @ ..] = &segments[..] {
            return self.control(path, request, key, host);
        }
        if let Some(Err(wait_ms)) = self.rate_limit.as_mut().map(|limit| limit.count(host.now_ms)) {
            let message = "Too many requests";
            return Err(Refusal { retry_after_ms: Some(wait_ms), ..Refusal::new(429, message) });
        }
        let route = route?;
        let operation = route.operation(request.method)?;
        let operation = route.read(operation, request)?;
        let caller = self.keys[key].clone();
        let environment = &mut self.environments[caller.environment];
        let Some(replay_key) = request.idempotency_key.filter(|_| request.method == "POST") else {
            return environment.run(operation, &caller, host);
        };
        if !(1..=255).contains(&replay_key.len())
            || !replay_key.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
        {
            return Err(Refusal::new(400, "Idempotency-Key: expected 1 to 255 visible ASCII characters"));
        }
        let mut hash = Sha256::new();
        hash.update(request.target.as_bytes());
        hash.update([0]);
        hash.update(request.body);
        let fingerprint: [u8; 32] = hash.finalize().into();
        if let Some(answer) = self.replays.find(key, replay_key, &fingerprint, host.now_ms)? {
            return Ok(answer);
        }
        let answer = environment.run(operation, &caller, host)?;
        self.replays.keep(key, replay_key, fingerprint, &answer, host.now_ms);
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

    /// How many objects there are, in all environments.
    pub fn object_count(&self) -> usize {
        self.environments.iter().map(|environment| environment.store.len()).sum()
    }
}

fn write(response: &mut Response, outcome: Outcome) {
    let body = match outcome {
        Ok((status, body)) => {
            response.status = status;
            body
        }
        Err(refusal) => {
            response.status = refusal.status;
            if let Some(allow) = &refusal.allow {
                response.set("allow", allow);
            }
            if let Some(ms) = refusal.retry_after_ms {
                response.set("retry-after", &ms.div_ceil(1000).to_string());
            }
            Error::new(Code::InvalidRequest, refusal.message).to_wire()
        }
    };
    response.body.clear();
    body.write(&mut response.body);
}
