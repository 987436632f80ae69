//! What a test asks of the emulator itself: over `/_emulator/…` as in process.

use crate::changes::Records;
use crate::environment::{Environment, Host};
use crate::faults::{Fault, Faults, RateLimit};
use crate::idempotency::Replays;
use crate::kms::CustomerKey;
use crate::route::{self, refuse};
use crate::{Emulator, Outcome, Randomness, Refusal, Request};
use vault_core::error::{Code, Error, Problem};
use vault_core::json::Json;
use vault_core::objects::CreateObject;
use vault_core::reader::Reader;
use vault_core::time::Timestamp;
use vault_core::tree::{Kind, Tree};

/// The first line of a snapshot.
const SNAPSHOT_HEADER: &str = "{\"format\":\"workos-vault-edge emulator\",\"version\":1}";
/// Farthest that a clock is set ahead at once: a century.
const AHEAD_MAX_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

impl Emulator {
    /// Answers a request to `/_emulator/…`; the path's segments after that.
    pub(crate) fn control(
        &mut self,
        path: &[&str],
        request: &Request<'_>,
        key: usize,
        host: &mut Host<'_>,
    ) -> Outcome {
        let done = |value: Json| Ok((200, value));
        // What the methods below take is the host's time.
        let host_ms = host.now_ms.saturating_add_signed(self.offset_ms.saturating_neg());
        let api_key = Some(self.keys[key].secret.clone());
        let api_key = api_key.as_deref();
        match (request.method, path) {
            ("GET", ["faults"]) => done(Json::object([("rules", self.faults.to_wire())])),
            ("POST", ["faults"]) => {
                let rules = Fault::read_list(route::body(request)?.member("rules")).map_err(refuse)?;
                self.faults.set(rules);
                done(Json::object([("rules", self.faults.to_wire())]))
            }
            ("DELETE", ["faults"]) => {
                self.faults.set(Vec::new());
                done(Json::object([("rules", self.faults.to_wire())]))
            }
            ("POST", ["advance"]) => {
                let body = route::body(request)?;
                let mut reader = Reader::body(&body);
                let ms = reader.whole("ms", 0, AHEAD_MAX_MS);
                let ms = reader.finish(ms).map_err(refuse)?;
                self.advance(ms);
                let now_ms = host.now_ms.saturating_add(ms);
                done(Json::object([("now", Json::text(Timestamp::from_unix_ms(now_ms).as_str()))]))
            }
            ("POST", ["reset"]) => {
                let index = self.keys[key].environment;
                if let (Some(environment), Some(options)) =
                    (self.environments.get_mut(index), self.options.environments.get(index))
                {
                    *environment = Environment::new(options, host).map_err(refuse)?;
                }
                self.replays = Replays::default();
                self.was_replaced();
                done(Json::object([("success", Json::Bool(true))]))
            }
            ("POST", ["seed"]) => {
                let body = route::body(request)?;
                let count = self.seed(&body, api_key, host_ms, host.random).map_err(refuse)?;
                #[allow(clippy::cast_precision_loss)]
                done(Json::object([("objects", Json::Number(count as f64))]))
            }
            ("POST", ["customer-keys"]) => {
                let body = route::body(request)?;
                let mut reader = Reader::body(&body);
                let key = CustomerKey::read(&mut reader);
                let key = reader.finish(key).map_err(refuse)?;
                self.add_customer_key(key, api_key, host_ms, host.random).map_err(refuse)?;
                done(Json::object([("success", Json::Bool(true))]))
            }
            ("PUT", ["customer-keys", organization_id]) => {
                let body = route::body(request)?;
                let mut reader = Reader::body(&body);
                let accessible = reader.bool("accessible");
                let accessible = reader.finish(accessible).map_err(refuse)?;
                let set =
                    self.set_customer_key_access(organization_id, accessible, api_key, host_ms, host.random);
                set.map_err(no_such_key)?;
                done(Json::object([("success", Json::Bool(true))]))
            }
            ("DELETE", ["customer-keys", organization_id]) => {
                let deleted = self.delete_customer_key(organization_id, api_key, host_ms, host.random);
                deleted.map_err(no_such_key)?;
                done(Json::object([("success", Json::Bool(true))]))
            }
            _ => Err(Refusal::new(404, "Not Found")),
        }
    }

    /// Sets the clock ahead.
    pub fn advance(&mut self, ms: u64) {
        self.offset_ms = self.offset_ms.saturating_add_unsigned(ms);
    }

    /// Sets the clock, which goes on from there.
    pub fn set_time(&mut self, at_ms: u64, now_ms: u64) {
        self.offset_ms = i64::try_from(i128::from(at_ms) - i128::from(now_ms)).unwrap_or(0);
    }

    /// The rules by which requests go wrong, in place of those before.
    pub fn set_faults(&mut self, rules: &Json) -> Result<(), Error> {
        self.faults.set(Fault::read_list(rules)?);
        Ok(())
    }

    /// As it was made: no objects, no events, no faults but those of its options. The clock stays where it is.
    pub fn reset(&mut self, now_ms: u64, random: &mut dyn Randomness) -> Result<(), Error> {
        self.start_over(&mut Host { now_ms: self.now(now_ms), random })
    }

    fn start_over(&mut self, host: &mut Host<'_>) -> Result<(), Error> {
        self.environments = self.fresh(host)?;
        self.replays = Replays::default();
        self.faults = Faults::new(self.options.faults.clone(), self.options.fault_seed, host.random);
        self.rate_limit =
            self.options.rate_limit.map(|(requests, window_ms)| RateLimit::new(requests, window_ms));
        self.was_replaced();
        Ok(())
    }

    /// Everything there was is another now: whoever keeps changes must start anew.
    fn was_replaced(&mut self) {
        if self.watched {
            self.watch_changes();
            self.replaced = true;
        }
    }

    fn fresh(&self, host: &mut Host<'_>) -> Result<Vec<Environment>, Error> {
        self.options.environments.iter().map(|options| Environment::new(options, host)).collect()
    }

    /// The environment of an API key, that of the first where none is given.
    fn environment_of(&mut self, api_key: Option<&str>) -> Result<(&mut Environment, &crate::Key), Error> {
        let key = match api_key {
            None => self.keys.first(),
            Some(given) => self.keys.iter().find(|key| key.secret == given),
        };
        let unknown = || {
            Error::invalid(
                Code::InvalidConfig,
                vec![Problem::new("apiKey", "no environment has this API key")],
            )
        };
        let key = key.ok_or_else(unknown)?;
        Ok((self.environments.get_mut(key.environment).ok_or_else(unknown)?, key))
    }

    /// Creates objects, all or none, from `{objects: [{name, value, context}]}`. How many there are.
    pub fn seed(
        &mut self,
        seed: &Json,
        api_key: Option<&str>,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<usize, Error> {
        let now_ms = self.now(now_ms);
        let mut reader = Reader::at(seed, "seed");
        reader.only(&["objects"]);
        let items = seed.member("objects");
        if items.kind() != Kind::Array {
            reader.wrong("objects", "a list of objects");
        }
        let mut problems = reader.problems;
        let mut objects = Vec::new();
        for (index, item) in items.items().enumerate() {
            match CreateObject::from_options(item) {
                Ok(object) => objects.push(object),
                Err(error) => problems.extend(error.problems.into_iter().map(|mut problem| {
                    problem.field.insert_str(0, &format!("objects[{index}]."));
                    problem
                })),
            }
            if problems.len() > 20 {
                break;
            }
        }
        if !problems.is_empty() {
            return Err(Error::invalid(Code::InvalidConfig, problems));
        }
        let count = objects.len();
        let (environment, key) = self.environment_of(api_key)?;
        let key = key.clone();
        environment.seed(objects, &key, &mut Host { now_ms, random })?;
        Ok(count)
    }

    /// Adds an organization's customer-managed key.
    pub fn add_customer_key(
        &mut self,
        key: CustomerKey,
        api_key: Option<&str>,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<(), Error> {
        let now_ms = self.now(now_ms);
        self.environment_of(api_key)?.0.add_customer_key(key, &mut Host { now_ms, random })
    }

    /// Gives or takes away the Vault's access to an organization's customer-managed key. Fails where it has none.
    pub fn set_customer_key_access(
        &mut self,
        organization_id: &str,
        accessible: bool,
        api_key: Option<&str>,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<(), Error> {
        let now_ms = self.now(now_ms);
        let (environment, _) = self.environment_of(api_key)?;
        environment.set_access(organization_id, accessible, &mut Host { now_ms, random })
    }

    /// Deletes a customer-managed key: what it wrapped can never be read again.
    pub fn delete_customer_key(
        &mut self,
        organization_id: &str,
        api_key: Option<&str>,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<(), Error> {
        let now_ms = self.now(now_ms);
        self.environment_of(api_key)?.0.delete_customer_key(organization_id, &mut Host { now_ms, random })
    }

    /// The audit log of an API key's environment, from a query as `GET /events` has it.
    pub fn events(
        &mut self,
        query: &Json,
        api_key: Option<&str>,
        now_ms: u64,
        random: &mut dyn Randomness,
    ) -> Result<Json, Error> {
        let list = vault_core::events::ListEvents::from_query(query)?;
        let now_ms = self.now(now_ms);
        let (environment, _) = self.environment_of(api_key)?;
        environment.tick(&mut Host { now_ms, random });
        environment.events.list(&list).map_err(|refusal| Error::new(Code::InvalidRequest, refusal.message))
    }

    /// Everything that is held, a header and a line for each record. Keys stand in it in the clear. Not in it: the
    /// audit log, Idempotency-Keys, faults, how far the clock is ahead.
    pub fn snapshot(&self) -> String {
        let mut out = String::from(SNAPSHOT_HEADER);
        out.push('\n');
        for (index, environment) in self.environments.iter().enumerate() {
            environment.write(index, environment.everything(), &mut out);
        }
        out
    }

    /// Notes every change from now on, for [`Emulator::take_changes`].
    pub fn watch_changes(&mut self) {
        self.watched = true;
        for environment in &mut self.environments {
            environment.changes.watch();
        }
    }

    /// The records that changed since this was last asked, a line each, as in a snapshot. Empty where none did; a
    /// whole snapshot, with its header, where everything was replaced.
    pub fn take_changes(&mut self) -> String {
        let mut out = String::new();
        if core::mem::take(&mut self.replaced) {
            out = self.snapshot();
        }
        let whole = !out.is_empty();
        for (index, environment) in self.environments.iter_mut().enumerate() {
            let changes = environment.changes.take();
            if !whole {
                environment.write(index, changes, &mut out);
            }
        }
        out
    }

    /// Puts back what a snapshot holds, with whatever changes were added to it, in place of everything there is. What
    /// it does not understand it refuses whole, naming the line.
    pub fn restore(&mut self, lines: &str, now_ms: u64, random: &mut dyn Randomness) -> Result<(), Error> {
        let wrong = |line: usize, what: &str| {
            Error::new(Code::InvalidConfig, format!("snapshot: line {}: {what}", line + 1))
        };
        let mut host = Host { now_ms: self.now(now_ms), random };
        let mut environments = self.fresh(&mut host)?;
        let mut records: Vec<Records> = environments.iter().map(|_| Records::default()).collect();
        let mut lines = lines.lines().enumerate();
        match lines.next() {
            Some((_, SNAPSHOT_HEADER)) => {}
            Some((_, other)) if other.contains("workos-vault-edge emulator") => {
                return Err(wrong(0, "it is of a version that this release does not read"));
            }
            _ => return Err(wrong(0, "it does not begin as a snapshot does")),
        }
        for (number, line) in lines {
            // Everything was replaced here.
            if line == SNAPSHOT_HEADER {
                for records in &mut records {
                    *records = Records::default();
                }
                continue;
            }
            let record = Json::parse(line.as_bytes()).map_err(|error| wrong(number, &error.to_string()))?;
            let mut parts = record.items();
            let (Some(name), Some(value), None) =
                (parts.next().and_then(Tree::text), parts.next(), parts.next())
            else {
                return Err(wrong(number, "it is no name and value"));
            };
            let (index, name) =
                name.split_once('/').ok_or_else(|| wrong(number, "it names no environment"))?;
            let index = index.parse::<usize>().ok().and_then(|index| records.get_mut(index));
            let into = index.ok_or_else(|| {
                wrong(number, "it is of an environment that there is not; give the same options as before")
            })?;
            into.add(name, value).map_err(|what| wrong(number, &what))?;
        }
        for (environment, records) in environments.iter_mut().zip(records) {
            if records.is_empty() {
                continue;
            }
            environment.clear_keys();
            let filled = records.fill(environment);
            filled.map_err(|what| Error::new(Code::InvalidConfig, format!("snapshot: {what}")))?;
            environment.after_restore(&mut host);
        }
        self.environments = environments;
        // An answer that was kept may tell of what is not there any more.
        self.replays = Replays::default();
        self.was_replaced();
        Ok(())
    }
}

/// [`Code::NotFound`], as an answer.
#[allow(clippy::needless_pass_by_value)] // As `map_err` hands it over.
fn no_such_key(error: Error) -> Refusal {
    Refusal::new(404, error.message())
}
