//! Faults on demand: which requests go wrong, and how.
//!
//! A rule names what goes wrong (`kind`), for which operation (`route`, all of them unless said), and when: for
//! every N-th request that it fits (`every`), for the next N (`next`), or by chance (`probability`). The first rule
//! that strikes decides. What can be decided here is; what only the host can do to a connection is handed to it as
//! a [`Wire`].

use crate::{Randomness, Response};
use vault_core::error::{Code, Error};
use vault_core::http::Operation;
use vault_core::json::{Json, JsonReader};
use vault_core::reader::Reader;
use vault_core::time::http_date;
use vault_core::tree::Tree;

/// Longest delay, in milliseconds.
const DELAY_MAX_MS: u64 = 10 * 60 * 1000;
const RULES_MAX: usize = 100;

/// What the host does with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Waits so long before it.
    pub delay_ms: u64,
    /// How the answer ends.
    pub end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// As it should.
    #[default]
    Whole,
    /// The connection is closed before any of it.
    Reset,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The body comes in pieces of so many bytes, with so many milliseconds before each.
    Drip(usize, u64),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Latency,
    Status,
    Html,
    Reset,
    Cut,
    Truncate,
    Malform,
    Drip,
}

const KINDS: [(&str, Kind); 8] = [
    ("latency", Kind::Latency),
    ("status", Kind::Status),
    ("html", Kind::Html),
    ("reset", Kind::Reset),
    ("cut", Kind::Cut),
    ("truncate", Kind::Truncate),
    ("malform", Kind::Malform),
    ("drip", Kind::Drip),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Every(u64),
    Next(u64),
    Probability(f64),
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    kind: Kind,
    /// `None`: every operation.
    route: Option<Operation>,
    when: When,
    /// Whether the request takes effect before it goes wrong.
    after: bool,
    status: u16,
    retry_after_ms: Option<u64>,
    as_date: bool,
    delay_ms: u64,
    /// As it was given.
    source: Json,
}

/// The form of the field `route`, for messages and checks.
fn operation(name: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| operation.as_str() == name)
}

impl Fault {
    /// Reads rules: `{kind, route?, every? | next? | probability?, when?, status?, retryAfterMs?, retryAfterForm?,
    /// delayMs?}` each. Reports every problem at once.
    pub fn read_list(rules: &Json) -> Result<Vec<Self>, Error> {
        let wrapped = Json::Object(vec![("faults".into(), rules.clone())]);
        let mut reader = Reader::options(&wrapped);
        let list = reader.list("faults", Self::read).unwrap_or_default();
        if list.len() > RULES_MAX {
            reader.problem("faults", "expected at most 100 rules");
        }
        if reader.problems.is_empty() {
            Ok(list)
        } else {
            Err(Error::invalid(Code::InvalidConfig, reader.problems))
        }
    }

    fn read(reader: &mut JsonReader<'_>) -> Option<Self> {
        reader.only(&[
            "kind",
            "route",
            "every",
            "next",
            "probability",
            "when",
            "status",
            "retryAfterMs",
            "retryAfterForm",
            "delayMs",
        ]);
        let kind = reader.string("kind").and_then(|name| {
            let kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
            if kind.is_none() {
                reader
                    .problem("kind", &format!("expected one of {}", KINDS.map(|(name, _)| name).join(", ")));
            }
            kind
        });
        let route = reader.optional_string("route").and_then(|name| {
            let route = operation(name);
            if route.is_none() {
                let names = Operation::ALL.map(Operation::as_str).join(", ");
                reader.problem("route", &format!("expected the name of an operation: {names}"));
            }
            route
        });
        let after = one_of(reader, "when", &["before", "after"]) == 1;
        let as_date = one_of(reader, "retryAfterForm", &["seconds", "date"]) == 1;
        let status = optional(reader, "status", 300, 599);
        if status == Some(304) {
            reader.problem("status", "304 answers conditional requests only, and has no body");
        }
        let retry_after_ms = optional(reader, "retryAfterMs", 0, DELAY_MAX_MS);
        let delay_ms = optional(reader, "delayMs", 0, DELAY_MAX_MS);
        let when = Self::read_when(reader);
        Some(Fault {
            kind: kind?,
            route,
            when: when?,
            after,
            status: status.and_then(|status| u16::try_from(status).ok()).unwrap_or(503),
            retry_after_ms,
            as_date,
            delay_ms: delay_ms.unwrap_or(if kind == Some(Kind::Latency) { 1000 } else { 0 }),
            source: reader.tree().clone(),
        })
    }

    fn read_when(reader: &mut JsonReader<'_>) -> Option<When> {
        let given = ["every", "next", "probability"].map(|name| !reader.member(name).is_absent());
        match given {
            [false, false, false] => Some(When::Every(1)),
            [true, false, false] => reader.whole("every", 1, 1_000_000).map(When::Every),
            [false, true, false] => reader.whole("next", 1, 1_000_000).map(When::Next),
            [false, false, true] => match reader.member("probability") {
                Json::Number(p) if (0.0..=1.0).contains(p) => Some(When::Probability(*p)),
                _ => {
                    reader.wrong("probability", "a number from 0 to 1");
                    None
                }
            },
            _ => {
                reader.problem("every", "give one of every, next and probability");
                None
            }
        }
    }
}

fn optional(reader: &mut JsonReader<'_>, name: &str, low: u64, high: u64) -> Option<u64> {
    if reader.member(name).is_absent() { None } else { reader.whole(name, low, high) }
}

/// Which of the words a member is; the first where it is absent.
fn one_of(reader: &mut JsonReader<'_>, name: &str, words: &[&str]) -> usize {
    let given = reader.optional_string(name);
    let at = given.map_or(Some(0), |given| words.iter().position(|word| *word == given));
    at.unwrap_or_else(|| {
        reader.problem(name, &format!("expected one of {}", words.join(", ")));
        0
    })
}

/// The rules in force, and how often each was looked at.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<(Fault, u64)>,
    /// xorshift64* (Vigna 2016): chance that repeats with its seed.
    state: u64,
}

/// A fault that strikes.
pub(crate) struct Strike(Fault);

impl Faults {
    pub(crate) fn new(rules: Vec<Fault>, seed: Option<u64>, random: &mut dyn Randomness) -> Self {
        let seed = seed.unwrap_or_else(|| u64::from_le_bytes(crate::ids::bytes(random)));
        // Zero is where the generator would stay.
        let mut faults = Faults { rules: Vec::new(), state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
        faults.set(rules);
        faults
    }

    pub(crate) fn set(&mut self, rules: Vec<Fault>) {
        self.rules = rules.into_iter().map(|rule| (rule, 0)).collect();
    }

    /// The rules as they were given; those for the next N requests that are used up are gone.
    pub(crate) fn to_wire(&self) -> Json {
        Json::Array(self.rules.iter().map(|(rule, _)| rule.source.clone()).collect())
    }

    fn chance(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        #[allow(clippy::cast_precision_loss)]
        let unit = bits as f64 / (1_u64 << 53) as f64;
        unit
    }

    /// The fault that strikes a request, if one does.
    pub(crate) fn strike(&mut self, operation: Operation) -> Option<Strike> {
        let mut struck = None;
        for index in 0..self.rules.len() {
            let chance = self.chance();
            let (rule, seen) = &mut self.rules[index];
            if struck.is_some() || rule.route.is_some_and(|route| route != operation) {
                continue;
            }
            *seen += 1;
            let strikes = match rule.when {
                When::Every(n) => seen.is_multiple_of(n),
                When::Next(n) => *seen <= n,
                When::Probability(p) => chance < p,
            };
            if strikes {
                struck = Some(Strike(rule.clone()));
            }
        }
        self.rules.retain(|(rule, seen)| !matches!(rule.when, When::Next(n) if *seen >= n));
        struck
    }
}

impl Strike {
    /// Whether the request is not to take effect.
    pub(crate) fn prevents(&self) -> bool {
        matches!(self.0.kind, Kind::Status | Kind::Html | Kind::Reset) && !self.0.after
    }

    /// Makes of an answer what arrives of it.
    pub(crate) fn apply(&self, response: &mut Response, now_ms: u64) {
        let fault = &self.0;
        response.wire.delay_ms += fault.delay_ms;
        match fault.kind {
            Kind::Latency => {}
            Kind::Status => {
                response.status = fault.status;
                response.body = String::from("{\"error\":\"a fault that the emulator was asked for\"}");
                self.retry_after(response, now_ms);
            }
            Kind::Html => {
                response.status = fault.status;
                response.set("content-type", "text/html; charset=utf-8");
                response.body = String::from(
                    "<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>",
                );
                self.retry_after(response, now_ms);
            }
            Kind::Reset => response.wire.end = End::Reset,
            Kind::Cut => response.wire.end = End::Cut,
            Kind::Truncate => {
                let mut half = response.body.len() / 2;
                while !response.body.is_char_boundary(half) {
                    half -= 1;
                }
                response.body.truncate(half);
            }
            Kind::Malform => {
                response.body.insert_str(0, "{\"unexpected\":[");
            }
            Kind::Drip => response.wire.end = End::Drip(16, 20),
        }
    }

    fn retry_after(&self, response: &mut Response, now_ms: u64) {
        let Some(ms) = self.0.retry_after_ms else { return };
        let value =
            if self.0.as_date { http_date(now_ms.saturating_add(ms)) } else { ms.div_ceil(1000).to_string() };
        response.set("retry-after", &value);
    }
}

/// Refuses what comes too fast: so many requests in each window of so many milliseconds.
pub(crate) struct RateLimit {
    pub(crate) requests: u64,
    pub(crate) window_ms: u64,
    since_ms: u64,
    count: u64,
}

impl RateLimit {
    pub(crate) fn new(requests: u64, window_ms: u64) -> Self {
        RateLimit { requests, window_ms, since_ms: 0, count: 0 }
    }

    /// Counts a request; where it is one too many, milliseconds until the next may come.
    pub(crate) fn count(&mut self, now_ms: u64) -> Result<(), u64> {
        if now_ms < self.since_ms || now_ms - self.since_ms >= self.window_ms {
            (self.since_ms, self.count) = (now_ms, 0);
        }
        self.count += 1;
        if self.count > self.requests { Err(self.since_ms + self.window_ms - now_ms) } else { Ok(()) }
    }
}
