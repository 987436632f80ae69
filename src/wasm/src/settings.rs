//! A client's settings, from the constructor's options.

use crate::answer::CoreRetry;
use crate::failure::{Failure, as_number, object};
use crate::request::{timeout, whole};
use crate::tree::Node;
use js_sys::{Object, Reflect};
use vault_core::config::{ApiKey, BaseUrl, ClientId, check_header};
use vault_core::keyring::Bounds;
use vault_core::reader::Reader;
use vault_core::tree::{Kind, Tree, expected, expected_secret};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;

/// How long a call may take where nobody says, as in the official SDK.
const TIMEOUT_DEFAULT_MS: u32 = 60_000;
const RETRIES_MAX: u64 = 10;

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

/// The settings that the constructor's options make, as TypeScript keeps them (`js/src/engine/transport.ts`). Reports every
/// problem at once. `host` is what the package knows: `{isBrowser, fields}`, the latter the variables that options were
/// read from, by which problems are reported then.
#[wasm_bindgen(js_name = readSettings)]
pub fn read_settings(options: JsValue, host: JsValue) -> Result<JsValue, JsValue> {
    Ok(read(&options.into(), &host.into()).map_err(Failure::from)?)
}

fn read(options: &Node, host: &Node) -> Result<JsValue, Error> {
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
    let mut function = |name: &str| {
        let member = options.member(name);
        if !member.is_absent() && !member.js().is_function() {
            problems.0.push(Problem::new(name, expected("a function", member.kind())));
        }
        member.js()
    };
    let hooks = [function("onRequest"), function("onResponse"), function("onRetry")];
    let retries = problems.keep_one(whole(options, "maxRetries", 0, RETRIES_MAX));
    let cipher = options.member("cipher");
    if !cipher.is_absent() && !matches!(cipher.string().as_deref(), Some("auto" | "webcrypto" | "wasm")) {
        problems.0.push(Problem::new("cipher", "expected \"auto\", \"webcrypto\" or \"wasm\""));
    }
    let headers = headers(options, host, key.as_ref(), &mut problems.0);
    let (Some(base_url), Some(key), true) = (base_url, key, problems.0.is_empty()) else {
        return Err(Error::invalid(code, problems.0));
    };
    let [on_request, on_response, on_retry] = hooks;
    Ok(object(&[
        ("baseUrl", base_url.as_str().into()),
        ("headers", headers.into()),
        ("key", key.expose().into()),
        ("fetch", fetch.js()),
        ("timeoutMs", timeout_ms.flatten().unwrap_or(TIMEOUT_DEFAULT_MS).into()),
        ("attemptTimeoutMs", attempt_timeout_ms.into()),
        ("retry", CoreRetry::of(retries.flatten(), wait).into()),
        ("onRequest", on_request),
        ("onResponse", on_response),
        ("onRetry", on_retry),
        ("cipher", cipher.js()),
        ("bounds", bounds.map_or(JsValue::UNDEFINED, bounds_to_js)),
    ]))
}

/// Bounds as TypeScript keeps them (`js/src/engine/data-keys.ts`).
fn bounds_to_js(bounds: Bounds) -> JsValue {
    object(&[
        ("maxAgeMs", as_number(bounds.max_age_ms).into()),
        ("maxMessages", as_number(bounds.max_messages).into()),
        ("maxBytes", as_number(bounds.max_bytes).into()),
        ("maxOpened", as_number(bounds.max_opened).into()),
        ("maxContexts", as_number(bounds.max_contexts).into()),
    ])
}

/// The bounds of a keyring, from its options.
#[wasm_bindgen(js_name = keyringBounds)]
pub fn keyring_bounds(options: JsValue) -> Result<JsValue, JsValue> {
    Ok(bounds_to_js(Bounds::of_keyring(&Node::from(options)).map_err(Failure::from)?))
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
    let out = Object::new();
    let set = |name: &str, value: &str| Reflect::set(&out, &name.into(), &value.into());
    let _ = set("Accept", "application/json");
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
            Ok(()) => drop(set(&name, &text)),
            Err(problem) => problems.push(problem),
        }
    }
    // In a page this would be a header that the service's CORS rules must allow.
    let is_browser = host.member("isBrowser").js().is_truthy();
    if !is_browser && !names.iter().any(|name| name == "user-agent") {
        let _ = set("User-Agent", concat!("workos-vault-edge/", env!("CARGO_PKG_VERSION")));
    }
    if let Some(key) = key {
        let _ = set("Authorization", &["Bearer ", key.expose()].concat());
    }
    out
}
