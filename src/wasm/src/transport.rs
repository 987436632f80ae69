//! The one door to the network: every request is sent, answered, and sent again here, and nowhere else.

use crate::call::{Call, now_ms};
use crate::failure::{Failure, adopt};
use crate::output::Out;
use crate::settings::Settings;
use crate::tree::Node;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, JSON, JsString, Object, Reflect};
use vault_core::http::{Answer, Body, Method, Request, Sink, retry_after_ms};
use vault_core::names::uuid_v4;
use vault_core::retry::Decision;
use vault_core::tree::{Kind, Tree};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(out: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = assign)]
    fn assign(target: &Object, source: &Object) -> Object;
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn parse(text: &JsString) -> Result<JsValue, JsValue>;
}

impl Settings {
    /// Sends a request, again where that may help, and returns the success or what went wrong.
    pub(crate) async fn send(
        &self,
        request: &Request<JsValue>,
        call: &Call,
    ) -> Result<Answer<Node>, Failure> {
        let url = JsValue::from([self.base_url.as_str(), &request.target].concat());
        let body = request.body.as_ref().map(json).transpose()?;
        let key = self.idempotency_key(request, call)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match call
                .cut
                .race(self.attempt(&url, &self.init(request, body.as_ref(), key.as_deref(), call)))
                .await?
            {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => Error::from_answer(request.operation, &answer).into(),
                Err(failure) => failure,
            };
            let Failure::Vault { error, .. } = &failure else { return Err(failure) };
            let random = js_sys::Math::random();
            match self.policy.decide(attempt, request.repeatable, error, call.left_ms(), random) {
                Decision::Stop => return Err(failure),
                Decision::RetryAfter(ms) => pause(ms, call).await?,
            }
        }
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
        call: &Call,
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
            .set("signal", call.cut.signal())
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
        match &call.idempotency_key {
            Some(key) => Ok(Some(key.clone())),
            None if self.policy.max_retries > 0 => random_key().map(Some),
            None => Ok(None),
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
        let text = method(response, "text", &JsValue::UNDEFINED).ok_or_else(|| no_response("no text()"))?;
        let text = adopt(text.map_err(network)?).await.map_err(network)?;
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
