//! How an emulator behaves, from Rust or from JSON-like data.

#[cfg(doc)]
use crate::DEFAULT_API_KEY;
use crate::faults::Fault;
use crate::kms::{CustomerKey, Provider};
use vault_core::error::{Code, Error, Problem};
use vault_core::json::{Json, JsonReader};
use vault_core::reader::Reader;
use vault_core::tree::{Kind, Tree};

/// How an emulator behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// At least one; the default where there is none.
    pub environments: Vec<EnvironmentOptions>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Makes the chance in faults repeat.
    pub fault_seed: Option<u64>,
    /// So many requests in so many milliseconds; the service allows 6,000 in 60,000.
    pub rate_limit: Option<(u64, u64)>,
    /// Whether pages of any origin may call it.
    pub cors: bool,
}

/// An environment: its keys and its rules. Nothing of one is seen from another.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentOptions {
    /// Accepted API keys; [`DEFAULT_API_KEY`] where the first environment has none.
    pub api_keys: Vec<String>,
    /// Organizations that exist. `None`: every one does.
    pub organizations: Option<Vec<String>>,
    /// Customer-managed keys by organization.
    pub customer_keys: Vec<CustomerKey>,
    /// How long after access to a customer key was given it takes effect, in milliseconds.
    pub customer_key_delay_ms: u64,
    /// How long a deleted object's name stays taken, in milliseconds.
    pub recovery_period_ms: u64,
}

/// The longest times: a century, so that they stay far from overflow.
const MS_MAX: u64 = 100 * 366 * 24 * 60 * 60 * 1000;
/// The service's rate limit: requests, and milliseconds.
const RATE: (u64, u64) = (6_000, 60_000);
const OF_ENVIRONMENT: [&str; 5] =
    ["apiKeys", "organizations", "customerKeys", "customerKeyDelayMs", "recoveryPeriodMs"];

impl Options {
    /// From the options of one environment, and `{environments?, faults?, faultSeed?, rateLimit?, cors?}`. Reports
    /// every problem at once; a name that is none of these is one, lest a typing error be taken for a default.
    pub fn from_json(options: &Json) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        let more = ["environments", "faults", "faultSeed", "rateLimit", "cors"];
        reader.only(&[&OF_ENVIRONMENT[..], &more].concat());
        let absent = |name: &str| options.member(name).is_absent();
        let mut parsed =
            Options { environments: vec![EnvironmentOptions::read(&mut reader)], ..Options::default() };
        if !absent("environments") {
            let read = |reader: &mut JsonReader<'_>| {
                reader.only(&OF_ENVIRONMENT);
                let environment = EnvironmentOptions::read(reader);
                if environment.api_keys.is_empty() {
                    reader.problem("apiKeys", "expected at least one, to tell the environments apart");
                }
                Some(environment)
            };
            parsed.environments.extend(reader.list("environments", read).unwrap_or_default());
        }
        if !absent("faultSeed") {
            parsed.fault_seed = reader.whole("faultSeed", 0, 1 << 53);
        }
        if !absent("cors") {
            parsed.cors = reader.bool("cors").unwrap_or_default();
        }
        match options.member("rateLimit") {
            Json::Missing | Json::Null | Json::Bool(false) => {}
            Json::Bool(true) => parsed.rate_limit = Some(RATE),
            _ => {
                parsed.rate_limit = reader.nested("rateLimit", |reader| {
                    reader.only(&["requests", "windowMs"]);
                    let (requests, window) =
                        (reader.whole("requests", 1, 1 << 53), reader.whole("windowMs", 1, MS_MAX));
                    Some((requests?, window?))
                });
            }
        }
        let mut problems = reader.problems;
        if !absent("faults") {
            match Fault::read_list(options.member("faults")) {
                Ok(faults) => parsed.faults = faults,
                Err(error) => problems.extend(error.problems),
            }
        }
        let mut keys: Vec<&String> = parsed.environments.iter().flat_map(|e| &e.api_keys).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|two| two[0] == two[1]) {
            problems
                .push(Problem::new("apiKeys", "an API key stands twice; each belongs to one environment"));
        }
        if problems.is_empty() { Ok(parsed) } else { Err(Error::invalid(Code::InvalidConfig, problems)) }
    }
}

impl EnvironmentOptions {
    fn read(reader: &mut JsonReader<'_>) -> Self {
        let mut options = EnvironmentOptions {
            api_keys: strings(reader, "apiKeys").unwrap_or_default(),
            organizations: strings(reader, "organizations"),
            ..EnvironmentOptions::default()
        };
        if !reader.member("customerKeys").is_absent() {
            options.customer_keys = reader.list("customerKeys", CustomerKey::read).unwrap_or_default();
        }
        for (name, ms) in [
            ("customerKeyDelayMs", &mut options.customer_key_delay_ms),
            ("recoveryPeriodMs", &mut options.recovery_period_ms),
        ] {
            if !reader.member(name).is_absent() {
                *ms = reader.whole(name, 0, MS_MAX).unwrap_or_default();
            }
        }
        options
    }
}

fn strings(reader: &mut JsonReader<'_>, name: &str) -> Option<Vec<String>> {
    let member = reader.member(name);
    if member.is_absent() {
        return None;
    }
    if member.kind() != Kind::Array {
        reader.wrong(name, "a list of strings");
        return None;
    }
    let texts: Option<Vec<String>> = member.items().map(|item| item.text().map(str::to_owned)).collect();
    if texts.is_none() {
        reader.problem(name, "expected a list of strings, got something else in it");
    }
    texts
}

impl CustomerKey {
    /// From `{organizationId, provider, accessible?}`.
    pub fn read(reader: &mut JsonReader<'_>) -> Option<CustomerKey> {
        reader.only(&["organizationId", "provider", "accessible"]);
        let organization_id = reader.string("organizationId").map(str::to_owned);
        let provider = reader.string("provider").and_then(|name| {
            let provider = Provider::parse(name);
            if provider.is_none() {
                reader.problem("provider", "expected AWS_KMS, GCP_KMS or AZURE_KEY_VAULT");
            }
            provider
        });
        let accessible =
            if reader.member("accessible").is_absent() { Some(true) } else { reader.bool("accessible") };
        Some(CustomerKey { organization_id: organization_id?, provider: provider?, accessible: accessible? })
    }
}
