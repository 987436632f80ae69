//! Operations and call options, read from what a caller gave before the caller can change it.

use crate::failure::{Failure, invalid, object};
use crate::host::host;
use crate::tree::Node;
use js_sys::JsString;
use vault_core::envelope::Layout;
use vault_core::events::ListEvents;
use vault_core::http::{Operation, Request, Sink};
use vault_core::keys::{CreateDataKey, CreateRekey, DecryptDataKey};
use vault_core::objects::{ById, CreateObject, DeleteObject, ListObjects, ReadObjectByName, UpdateObject};
use vault_core::reader::Reader;
use vault_core::scope::Scope;
use vault_core::stream::{CHUNK_DEFAULT, CHUNK_MAX, CHUNK_MIN};
use vault_core::tree::{Kind, Tree, decimal, expected};
use vault_core::{Code, Error, KeyContext, Problem, value};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// The longest time that `setTimeout` can wait.
const TIMEOUT_MAX_MS: u64 = 0x7fff_ffff;
/// Longest value: quoted as JSON it may be six times as long, and a string of V8's has at most 2^29 characters.
const VALUE_MAX: u32 = 1 << 26;
const MODIFY_ATTEMPTS_DEFAULT: u32 = 5;
const MODIFY_ATTEMPTS_MAX: u64 = 100;

/// A request of an operation (by its place in [`Operation::ALL`]) with these options, and in this scope, where there
/// is one.
#[wasm_bindgen]
pub fn prepare(operation: u8, options: JsValue, scope: JsValue) -> Result<JsValue, JsValue> {
    Ok(prepared(operation, &options.into(), scope)?)
}

fn prepared(operation: u8, options: &Node, scope: JsValue) -> Result<JsValue, Failure> {
    let scope = scope_from(scope)?;
    let scope = scope.as_ref();
    let request = match operation_of(operation) {
        Operation::CreateObject => {
            CreateObject::from_options(options, encoded(options)?, scope)?.into_request()
        }
        Operation::ListObjects => ListObjects::from_options(options)?.into_request(),
        Operation::ReadObject => ById::from_options(options, &["as"])?.read_request(),
        Operation::ReadObjectByName => ReadObjectByName::from_options(options, &["as"])?.into_request(),
        Operation::DescribeObject => ById::from_options(options, &[])?.describe_request(),
        Operation::ListObjectVersions => ById::from_options(options, &[])?.versions_request(),
        Operation::UpdateObject => UpdateObject::from_options(options, encoded(options)?)?.into_request(),
        Operation::DeleteObject => DeleteObject::from_options(options)?.into_request(),
        Operation::CreateDataKey => CreateDataKey::from_options(options, scope)?.into_request(),
        Operation::DecryptDataKey => DecryptDataKey::from_options(options)?.into_request(),
        Operation::CreateRekey => CreateRekey::from_options(options)?.into_request(),
        Operation::ListEvents => ListEvents::from_options(options)?.into_request(),
    };
    let reads = matches!(request.operation, Operation::ReadObject | Operation::ReadObjectByName);
    handed(&request, reads && as_bytes(options)?)
}

pub(crate) fn operation_of(place: u8) -> Operation {
    Operation::ALL.get(usize::from(place)).copied().unwrap_or(Operation::ReadObject)
}

/// An operation's name, and its route: the path with `{id}` and `{name}` for what differs.
#[wasm_bindgen(js_name = describeOperation)]
pub fn describe_operation(operation: u8) -> Vec<String> {
    let operation = operation_of(operation);
    vec![operation.as_str().into(), operation.route().into()]
}

/// Makes the request JavaScript's. Its value is quoted there and never enters this module's memory.
pub(crate) fn handed(request: &Request<JsValue>, bytes: bool) -> Result<JsValue, Failure> {
    let mut json = Json::default();
    if let Some(body) = &request.body {
        body.write(&mut json);
    }
    let made = host(|host| {
        host.request(
            request.operation as u8,
            request.method as u8,
            &request.target,
            &json.head,
            &json.value,
            &json.tail,
            request.repeatable,
            bytes,
        )
    });
    let too_long = || {
        Error::invalid(
            Code::InvalidRequest,
            vec![Problem::limit("value", "too long for JSON in this runtime")],
        )
    };
    made.unwrap_or(Ok(JsValue::UNDEFINED)).map_err(|cause| Failure::of(too_long(), cause))
}

/// A body, cut where a string of JavaScript's goes. No operation sends two.
#[derive(Default)]
struct Json {
    head: String,
    value: JsValue,
    tail: String,
}

impl Sink<JsValue> for Json {
    fn json(&mut self, piece: &str) {
        let to = if self.value.is_undefined() { &mut self.head } else { &mut self.tail };
        to.push_str(piece);
    }

    fn text(&mut self, text: &JsValue) {
        self.value.clone_from(text);
    }
}

/// A `value` that is bytes, in its stored form.
fn encoded(options: &Node) -> Result<Option<JsValue>, Failure> {
    let value = options.member("value");
    let too_long = || Failure::from(Problem::limit("value", "longer than 64 MiB"));
    if let Some(text) = value.js().dyn_ref::<JsString>() {
        return if text.length() > VALUE_MAX { Err(too_long()) } else { Ok(None) };
    }
    let Some(bytes) = value.bytes() else { return Ok(None) };
    // Base64 is four thirds of it.
    if bytes.length() > VALUE_MAX / 4 * 3 {
        return Err(too_long());
    }
    let text = host(|host| host.to_base64(&bytes)).unwrap_or_default();
    Ok(Some(JsString::from(value::PREFIX).concat(&text).into()))
}

fn scope_from(scope: JsValue) -> Result<Option<Scope>, Error> {
    let scope = Node::from(scope);
    if scope.is_absent() { Ok(None) } else { KeyContext::from_tree(&scope).map(Scope::new).map(Some) }
}

/// A scope within a scope, as a plain context.
#[wasm_bindgen(js_name = scopeOf)]
pub fn scope_of(context: JsValue, within: JsValue) -> Result<JsValue, JsValue> {
    let context = KeyContext::from_tree(&Node::from(context)).map_err(Failure::from)?;
    let merged = match scope_from(within).map_err(Failure::from)? {
        Some(scope) => scope.merge(&context).map_err(Failure::from)?,
        None => context,
    };
    crate::context::to_js(&merged)
}

/// The request for a data key of a context given by itself, and the text that equal contexts share.
#[wasm_bindgen(js_name = prepareDataKey)]
pub fn prepare_data_key(context: JsValue, scope: JsValue) -> Result<JsValue, JsValue> {
    let scope = scope_from(scope).map_err(Failure::from)?;
    let create = CreateDataKey::for_context(&Node::from(context), scope.as_ref()).map_err(Failure::from)?;
    let key = JsValue::from(create.0.canonical_json());
    let request = handed(&create.into_request(), false)?;
    let _ = js_sys::Reflect::set(&request, &"contextKey".into(), &key);
    Ok(request)
}

/// The request that wraps an envelope's keys for another context.
#[wasm_bindgen(js_name = prepareRekey)]
pub fn prepare_rekey(encrypted_keys: String, context: JsValue) -> Result<JsValue, JsValue> {
    let context = KeyContext::from_tree(&Node::from(context)).map_err(Failure::from)?;
    Ok(handed(&CreateRekey { encrypted_keys, context }.into_request(), false)?)
}

/// What `modifyObject` is asked for: `{read, attempts, applied}`.
#[wasm_bindgen(js_name = modifyOptions)]
pub fn modify_options(options: JsValue, change: &JsValue) -> Result<JsValue, JsValue> {
    Ok(modify(&options.into(), change)?)
}

fn modify(options: &Node, change: &JsValue) -> Result<JsValue, Failure> {
    if !change.is_function() {
        let message = "expected a function that takes the current object and returns its next value";
        return Err(invalid("change", message));
    }
    let by_name = options.member("id").is_absent() && !options.member("name").is_absent();
    let more = ["as", "maxAttempts", "applied"];
    let read = if by_name {
        ReadObjectByName::from_options(options, &more)?.into_request()
    } else {
        ById::from_options(options, &more)?.read_request()
    };
    let attempts = whole(options, "maxAttempts", 1, MODIFY_ATTEMPTS_MAX)?.unwrap_or(MODIFY_ATTEMPTS_DEFAULT);
    let applied = options.member("applied");
    if !applied.is_absent() && !applied.js().is_function() {
        return Err(invalid("applied", expected("a function", applied.kind())));
    }
    Ok(object(&[
        ("read", handed(&read, as_bytes(options)?)?),
        ("attempts", attempts.into()),
        ("applied", applied.js()),
    ]))
}

/// Whether a value is to be returned as bytes, from `{as}`.
fn as_bytes(options: &Node) -> Result<bool, Failure> {
    let form = options.member("as");
    match form.string().as_deref() {
        None if form.is_absent() => Ok(false),
        Some("text") => Ok(false),
        Some("bytes") => Ok(true),
        _ => Err(invalid("as", "expected \"text\" or \"bytes\"")),
    }
}

/// Names that an operation reads from the options of the call besides its own.
const MORE: [&[&str]; 4] = [&[], &["layout"], &["associatedData", "chunkSize"], &["associatedData"]];

/// The options of a call: `{signal, timeoutMs, attemptTimeoutMs, idempotencyKey}`, and those at that place of
/// `MORE`.
#[wasm_bindgen(js_name = callOptions)]
pub fn call_options(options: JsValue, more: usize) -> Result<JsValue, JsValue> {
    Ok(call(&options.into(), more)?)
}

fn call(options: &Node, more: usize) -> Result<JsValue, Failure> {
    if options.kind() != Kind::Object {
        return Err(invalid("call options", expected("an object like { signal }", options.kind())));
    }
    let more = MORE.get(more).copied().unwrap_or_default();
    let mut names = Reader::options(options);
    names.only(&[&["signal", "timeoutMs", "attemptTimeoutMs", "idempotencyKey"], more].concat());
    if !names.problems.is_empty() {
        return Err(Error::invalid(Code::InvalidRequest, names.problems).into());
    }
    let mut read = vec![
        ("signal", signal(&options.member("signal"))?),
        ("idempotencyKey", idempotency_key(&options.member("idempotencyKey"))?.into()),
        ("timeoutMs", timeout(options, "timeoutMs")?.into()),
        ("attemptTimeoutMs", timeout(options, "attemptTimeoutMs")?.into()),
    ];
    for name in more {
        read.push((
            *name,
            match *name {
                "layout" => is_go(&options.member(name))?.into(),
                "chunkSize" => whole(options, name, CHUNK_MIN, CHUNK_MAX)?.unwrap_or(CHUNK_DEFAULT).into(),
                _ => options.member(name).js(),
            },
        ));
    }
    Ok(object(&read))
}

/// Whether an envelope is to have the Go SDK's layout.
fn is_go(layout: &Node) -> Result<bool, Failure> {
    if layout.is_absent() {
        return Ok(false);
    }
    let named = layout.string().and_then(|name| Layout::parse(&name));
    let named = named.ok_or_else(|| invalid("layout", "expected \"standard\" or \"go\""))?;
    Ok(named == Layout::Go)
}

/// The same, of `encryptWith`'s options, which have nothing else.
#[wasm_bindgen(js_name = goLayout)]
pub fn go_layout(options: JsValue) -> Result<bool, JsValue> {
    Ok(is_go(&Node::from(options).member("layout"))?)
}

fn signal(member: &Node) -> Result<JsValue, Failure> {
    match member.js() {
        signal if signal.is_instance_of::<AbortSignal>() => Ok(signal),
        _ if member.is_absent() => Ok(JsValue::UNDEFINED),
        _ => Err(invalid("signal", expected("an AbortSignal", member.kind()))),
    }
}

fn idempotency_key(member: &Node) -> Result<Option<String>, Failure> {
    if member.is_absent() {
        return Ok(None);
    }
    // It becomes a header's value.
    let fits = |key: &String| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
    };
    let key = member.string().filter(fits);
    key.map(Some).ok_or_else(|| invalid("idempotencyKey", "expected 1 to 255 visible ASCII characters"))
}

/// A time-out, which may be absent.
pub(crate) fn timeout(options: &Node, name: &str) -> Result<Option<u32>, Problem> {
    whole(options, name, 1, TIMEOUT_MAX_MS)
}

/// A whole number that may be absent.
pub(crate) fn whole(options: &Node, name: &str, low: u64, high: u64) -> Result<Option<u32>, Problem> {
    let member = options.member(name);
    match member.kind() {
        Kind::Missing | Kind::Null => Ok(None),
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Kind::Number(n) if n.fract() == 0.0 && n >= low as f64 && n <= high as f64 => Ok(Some(n as u32)),
        got => {
            let what = ["a whole number from ", &decimal(low), " to ", &decimal(high)].concat();
            Err(Problem::new(name, expected(&what, got)))
        }
    }
}
