//! A client's settings, from the constructor's options.

use crate::call::{TIMEOUT_DEFAULT_MS, Times, timeout, whole};
use crate::crypt::Ciphers;
use crate::data_keys::DataKeys;
use crate::hooks::Hooks;
use crate::output::Out;
use crate::tree::Node;
use js_sys::{Function, Object};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use vault_core::config::{ApiKey, BaseUrl, ClientId, check_header};
use vault_core::keyring::Bounds;
use vault_core::reader::Reader;
use vault_core::retry::{Budget, Policy};
use vault_core::tree::{Kind, Tree, expected, expected_secret};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;

const RETRIES_MAX: u64 = 10;

/// What every request of a client has in common.
pub(crate) struct Settings {
    pub(crate) base_url: BaseUrl,
    /// A plain object, to be copied for each request.
    pub(crate) headers: Object,
    /// `None`: the global one at the time of the call.
    pub(crate) fetch: Option<Function>,
    pub(crate) times: Times,
    pub(crate) policy: Policy,
    /// What all calls may spend on retries.
    pub(crate) budget: RefCell<Budget>,
    pub(crate) hooks: Hooks,
    pub(crate) ciphers: Ciphers,
    /// What keeps data keys, where asked for.
    pub(crate) kept: Option<Rc<DataKeys>>,
    /// What its keyrings keep.
    pub(crate) keyrings: RefCell<Vec<Weak<DataKeys>>>,
    pub(crate) closed: Cell<bool>,
    /// To keep it out of messages that others wrote.
    key: ApiKey,
}

/// The options there are; the last is the package's own.
const NAMES: [&str; 15] = [
    "apiKey",
    "clientId",
    "baseUrl",
    "fetch",
    "timeoutMs",
    "attemptTimeoutMs",
    "maxRetries",
    "retryInaccessibleKeyAfterMs",
    "onRequest",
    "onResponse",
    "onRetry",
    "headers",
    "cipher",
    "dataKeyCache",
    "dangerouslyAllowBrowser",
];

impl Settings {
    /// A message of another's code, without the API key that it may repeat from the headers.
    pub(crate) fn redact(&self, message: &str) -> String {
        message.replace(self.key.expose(), "[API key]")
    }

    /// Reports every problem at once. `host` is what the package knows: `{isBrowser, fields}`, the latter the
    /// variables that options were read from, by which problems are reported then.
    pub(crate) fn read(options: &Node, host: &Node) -> Result<Self, Error> {
        if options.kind() != Kind::Object {
            let problem = Problem::new("options", expected("an object like { apiKey }", options.kind()));
            return Err(Error::invalid(Code::InvalidConfig, vec![problem]));
        }
        let mut problems = Problems(Vec::new());
        let fields = host.member("fields");
        let named = |name: &str| fields.member(name).string().unwrap_or_else(|| name.into());

        let field = named("apiKey");
        let key = if options.member("apiKey").is_absent() {
            problems.0.push(Problem::new(&field, "it is not set"));
            None
        } else {
            problems.text(options, "apiKey", &field).and_then(|key| problems.keep(ApiKey::new(&field, key)))
        };
        let code = if problems.0.is_empty() { Code::InvalidConfig } else { Code::InvalidApiKey };

        let mut reader = Reader::options(options);
        reader.only(&NAMES);
        let bounds = if options.member("dataKeyCache").is_absent() {
            None
        } else {
            reader.nested("dataKeyCache", Bounds::of_cache)
        };
        problems.0.append(&mut reader.problems);
        let field = named("clientId");
        if let Some(id) = problems.text(options, "clientId", &field) {
            problems.keep(ClientId::new(&field, id));
        }
        let field = named("baseUrl");
        let base_url = match problems.text(options, "baseUrl", &field) {
            Some(url) => {
                let checked = problems.keep(BaseUrl::new(&field, &url));
                if checked.as_ref().is_some_and(|url| web_sys::Url::new(url.as_str()).is_err()) {
                    problems.0.push(Problem::new(&field, "there is no such host"));
                }
                checked
            }
            None => Some(BaseUrl::default()),
        };
        let fetch = options.member("fetch");
        if !fetch.is_absent() && !fetch.js().is_function() {
            problems.0.push(Problem::new("fetch", expected("a function", fetch.kind())));
        }
        let timeout_ms = problems.keep_one(timeout(options, "timeoutMs"));
        let attempt_timeout_ms = problems.keep_one(timeout(options, "attemptTimeoutMs")).flatten();
        let wait = problems.keep_one(timeout(options, "retryInaccessibleKeyAfterMs")).flatten();
        let hooks = Hooks::read(options, &mut problems.0);
        let retries = problems.keep_one(whole(options, "maxRetries", 0, RETRIES_MAX));
        let ciphers = match options.member("cipher") {
            cipher if cipher.is_absent() => Ciphers::default(),
            cipher => cipher.string().and_then(|name| Ciphers::parse(&name)).unwrap_or_else(|| {
                problems.0.push(Problem::new("cipher", "expected \"auto\", \"webcrypto\" or \"wasm\""));
                Ciphers::default()
            }),
        };
        let headers = headers(options, host, key.as_ref(), &mut problems.0);
        let policy = Policy::default();
        match (base_url, key) {
            (Some(base_url), Some(key)) if problems.0.is_empty() => Ok(Settings {
                key,
                base_url,
                headers,
                fetch: fetch.js().dyn_into().ok(),
                times: Times {
                    timeout_ms: timeout_ms.flatten().unwrap_or(TIMEOUT_DEFAULT_MS),
                    attempt_timeout_ms,
                },
                budget: RefCell::default(),
                hooks,
                ciphers,
                kept: bounds.map(DataKeys::new),
                keyrings: RefCell::default(),
                closed: Cell::new(false),
                policy: Policy {
                    max_retries: retries.flatten().unwrap_or(policy.max_retries),
                    inaccessible_key_ms: wait.map(u64::from),
                    ..policy
                },
            }),
            _ => Err(Error::invalid(code, problems.0)),
        }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.0.extend(error.problems)).ok()
    }

    fn keep_one<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    /// A string that may be absent.
    fn text(&mut self, options: &Node, name: &str, field: &str) -> Option<String> {
        let member = options.member(name);
        let text = member.string();
        if text.is_none() && !member.is_absent() {
            self.0.push(Problem::new(field, expected_secret("a string", member.kind())));
        }
        text
    }
}

/// The headers of every request: ours, and the caller's.
fn headers(options: &Node, host: &Node, key: Option<&ApiKey>, problems: &mut Vec<Problem>) -> Object {
    let mut out = Out::new().set("Accept", "application/json");
    let given = options.member("headers");
    let entries = given.entries().unwrap_or_default();
    if !given.is_absent() && given.kind() != Kind::Object {
        problems.push(Problem::new("headers", expected("a plain object of strings", given.kind())));
    }
    let mut names: Vec<String> = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let field = ["headers.", &name].concat();
        let Some(text) = value.string() else {
            problems.push(Problem::new(&field, expected("a string", value.kind())));
            continue;
        };
        let lower = name.to_ascii_lowercase();
        if names.contains(&lower) {
            problems.push(Problem::new(&field, "this header stands twice; names do not differ by case"));
        }
        names.push(lower);
        match check_header(&name, &text) {
            Ok(()) => out = out.set(&name, text),
            Err(problem) => problems.push(problem),
        }
    }
    // In a page this would be a header that the service's CORS rules must allow.
    let is_browser = host.member("isBrowser").js().is_truthy();
    if !is_browser && !names.iter().any(|name| name == "user-agent") {
        out = out.set("User-Agent", concat!("workos-vault-edge/", env!("CARGO_PKG_VERSION")));
    }
    if let Some(key) = key {
        out = out.set("Authorization", ["Bearer ", key.expose()].concat());
    }
    JsValue::from(out).into()
}
