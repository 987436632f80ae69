//! The one door to the network: headers, time-out, abort, retries and redirects live here.

use crate::cut::Cut;
use crate::failure::Failure;
use crate::output::Out;
use crate::tree::Node;
use gloo_net::http::Response;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Function, JSON, JsString, Object, Promise, Reflect};
use vault_core::config::{ApiKey, BaseUrl, ClientId, check_header};
use vault_core::http::{Answer, Body, Method, Request, Sink, retry_after_ms};
use vault_core::names::uuid_v4;
use vault_core::retry::{Decision, Policy};
use vault_core::tree::{Kind, Tree, decimal, expected};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

/// How long a call may take where the caller does not say, as in the official SDK.
const TIMEOUT_DEFAULT_MS: u32 = 60_000;
/// The longest time that `setTimeout` can wait.
const TIMEOUT_MAX_MS: u64 = 0x7fff_ffff;
const RETRIES_MAX: u64 = 10;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(out: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = assign)]
    fn assign(target: &Object, source: &Object) -> Object;
}

/// What every request of a client has in common.
pub(crate) struct Transport {
    base_url: BaseUrl,
    headers: Object,
    fetch: Option<Function>,
    timeout_ms: u32,
    policy: Policy,
}

/// What one call asks for: `{signal, timeoutMs, idempotencyKey}`.
#[derive(Clone, Default)]
pub(crate) struct Call {
    signal: Option<AbortSignal>,
    timeout_ms: Option<u32>,
    idempotency_key: Option<String>,
}

fn invalid(code: Code, field: &str, message: impl Into<String>) -> Error {
    Error::invalid(code, vec![Problem::new(field, message)])
}

fn timeout(options: &Node, code: Code) -> Result<Option<u32>, Error> {
    whole(options, "timeoutMs", 1, TIMEOUT_MAX_MS, code)
}

fn whole(options: &Node, name: &str, low: u64, high: u64, code: Code) -> Result<Option<u32>, Error> {
    let member = options.member(name);
    if member.is_absent() {
        return Ok(None);
    }
    match member.kind() {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Kind::Number(n) if n.fract() == 0.0 && n >= low as f64 && n <= high as f64 => Ok(Some(n as u32)),
        got => {
            let what = ["a whole number from ", &decimal(low), " to ", &decimal(high)].concat();
            Err(invalid(code, name, expected(&what, got)))
        }
    }
}

/// A string option that may be absent.
fn text(options: &Node, name: &str, code: Code) -> Result<Option<String>, Error> {
    let member = options.member(name);
    if member.is_absent() {
        return Ok(None);
    }
    let wrong = || invalid(code, name, expected("a string", member.kind()));
    member.string().map(Some).ok_or_else(wrong)
}

impl Call {
    pub(crate) fn read(options: &Node) -> Result<Self, Error> {
        if options.is_absent() {
            return Ok(Call::default());
        }
        if options.kind() != Kind::Object {
            let message = expected("an object like { signal }", options.kind());
            return Err(invalid(Code::InvalidRequest, "call options", message));
        }
        let signal = options.member("signal");
        let signal = match signal.js().dyn_into::<AbortSignal>() {
            Ok(signal) => Some(signal),
            Err(_) if signal.is_absent() => None,
            Err(_) => {
                return Err(invalid(Code::InvalidRequest, "signal", expected("an AbortSignal", signal.kind())));
            }
        };
        let idempotency_key = text(options, "idempotencyKey", Code::InvalidRequest)?;
        if idempotency_key.as_ref().is_some_and(|key| !is_header_text(key)) {
            let message = "expected 1 to 255 visible ASCII characters";
            return Err(invalid(Code::InvalidRequest, "idempotencyKey", message));
        }
        Ok(Call { signal, timeout_ms: timeout(options, Code::InvalidRequest)?, idempotency_key })
    }

    /// The same call, for a request that stands beside the one it was made for.
    pub(crate) fn beside(&self) -> Self {
        Call { idempotency_key: None, ..self.clone() }
    }
}

fn is_header_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
}

impl Transport {
    /// From the constructor's options.
    pub(crate) fn read(options: &Node, host: &Node) -> Result<Self, Error> {
        if options.kind() != Kind::Object {
            return Err(invalid(Code::InvalidConfig, "options", expected("an object like { apiKey }", options.kind())));
        }
        let fields = host.member("fields");
        let named = |name: &str| fields.member(name).string().unwrap_or_else(|| name.into());
        let field = named("apiKey");
        let key = options.member("apiKey");
        let key = match key.string() {
            Some(key) => ApiKey::new(&field, key)?,
            None if key.is_absent() => return Err(invalid(Code::InvalidApiKey, &field, "it is not set")),
            None => return Err(invalid(Code::InvalidApiKey, &field, expected("a string", key.kind()))),
        };
        if let Some(id) = text(options, "clientId", Code::InvalidConfig)? {
            ClientId::new(&named("clientId"), id)?;
        }
        let base_url = match text(options, "baseUrl", Code::InvalidConfig)? {
            Some(url) => BaseUrl::new(&named("baseUrl"), &url)?,
            None => BaseUrl::default(),
        };
        let fetch = options.member("fetch");
        let fetch = match fetch.js().dyn_into::<Function>() {
            Ok(fetch) => Some(fetch),
            Err(_) if fetch.is_absent() => None,
            Err(_) => {
                return Err(invalid(Code::InvalidConfig, "fetch", expected("a function", fetch.kind())));
            }
        };
        let retries = whole(options, "maxRetries", 0, RETRIES_MAX, Code::InvalidConfig)?;
        let policy = Policy::default();
        Ok(Transport {
            base_url,
            headers: headers(options, host, &key)?,
            fetch,
            timeout_ms: timeout(options, Code::InvalidConfig)?.unwrap_or(TIMEOUT_DEFAULT_MS),
            policy: Policy { max_retries: retries.unwrap_or(policy.max_retries), ..policy },
        })
    }

    /// Sends a request, again where that may help, and returns the success or what went wrong.
    pub(crate) async fn send(&self, request: &Request<JsValue>, call: &Call) -> Result<Answer<Node>, Failure> {
        let timeout_ms = call.timeout_ms.unwrap_or(self.timeout_ms);
        let cut = Cut::new(timeout_ms, call.signal.as_ref())?;
        let deadline = Date::now() + f64::from(timeout_ms);
        let url = JsValue::from([self.base_url.as_str(), &request.target].concat());
        let init = self.init(request, call, &cut)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match cut.race(self.attempt(&url, &init)).await? {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => Error::from_answer(request.operation, &answer).into(),
                Err(failure) => failure,
            };
            let Failure::Vault { error, .. } = &failure else { return Err(failure) };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let left_ms = (deadline - Date::now()).max(0.0) as u64;
            let random = js_sys::Math::random();
            match self.policy.decide(attempt, request.repeatable, error, left_ms, random) {
                Decision::Stop => return Err(failure),
                Decision::RetryAfter(ms) => cut.race(pause(ms)).await?,
            }
        }
    }

    /// Waits, unless the call's signal fires first.
    pub(crate) async fn pause(&self, ms: u64, call: &Call) -> Result<(), Failure> {
        let cut = Cut::new(call.timeout_ms.unwrap_or(self.timeout_ms), call.signal.as_ref())?;
        cut.race(pause(ms)).await
    }

    /// The second argument of `fetch`. A URL with such an object, rather than gloo-net's `Request`: `fetch`
    /// makes a `Request` of it anyway, and copying a finished one costs more than the rest of the call (Node
    /// 20: `new Request(url, init)` 13 to 22 µs, a copy of that on top 55 to 85 µs).
    fn init(&self, request: &Request<JsValue>, call: &Call, cut: &Cut) -> Result<Object, Failure> {
        let headers = assign(&Object::new(), &self.headers);
        let set = |name: &str, value: &str| Reflect::set(&headers, &name.into(), &value.into());
        let key = match (&call.idempotency_key, request.method) {
            (Some(key), method) if method != Method::Get => Some(key.clone()),
            (None, Method::Post) if self.policy.max_retries > 0 => Some(random_key()?),
            _ => None,
        };
        if let Some(key) = key {
            let _ = set("Idempotency-Key", &key);
        }
        let body = request.body.as_ref().map(json);
        if body.is_some() {
            let _ = set("Content-Type", "application/json");
        }
        let init: JsValue = Out::new()
            .set("method", request.method.as_str())
            .set("headers", headers)
            .set("body", body)
            .set("signal", cut.signal())
            // Authorization must not follow to wherever a redirect points.
            .set("redirect", "manual")
            .into();
        Ok(init.into())
    }

    async fn attempt(&self, url: &JsValue, init: &Object) -> Result<Answer<Node>, Failure> {
        let fetch = match &self.fetch {
            Some(fetch) => fetch.clone(),
            None => Reflect::get(&js_sys::global(), &"fetch".into())
                .ok()
                .and_then(|fetch| fetch.dyn_into().ok())
                .ok_or_else(|| invalid(Code::InvalidConfig, "fetch", "this runtime has none; pass one"))?,
        };
        // Called on nothing: workerd and browsers refuse `fetch` as another object's method.
        let promise = fetch.call2(&JsValue::UNDEFINED, url, init).map_err(network)?;
        let response = JsFuture::from(Promise::resolve(&promise)).await.map_err(network)?;
        if !response.is_object() {
            return Err(Error::new(Code::MalformedResponse, "fetch returned no Response").into());
        }
        let response = Response::from(response.unchecked_into::<web_sys::Response>());
        let (status, headers) = (response.status(), response.headers());
        let raw: web_sys::Response = response.into();
        let text = JsFuture::from(raw.text().map_err(network)?).await.map_err(network)?;
        let text: JsString = text.unchecked_into();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now_ms = Date::now() as u64;
        Ok(Answer {
            status,
            request_id: headers.get("x-request-id"),
            retry_after_ms: headers.get("retry-after").and_then(|header| retry_after_ms(&header, now_ms)),
            body: parse(&text).ok().map(Node::Value),
        })
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn parse(text: &JsString) -> Result<JsValue, JsValue>;
}

fn network(cause: JsValue) -> Failure {
    let said = Node::Value(cause.clone()).member("message").string();
    let message = match said {
        Some(said) if !said.is_empty() => ["no answer from the service: ", &said].concat(),
        _ => "no answer from the service".into(),
    };
    Failure::Vault { error: Error::new(Code::NetworkError, message), cause: Some(cause) }
}

async fn pause(ms: u64) {
    TimeoutFuture::new(u32::try_from(ms).unwrap_or(u32::MAX)).await;
}

fn random_key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    get_random_values(&mut bytes).map_err(|cause| Failure::Vault {
        error: Error::new(Code::Internal, "this runtime has no crypto.getRandomValues"),
        cause: Some(cause),
    })?;
    Ok(uuid_v4(bytes))
}

struct JsonText(JsString);

impl Sink<JsValue> for JsonText {
    fn json(&mut self, piece: &str) {
        self.0 = self.0.concat(&piece.into());
    }
    fn text(&mut self, text: &JsValue) {
        // A string always has a JSON form.
        if let Ok(json) = JSON::stringify(text) {
            self.0 = self.0.concat(&json);
        }
    }
}

/// The body as JSON text. The value is quoted by JavaScript and never enters this module's memory.
fn json(body: &Body<JsValue>) -> JsString {
    let mut text = JsonText(JsString::from(""));
    body.write(&mut text);
    text.0
}

/// The headers of every request: the caller's, then ours.
fn headers(options: &Node, host: &Node, key: &ApiKey) -> Result<Object, Error> {
    let mut out = Out::new().set("Accept", "application/json");
    if !host.member("isBrowser").js().is_truthy() {
        // In a page this would be a header that the service's CORS rules must allow.
        out = out.set("User-Agent", concat!("workos-vault-edge/", env!("CARGO_PKG_VERSION")));
    }
    let given = options.member("headers");
    if !given.is_absent() {
        let Some(entries) = given.entries() else {
            let message = expected("a plain object of strings", given.kind());
            return Err(invalid(Code::InvalidConfig, "headers", message));
        };
        let mut problems = Vec::new();
        for (name, value) in entries {
            let Some(text) = value.string() else {
                problems.push(Problem::new(&["headers.", &name].concat(), expected("a string", value.kind())));
                continue;
            };
            match check_header(&name, &text) {
                Ok(()) => out = out.set(&name, text),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(Error::invalid(Code::InvalidConfig, problems));
        }
    }
    let bearer = ["Bearer ", key.expose()].concat();
    Ok(JsValue::from(out.set("Authorization", bearer)).into())
}
