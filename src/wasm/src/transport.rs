//! The one door to the network: every request is sent, answered, and sent again here, and nowhere else.

use crate::call::{Call, now_ms};
use crate::cut::Cut;
use crate::failure::{Failure, adopt, body_text};
use crate::output::Out;
use crate::settings::Settings;
use crate::tree::Node;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Function, JSON, JsString, Object, Reflect};
use vault_core::http::{Answer, Body, Method, Operation, Request, Sink, retry_after_ms};
use vault_core::names::uuid_v4;
use vault_core::retry::{Attempt, Decision, may_have_landed};
use vault_core::tree::{Kind, Tree, decimal};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(out: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = assign)]
    fn assign(target: &Object, source: &Object) -> Object;
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn parse(text: &JsString) -> Result<JsValue, JsValue>;
}

/// Longest answer that is read, in bytes: the longest value, quoted as JSON with a little to escape. A Worker has
/// 128 MB in all.
const ANSWER_MAX: u32 = 80 << 20;

/// What became of a request.
pub(crate) struct Sent {
    pub(crate) result: Result<Answer<Node>, Failure>,
    /// Whether an attempt before the last may have taken effect, its answer lost.
    pub(crate) uncertain: bool,
}

impl Settings {
    /// Sends a request, again where that may help, and returns the success or what went wrong.
    pub(crate) async fn send(
        &self,
        request: &Request<JsValue>,
        call: &Call,
    ) -> Result<Answer<Node>, Failure> {
        self.send_noting(request, call).await.result
    }

    /// [`Settings::send`], for those who have to know whether an earlier attempt may have landed.
    pub(crate) async fn send_noting(&self, request: &Request<JsValue>, call: &Call) -> Sent {
        let mut uncertain = false;
        let result = self.attempts(request, call, &mut uncertain).await;
        Sent { result, uncertain }
    }

    async fn attempts(
        &self,
        request: &Request<JsValue>,
        call: &Call,
        uncertain: &mut bool,
    ) -> Result<Answer<Node>, Failure> {
        let url = JsValue::from([self.base_url.as_str(), &request.target].concat());
        let body = request.body.as_ref().map(json).transpose()?;
        let key = self.idempotency_key(request, call)?;
        let told = self.hooks.call(request);
        let mut waited_for_key = false;
        let mut number = 0;
        loop {
            number += 1;
            told.request(number);
            let started = Date::now();
            let attempt = self.within(call, async |signal: AbortSignal| {
                self.attempt(&url, &self.init(request, body.as_ref(), key.as_deref(), signal)).await
            });
            let outcome = call.cut.race(attempt).await.and_then(|outcome| outcome);
            let mut lost_body = false;
            let outcome = outcome.and_then(|answer| {
                if !(200..300).contains(&answer.status) {
                    return Err(self.redacted(Error::from_answer(request.operation, &answer)).into());
                }
                // Broken off on its way: what it answers may have happened all the same.
                lost_body = answer.body.is_none() && answer.status != 204;
                if lost_body { Err(Error::no_json(&answer).into()) } else { Ok(answer) }
            });
            told.response(number, started, &outcome);
            let failure = match outcome {
                Ok(answer) => {
                    self.budget.borrow_mut().earn();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let Failure::Vault { error, .. } = &failure else { return Err(failure) };
            let attempt = Attempt {
                number,
                repeatable: request.repeatable,
                lost_body,
                waited_for_key,
                left_ms: call.left_ms(),
                random: js_sys::Math::random(),
            };
            let decision = self.policy.decide(attempt, error, &mut self.budget.borrow_mut());
            let Decision::RetryAfter(ms) = decision else { return Err(failure) };
            *uncertain |= may_have_landed(error);
            waited_for_key |= error.code == Code::CustomerKeyInaccessible;
            told.retry(number, error, ms);
            pause(ms, call).await?;
        }
    }

    /// Runs an attempt under the call's signal, and within its own time where it has one.
    async fn within<T>(
        &self,
        call: &Call,
        attempt: impl AsyncFnOnce(AbortSignal) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(ms) = call.attempt_timeout_ms else { return attempt(call.cut.signal()).await };
        let cut = Cut::new(ms, Some(&call.cut.signal()))?;
        cut.race(attempt(cut.signal())).await.and_then(|outcome| outcome)
    }

    /// The second argument of `fetch`. A URL with such an object, rather than a `Request` (gloo-net's, say):
    /// `fetch` makes one of it anyway, and copying a finished one costs more than the rest of the call (Node
    /// 20: `new Request(url, init)` 13 to 22 µs, a copy of that on top 55 to 85 µs).
    /// Made anew for each attempt: whoever stands in for `fetch` may have changed the last one.
    fn init(
        &self,
        request: &Request<JsValue>,
        body: Option<&JsString>,
        key: Option<&str>,
        signal: AbortSignal,
    ) -> Object {
        let headers = assign(&Object::new(), &self.headers);
        let set = |name: &str, value: &str| Reflect::set(&headers, &name.into(), &value.into());
        if let Some(key) = key {
            let _ = set("Idempotency-Key", key);
        }
        if body.is_some() {
            let _ = set("Content-Type", "application/json");
        }
        let init: JsValue = Out::new()
            .set("method", request.method.as_str())
            .set("headers", headers)
            .set("body", body.map_or(JsValue::UNDEFINED, JsValue::from))
            .set("signal", signal)
            // Authorization must not follow to wherever a redirect points.
            .set("redirect", "manual")
            .into();
        init.into()
    }

    /// One for all attempts of a creation.
    fn idempotency_key(&self, request: &Request<JsValue>, call: &Call) -> Result<Option<String>, Failure> {
        if request.method != Method::Post {
            return Ok(None);
        }
        // The caller's is for what they create: one key for the several decryptions of a call would mix them up.
        let creates = matches!(
            request.operation,
            Operation::CreateObject | Operation::CreateDataKey | Operation::CreateRekey
        );
        let repeats = self.policy.max_retries > 0 || self.policy.inaccessible_key_ms.is_some();
        match &call.idempotency_key {
            Some(key) if creates => Ok(Some(key.clone())),
            _ if repeats => random_key().map(Some),
            _ => Ok(None),
        }
    }

    async fn attempt(&self, url: &JsValue, init: &Object) -> Result<Answer<Node>, Failure> {
        let fetch = match &self.fetch {
            Some(fetch) => fetch.clone(),
            None => global_fetch()?,
        };
        // Called on nothing: workerd and browsers refuse `fetch` as another object's method.
        let network = |cause| self.network(cause);
        let promise = fetch.call2(&JsValue::UNDEFINED, url, init).map_err(network)?;
        let response = Node::Given(adopt(promise).await.map_err(network)?);
        self.answer(&response).await
    }

    /// Reads a response by its properties: a `fetch` that was passed in may answer with a class of its own, or with
    /// less than it should, and gloo-net's and web-sys's getters would not survive that.
    async fn answer(&self, response: &Node) -> Result<Answer<Node>, Failure> {
        let network = |cause| self.network(cause);
        let Kind::Number(status) = response.member("status").kind() else {
            return Err(no_response("no status"));
        };
        let headers = response.member("headers");
        let header = |name: &str| {
            let value = method(&headers, "get", &name.into())?.ok()?;
            Node::Given(value).string()
        };
        let text = body_text(&response.js(), ANSWER_MAX).await.map_err(network)?;
        if text.is_null() {
            let limit = ["longer than ", &decimal(u64::from(ANSWER_MAX >> 20)), " MiB"].concat();
            return Err(Error::invalid(Code::MalformedResponse, vec![Problem::new("body", limit)]).into());
        }
        if text.is_undefined() {
            return Err(no_response("no text()"));
        }
        if !text.is_string() {
            return Err(no_response("a text() that gives no string"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let status = status as u16;
        Ok(Answer {
            status,
            request_id: header("x-request-id"),
            retry_after_ms: header("retry-after").and_then(|header| retry_after_ms(&header, now_ms())),
            body: parse(text.unchecked_ref()).ok().map(Node::Parsed),
        })
    }

    /// An error whose text is the service's, which may repeat the API key.
    fn redacted(&self, mut error: Error) -> Error {
        error.message = self.redact(&error.message);
        for problem in &mut error.problems {
            problem.message = self.redact(&problem.message);
        }
        error
    }

    fn network(&self, cause: JsValue) -> Failure {
        let thrown = Node::Given(cause.clone());
        // Node's own says "fetch failed", and why in the cause.
        let said = [thrown.member("message"), thrown.member("cause").member("message")];
        let mut message = String::from("no answer from the service");
        for said in said.iter().filter_map(Tree::string).filter(|said| !said.is_empty()) {
            message.push_str(": ");
            message.push_str(&self.redact(&said));
        }
        Failure::Vault { error: Error::new(Code::NetworkError, message), cause: Some(cause) }
    }
}

/// Calls a method, where there is one.
fn method(of: &Node, name: &str, argument: &JsValue) -> Option<Result<JsValue, JsValue>> {
    let method: Function = of.member(name).js().dyn_into().ok()?;
    Some(method.call1(&of.js(), argument))
}

fn global_fetch() -> Result<Function, Failure> {
    let fetch = Reflect::get(&js_sys::global(), &"fetch".into()).ok();
    fetch.and_then(|fetch| fetch.dyn_into().ok()).ok_or_else(|| {
        let problem = Problem::new("fetch", "this runtime has none; pass one");
        Error::invalid(Code::InvalidConfig, vec![problem]).into()
    })
}

fn no_response(has: &str) -> Failure {
    Error::new(Code::MalformedResponse, ["what fetch returned is no Response: it has ", has].concat()).into()
}

/// Waits, unless the call ends before.
pub(crate) async fn pause(ms: u64, call: &Call) -> Result<(), Failure> {
    call.cut.race(TimeoutFuture::new(u32::try_from(ms).unwrap_or(u32::MAX))).await
}

fn random_key() -> Result<String, Failure> {
    random().map(uuid_v4)
}

/// Bytes of the runtime's cryptographic randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    get_random_values(&mut bytes).map_err(|cause| Failure::Vault {
        error: Error::new(Code::Internal, "crypto.getRandomValues does not work here"),
        cause: Some(cause),
    })?;
    Ok(bytes)
}

struct JsonText(Result<JsString, JsValue>);

impl JsonText {
    fn push(&mut self, piece: &JsString) {
        if let Ok(text) = &self.0 {
            self.0 = Ok(text.concat(piece));
        }
    }
}

impl Sink<JsValue> for JsonText {
    fn json(&mut self, piece: &str) {
        self.push(&piece.into());
    }
    fn text(&mut self, text: &JsValue) {
        match JSON::stringify(text) {
            Ok(json) => self.push(&json),
            Err(error) => self.0 = Err(error),
        }
    }
}

/// The body as JSON text. The value is quoted by JavaScript and never enters this module's memory.
fn json(body: &Body<JsValue>) -> Result<JsString, Failure> {
    let mut text = JsonText(Ok(JsString::from("")));
    body.write(&mut text);
    text.0.map_err(|cause| Failure::Vault {
        error: Error::invalid(
            Code::InvalidRequest,
            vec![Problem::limit("value", "too long for JSON in this runtime")],
        ),
        cause: Some(cause),
    })
}
