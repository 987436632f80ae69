//! The operations, from JavaScript's options to JavaScript's results.

use crate::call::{Call, CallOptions};
use crate::data_keys::DataKeys;
use crate::failure::Failure;
use crate::key_source::KeySource;
use crate::keyring::CoreKeyring;
use crate::local::{Output, Pair, Plain, Sealed, supplied_key};
use crate::modify::Modify;
use crate::output;
use crate::settings::Settings;
use crate::stream::{CoreOpening, CoreSealing};
use crate::tree::Node;
use js_sys::{Array, JsString, Promise, Uint8Array};
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use vault_core::events::{Event, ListEvents};
use vault_core::http::{Answer, Operation, Request};
use vault_core::keyring::Bounds;
use vault_core::keys::{CreateDataKey, CreateRekey, DataKey, DataKeyPair, DecryptDataKey};
use vault_core::names::ObjectId;
use vault_core::objects::{
    ById, CreateObject, DeleteObject, ListObjects, Object, ObjectMetadata, ObjectSummary, ObjectVersion,
    Page, ReadObjectByName, UpdateObject,
};
use vault_core::scope::Scope;
use vault_core::tree::Tree;
use vault_core::{Code, Error, KeyContext, Problem, value};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use zeroize::Zeroizing;

/// Most requests in flight at once for one call: a Worker's limit of simultaneous connections
/// (Cloudflare, "Workers platform limits").
const CONNECTIONS_MAX: usize = 6;

/// The client behind the package's `VaultClient`.
#[wasm_bindgen]
pub struct CoreClient(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Rc<Settings>,
    pub(crate) scope: Option<Scope>,
}

/// How a value is to be returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Bytes,
}

impl Form {
    /// From `{as}`.
    pub(crate) fn read(options: &Node) -> Result<Self, Error> {
        let form = options.member("as");
        match form.string().as_deref() {
            None if form.is_absent() => Ok(Form::Text),
            Some("text") => Ok(Form::Text),
            Some("bytes") => Ok(Form::Bytes),
            _ => Err(Error::invalid(
                Code::InvalidRequest,
                vec![Problem::new("as", "expected \"text\" or \"bytes\"")],
            )),
        }
    }
}

/// Longest value: quoted as JSON it may be six times as long, and a string of V8's has at most 2^29 characters.
const VALUE_MAX: u32 = 1 << 26;

/// A value that is bytes, in its stored form. What of it passed through this module's memory is wiped.
pub(crate) fn encoded(value: &Node) -> Result<Option<JsValue>, Error> {
    let too_long =
        || Error::invalid(Code::InvalidRequest, vec![Problem::limit("value", "longer than 64 MiB")]);
    if let Some(text) = value.js().dyn_ref::<JsString>() {
        return if text.length() > VALUE_MAX { Err(too_long()) } else { Ok(None) };
    }
    let Some(bytes) = value.bytes() else { return Ok(None) };
    // Base64 is four thirds of it.
    if bytes.length() > VALUE_MAX / 4 * 3 {
        return Err(too_long());
    }
    let bytes = Zeroizing::new(bytes.to_vec());
    let text = Zeroizing::new(value::encode_bytes(&bytes));
    Ok(Some(JsValue::from_str(&text)))
}

/// Reads a call's arguments before the caller can change them, then does the rest in its own time.
#[allow(clippy::unnecessary_wraps)] // see Promised
pub(crate) fn call<T: 'static, F>(
    read: impl FnOnce() -> Result<T, Failure>,
    rest: impl FnOnce(T) -> F + 'static,
) -> Promised
where
    F: Future<Output = Result<JsValue, Failure>>,
{
    let arguments = read();
    Ok(run(async move { rest(arguments?).await }))
}

/// What exported functions return in place of a `Promise`; it is never an error. V8 inlines calls of functions that
/// return one value, and up to version 11.3 (Node 20) a process ends with "Fatal error: unreachable code" where such a
/// call is in an optimized function that has to be deoptimized and the value is a reference. A `Result` is three
/// values.
pub(crate) type Promised = Result<Promise, JsValue>;

pub(crate) fn run(future: impl Future<Output = Result<JsValue, Failure>> + 'static) -> Promise {
    future_to_promise(async { future.await.map_err(Into::into) })
}

#[wasm_bindgen]
impl CoreClient {
    /// From the constructor's options, and what the package knows of them: `{isBrowser, fields}`, the latter
    /// the names of the variables that options were read from.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue, host: JsValue) -> Result<CoreClient, JsValue> {
        let settings = Settings::read(&options.into(), &host.into()).map_err(Failure::from)?;
        Ok(CoreClient(Rc::new(Inner { settings: Rc::new(settings), scope: None })))
    }

    /// The same client within a key context.
    pub fn scoped(&self, context: JsValue) -> Result<CoreClient, JsValue> {
        let context = KeyContext::from_tree(&Node::from(context)).map_err(Failure::from)?;
        let context = match &self.0.scope {
            Some(scope) => scope.merge(&context).map_err(Failure::from)?,
            None => context,
        };
        let settings = self.0.settings.clone();
        Ok(CoreClient(Rc::new(Inner { settings, scope: Some(Scope::new(context)) })))
    }

    /// `createObject`.
    #[wasm_bindgen(js_name = createObject)]
    pub fn create_object(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let options = Node::from(options);
            let encoded = encoded(&options.member("value"))?;
            let create = CreateObject::from_options(&options, encoded, client.scope.as_ref())?;
            Ok((client.clone(), create.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            client.check_context(&answer)?;
            Ok(output::metadata(ObjectMetadata::read_answer(&answer)?))
        })
    }

    /// `listObjects`.
    #[wasm_bindgen(js_name = listObjects)]
    pub fn list_objects(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let list = ListObjects::from_options(&Node::from(options))?;
            Ok((client.clone(), list.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            let mut page = Page::<ObjectSummary<_, _>, _>::read_answer(&answer)?;
            if let Some(scope) = &client.scope {
                client.keep_within(scope, &mut page, Rc::new(call)).await?;
            }
            Ok(output::summaries(page))
        })
    }

    /// `readObject`.
    #[wasm_bindgen(js_name = readObject)]
    pub fn read_object(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let options = Node::from(options);
            let (by_id, form) = (ById::from_options(&options, &["as"])?, Form::read(&options)?);
            Ok((client.clone(), by_id.read_request(), form, client.start(with)?))
        };
        call(read, |(client, request, form, call)| async move {
            Ok(output::object(client.read(&request, form, &call).await?))
        })
    }

    /// `readObjectByName`.
    #[wasm_bindgen(js_name = readObjectByName)]
    pub fn read_object_by_name(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let options = Node::from(options);
            let (by_name, form) = (ReadObjectByName::from_options(&options, &["as"])?, Form::read(&options)?);
            Ok((client.clone(), by_name.into_request(), form, client.start(with)?))
        };
        call(read, |(client, request, form, call)| async move {
            Ok(output::object(client.read(&request, form, &call).await?))
        })
    }

    /// `describeObject`.
    #[wasm_bindgen(js_name = describeObject)]
    pub fn describe_object(&self, options: JsValue, with: JsValue) -> Promised {
        call(self.by_id(options, with), |(client, by_id, call)| async move {
            Ok(output::object(client.describe(&by_id, &call).await?))
        })
    }

    /// `listObjectVersions`.
    #[wasm_bindgen(js_name = listObjectVersions)]
    pub fn list_object_versions(&self, options: JsValue, with: JsValue) -> Promised {
        call(self.by_id(options, with), |(client, by_id, call)| async move {
            client.guard(&by_id.0, &call).await?;
            let answer = client.send(&by_id.versions_request(), &call).await?;
            Ok(output::versions(Page::<ObjectVersion<_, _>, _>::read_answer(&answer)?))
        })
    }

    /// `updateObject`.
    #[wasm_bindgen(js_name = updateObject)]
    pub fn update_object(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let options = Node::from(options);
            let encoded = encoded(&options.member("value"))?;
            Ok((client.clone(), UpdateObject::from_options(&options, encoded)?, client.start(with)?))
        };
        call(read, |(client, update, call)| async move {
            client.guard(&update.id, &call).await?;
            Ok(output::object(client.update(update, false, &call).await?.written()?))
        })
    }

    /// `deleteObject`.
    #[wasm_bindgen(js_name = deleteObject)]
    pub fn delete_object(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read =
            || Ok((client.clone(), DeleteObject::from_options(&Node::from(options))?, client.start(with)?));
        call(read, |(client, delete, call)| async move {
            client.guard(&delete.id, &call).await?;
            client.delete(delete, &call).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// `createDataKey`.
    #[wasm_bindgen(js_name = createDataKey)]
    pub fn create_data_key(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let create = CreateDataKey::from_options(&Node::from(options), client.scope.as_ref())?;
            Ok((client.clone(), create.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            client.check_context(&answer)?;
            Ok(output::pair(DataKeyPair::read_answer(Operation::CreateDataKey, &answer)?))
        })
    }

    /// `decryptDataKey`.
    #[wasm_bindgen(js_name = decryptDataKey)]
    pub fn decrypt_data_key(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            client.unscoped()?;
            let decrypt = DecryptDataKey::from_options(&Node::from(options))?;
            Ok((client.clone(), decrypt.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            Ok(output::data_key(DataKey::read_answer(&answer)?).into())
        })
    }

    /// `createRekey`.
    #[wasm_bindgen(js_name = createRekey)]
    pub fn create_rekey(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            client.unscoped()?;
            let rekey = CreateRekey::from_options(&Node::from(options))?;
            Ok((client.clone(), rekey.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            Ok(output::rekeyed(DataKeyPair::read_answer(Operation::CreateRekey, &answer)?))
        })
    }

    /// `listEvents`: events whose data is named as it travels.
    #[wasm_bindgen(js_name = listEvents)]
    pub fn list_events(&self, options: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let list = ListEvents::from_options(&Node::from(options))?;
            Ok((client.clone(), list.into_request(), client.start(with)?))
        };
        call(read, |(client, request, call)| async move {
            let answer = client.send(&request, &call).await?;
            Ok(output::events(Event::read_answer(&answer)?))
        })
    }

    /// `encrypt` and `encryptBytes`.
    pub fn encrypt(
        &self,
        data: JsValue,
        context: JsValue,
        aad: JsValue,
        options: JsValue,
        as_bytes: bool,
    ) -> Promised {
        self.0.source().encrypt_call(|| self.0.create_for(context), data, aad, options, as_bytes)
    }

    /// `decrypt` and `decryptBytes`.
    pub fn decrypt(&self, envelope: JsValue, aad: JsValue, with: JsValue, as_bytes: bool) -> Promised {
        self.0.source().decrypt_call(envelope, aad, with, as_bytes)
    }

    /// `encryptMany`.
    #[wasm_bindgen(js_name = encryptMany)]
    pub fn encrypt_many(&self, items: JsValue, context: JsValue, options: JsValue) -> Promised {
        self.0.source().encrypt_many_call(|| self.0.create_for(context), items, options)
    }

    /// `decryptMany`.
    #[wasm_bindgen(js_name = decryptMany)]
    pub fn decrypt_many(&self, items: JsValue, with: JsValue) -> Promised {
        self.0.source().decrypt_many_call(items, with)
    }

    /// `encryptStream`. What is wrong with the arguments is thrown at once.
    #[wasm_bindgen(js_name = encryptStream)]
    pub fn encrypt_stream(&self, context: JsValue, options: JsValue) -> Result<CoreSealing, JsValue> {
        Ok(CoreSealing::new(self.0.clone(), context, options)?)
    }

    /// `decryptStream`.
    #[wasm_bindgen(js_name = decryptStream)]
    pub fn decrypt_stream(&self, options: JsValue) -> Result<CoreOpening, JsValue> {
        self.0.unscoped()?;
        Ok(CoreOpening::new(self.0.source(), options)?)
    }

    /// `rekeyEnvelope`; bytes come back as bytes.
    #[wasm_bindgen(js_name = rekeyEnvelope)]
    pub fn rekey_envelope(&self, envelope: JsValue, context: JsValue, with: JsValue) -> Promised {
        let source = self.0.source();
        let as_bytes = !envelope.is_string();
        let read = || {
            source.client.unscoped()?;
            let sealed = Sealed::read(&envelope.into(), &JsValue::UNDEFINED.into(), source.ciphers())?;
            let context = KeyContext::from_tree(&Node::from(context))?;
            let call = source.client.start(with)?;
            Ok((source, sealed, context, call))
        };
        call(read, move |(source, sealed, context, call)| async move {
            source.rekey(&sealed, &context, &call, as_bytes).await
        })
    }

    /// `isStale`.
    #[wasm_bindgen(js_name = isStale)]
    pub fn is_stale(&self, envelope: JsValue, context: JsValue) -> Result<Option<bool>, JsValue> {
        Ok(self.0.source().is_stale_call(|| self.0.create_for(context), envelope)?)
    }

    /// `encryptWith`: an envelope under a data key that the caller has. No request.
    #[wasm_bindgen(js_name = encryptWith)]
    pub fn encrypt_with(&self, pair: JsValue, data: JsValue, aad: JsValue, options: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            client.open()?;
            let pair = Pair::read(&pair.into())?;
            let plain = Plain::read(&data.into(), &aad.into())?;
            Ok((pair, plain, Output::read(&options.into(), false, client.settings.ciphers)?))
        };
        call(read, |(pair, plain, output)| async move { pair.seal(&plain, output).await })
    }

    /// `decryptWith` and `decryptBytesWith`: by a data key that the caller has. No request.
    #[wasm_bindgen(js_name = decryptWith)]
    pub fn decrypt_with(
        &self,
        data_key: JsValue,
        envelope: JsValue,
        aad: JsValue,
        as_bytes: bool,
    ) -> Promised {
        let client = self.0.clone();
        let read = || {
            client.open()?;
            let key = supplied_key(&data_key.into(), "dataKey")?;
            Ok((key, Sealed::read(&envelope.into(), &aad.into(), client.settings.ciphers)?))
        };
        call(read, move |(key, sealed)| async move {
            sealed.open_with(as_bytes, async |_: &[u8]| Ok(Some(key.clone()))).await
        })
    }

    /// The counters of the data keys that are kept; nothing where none are.
    #[wasm_bindgen(js_name = dataKeyCounters)]
    pub fn data_key_counters(&self) -> Result<JsValue, JsValue> {
        Ok(self.0.settings.kept.as_ref().map_or(JsValue::UNDEFINED, |kept| kept.counters()))
    }

    /// `close`: wipes the data keys that are kept, its keyrings' among them. Calls fail afterwards.
    pub fn close(&self) {
        let settings = &self.0.settings;
        settings.closed.set(true);
        let keyrings = settings.keyrings.take().into_iter().filter_map(|kept| kept.upgrade());
        for kept in settings.kept.clone().into_iter().chain(keyrings) {
            kept.close();
        }
    }

    /// `modifyObject`.
    #[wasm_bindgen(js_name = modifyObject)]
    pub fn modify_object(&self, options: JsValue, apply: JsValue, with: JsValue) -> Promised {
        let client = self.0.clone();
        let read = || {
            let modify = Modify::read(&options.into(), apply)?;
            Ok((client.clone(), modify, client.start(with)?))
        };
        call(read, |(client, modify, call)| async move { client.modify(modify, &call).await })
    }

    /// `keyring`.
    pub fn keyring(&self, options: JsValue) -> Result<CoreKeyring, JsValue> {
        self.0.unscoped()?;
        self.0.open()?;
        let options = Node::from(options);
        let bounds = Bounds::of_keyring(&options).map_err(Failure::from)?;
        let create = self.0.create_for(options.member("context").js())?;
        let kept = DataKeys::new(bounds);
        let mut keyrings = self.0.settings.keyrings.borrow_mut();
        keyrings.retain(|kept| kept.strong_count() > 0);
        keyrings.push(Rc::downgrade(&kept));
        let source = KeySource { client: self.0.clone(), kept: Some(kept) };
        Ok(CoreKeyring::new(source, create))
    }
}

impl CoreClient {
    /// Reads `{id}`.
    fn by_id(
        &self,
        options: JsValue,
        with: JsValue,
    ) -> impl FnOnce() -> Result<(Rc<Inner>, ById, Call), Failure> {
        let client = self.0.clone();
        move || {
            let by_id = ById::from_options(&Node::from(options), &[])?;
            let call = client.start(with)?;
            Ok((client, by_id, call))
        }
    }
}

/// Runs futures together, a few at a time, and gives their results in order.
pub(crate) async fn at_once<T: 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + 'static>,
) -> Result<Vec<T>, Failure> {
    let mut results = Vec::new();
    let mut futures = futures.into_iter();
    loop {
        let slots = Rc::new(RefCell::new(Vec::new()));
        let started: Array = futures
            .by_ref()
            .take(CONNECTIONS_MAX)
            .enumerate()
            .map(|(index, future)| {
                slots.borrow_mut().push(None);
                let slots = slots.clone();
                run(async move {
                    let result = future.await;
                    slots.borrow_mut()[index] = Some(result);
                    Ok(JsValue::UNDEFINED)
                })
            })
            .collect();
        if started.length() == 0 {
            return Ok(results);
        }
        JsFuture::from(Promise::all(&started)).await.map_err(Failure::Caller)?;
        results.extend(slots.take().into_iter().flatten());
    }
}

pub(crate) type JsObject = Object<JsValue, js_sys::Date>;

impl Inner {
    pub(crate) fn start(&self, options: JsValue) -> Result<Call, Failure> {
        self.start_with(options, &[])
    }

    /// [`Inner::start`], for an operation that reads more of the options itself.
    pub(crate) fn start_with(&self, options: JsValue, more: &[&str]) -> Result<Call, Failure> {
        self.call_options(options, more)?.start()
    }

    /// What a call is asked for, whose clock is to start later.
    pub(crate) fn call_options(&self, options: JsValue, more: &[&str]) -> Result<CallOptions, Failure> {
        self.open()?;
        CallOptions::read(&options.into(), more, self.settings.times)
    }

    /// Refuses a call on a client that is closed.
    pub(crate) fn open(&self) -> Result<(), Failure> {
        if self.settings.closed.get() {
            return Err(Error::new(Code::InvalidRequest, "the client is closed").into());
        }
        Ok(())
    }

    /// What creates a data key for a context; in a scoped client it starts from the scope.
    pub(crate) fn create_for(&self, context: JsValue) -> Result<CreateDataKey, Failure> {
        Ok(CreateDataKey::for_context(&Node::from(context), self.scope.as_ref())?)
    }

    /// Where data keys come from.
    fn source(self: &Rc<Self>) -> KeySource {
        KeySource { client: self.clone(), kept: self.settings.kept.clone() }
    }

    pub(crate) async fn send(
        &self,
        request: &Request<JsValue>,
        call: &Call,
    ) -> Result<Answer<Node>, Failure> {
        self.settings.send(request, call).await
    }

    /// Reads an object; one outside the scope is refused before its value is looked at.
    pub(crate) async fn read(
        &self,
        request: &Request<JsValue>,
        form: Form,
        call: &Call,
    ) -> Result<JsObject, Failure> {
        let answer = self.send(request, call).await?;
        self.check(&answer)?;
        let mut object = Object::read_answer(request.operation, &answer)?;
        if form == Form::Bytes {
            let text = Zeroizing::new(object.value.as_ref().and_then(JsValue::as_string).unwrap_or_default());
            let bytes = Zeroizing::new(value::decode_bytes(&text)?);
            object.value = Some(Uint8Array::from(&bytes[..]).into());
        }
        Ok(object)
    }

    pub(crate) async fn describe(&self, by_id: &ById, call: &Call) -> Result<JsObject, Failure> {
        let answer = self.send(&by_id.describe_request(), call).await?;
        self.check(&answer)?;
        Ok(Object::read_answer(Operation::DescribeObject, &answer)?)
    }

    /// Refuses what a scoped client cannot check.
    pub(crate) fn unscoped(&self) -> Result<(), Failure> {
        if self.scope.is_none() {
            return Ok(());
        }
        let message =
            "a scoped client cannot tell whose data key this is; use the client that it was made from";
        Err(Error::new(Code::ContextMismatch, message).into())
    }

    /// Checks an answer that shows a context itself against the scope.
    pub(crate) fn check_context(&self, answer: &Answer<Node>) -> Result<(), Error> {
        match (&self.scope, &answer.body) {
            (Some(scope), Some(body)) => scope.check(&body.member("context")),
            _ => Ok(()),
        }
    }

    /// Checks an answer that holds an object against the scope.
    pub(crate) fn check(&self, answer: &Answer<Node>) -> Result<(), Error> {
        match (&self.scope, &answer.body) {
            (Some(scope), Some(body)) => scope.check(&body.member("metadata").member("context")),
            _ => Ok(()),
        }
    }

    /// Before an operation whose answer does not show the context, or comes too late: looks whether the object
    /// is within the scope. A context never changes, so what is seen here still holds afterwards.
    async fn guard(&self, id: &ObjectId, call: &Call) -> Result<(), Failure> {
        if self.scope.is_some() {
            self.describe(&ById(id.clone()), call).await?;
        }
        Ok(())
    }

    /// Keeps the items of a page that are within the scope. A list does not show contexts, so each item is
    /// described, a few at a time; one that is gone by then is left out too.
    async fn keep_within(
        &self,
        scope: &Scope,
        page: &mut Page<ObjectSummary<JsValue, js_sys::Date>, JsValue>,
        call: Rc<Call>,
    ) -> Result<(), Failure> {
        let items = core::mem::take(&mut page.data);
        let looks = items.iter().map(|item| {
            let inner = Inner { settings: self.settings.clone(), scope: Some(scope.clone()) };
            let (id, call) = (item.id.as_string().unwrap_or_default(), call.clone());
            async move {
                let id = ObjectId::new("id", id)
                    .map_err(|problem| Error::invalid(Code::MalformedResponse, vec![problem]))?;
                match inner.describe(&ById(id), &call).await {
                    Ok(_) => Ok(true),
                    Err(failure)
                        if matches!(failure.code(), Some(Code::ContextMismatch | Code::NotFound)) =>
                    {
                        Ok(false)
                    }
                    Err(failure) => {
                        // The page is lost: the other requests need not go on.
                        call.cut.cancel();
                        Err(failure)
                    }
                }
            }
        });
        let looks: Vec<Result<bool, Failure>> = at_once(looks.collect::<Vec<_>>()).await?;
        let mut kept = Vec::with_capacity(items.len());
        let mut lost: Option<Failure> = None;
        for (item, within) in items.into_iter().zip(looks) {
            match within {
                Ok(true) => kept.push(item),
                Ok(false) => {}
                // What ended the others, rather than that they were ended.
                Err(failure) => match &lost {
                    Some(known) if known.code() != Some(Code::Aborted) => {}
                    _ => lost = Some(failure),
                },
            }
        }
        if let Some(failure) = lost {
            return Err(failure);
        }
        page.data = kept;
        Ok(())
    }
}
