//! Data keys that are kept: for each context the one in use, and those that were unwrapped. A keyring has some for
//! its one context; a client's cache for as many as it may.
//!
//! Those who wait for a key share one request. What they share is a JavaScript promise, not a Rust task: in
//! workerd a promise settles in the request that awaits it, whoever started it.

use crate::call::{Call, now_ms};
use crate::client::{Inner, run};
use crate::cut::Cut;
use crate::failure::{Failure, as_number};
use crate::local::Pair;
use crate::output::Out;
use js_sys::Promise;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use vault_core::cipher::Key;
use vault_core::keyring::{Active, Bounds, Choice, Opened};
use vault_core::keys::CreateDataKey;
use vault_core::{Code, Error, KeyContext, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// After so long a request for a key is given up for lost (the Worker's request that sent it may have been cancelled,
/// and then it never settles), and whoever needs the key sends another.
const LOST_AFTER_MS: u32 = 10_000;

#[derive(Default)]
struct Counters {
    hits: u64,
    misses: u64,
    api_calls: u64,
}

/// A request that several may wait for. What it brings is handed to each of them, whatever became of the kept keys
/// in the meantime.
#[derive(Clone)]
struct Flight {
    /// Resolves to nothing, or to the error.
    promise: Promise,
    since_ms: u64,
    /// The key, once it is there; nothing where the service did not take the blob.
    key: Rc<OnceCell<Option<Rc<Key>>>>,
}

impl Flight {
    /// Starts it. Nobody has to wait: its promise never rejects.
    fn start(future: impl Future<Output = Result<Option<Rc<Key>>, Failure>> + 'static) -> Self {
        let key = Rc::new(OnceCell::new());
        let arrived = key.clone();
        let promise = run(async move {
            Ok(match future.await {
                Ok(key) => {
                    let _ = arrived.set(key);
                    JsValue::UNDEFINED
                }
                Err(failure) => failure.into(),
            })
        });
        Flight { promise, since_ms: now_ms(), key }
    }

    fn is_under_way(&self) -> bool {
        now_ms().saturating_sub(self.since_ms) < u64::from(LOST_AFTER_MS)
    }
}

/// A context's key in use, and the request for the next.
#[derive(Default)]
struct Slot {
    active: Option<Active>,
    renewing: Option<Flight>,
    used: u64,
}

#[derive(Default)]
struct State {
    slots: HashMap<KeyContext, Slot>,
    /// Counts uses: the order in which contexts give way.
    uses: u64,
    opened: Opened,
    opening: HashMap<Vec<u8>, Flight>,
    counters: Counters,
    closed: bool,
}

pub(crate) struct DataKeys {
    bounds: Bounds,
    state: RefCell<State>,
}

fn closed() -> Failure {
    Error::new(Code::InvalidRequest, "the data keys are closed; make another keyring, or client").into()
}

impl DataKeys {
    pub(crate) fn new(bounds: Bounds) -> Rc<Self> {
        Rc::new(DataKeys { bounds, state: RefCell::default() })
    }

    /// Refuses more bytes than one key may encrypt.
    pub(crate) fn check(&self, bytes: u64) -> Result<(), Failure> {
        if bytes > self.bounds.max_bytes {
            let problem = Problem::limit("data", "more than the maxBytes that one data key may encrypt");
            return Err(Error::invalid(Code::InvalidRequest, vec![problem]).into());
        }
        Ok(())
    }

    /// The key for a message of so many bytes, counted.
    pub(crate) async fn pair(
        self: &Rc<Self>,
        client: &Rc<Inner>,
        create: &CreateDataKey,
        bytes: u64,
        call: &Call,
    ) -> Result<Pair, Failure> {
        self.check(bytes)?;
        let mut waited = false;
        loop {
            let promise = match self.look_for(client, create, bytes)? {
                Ok(pair) => {
                    self.state.borrow_mut().counters.hits += u64::from(!waited);
                    return Ok(pair);
                }
                Err(promise) => promise,
            };
            if !waited {
                self.state.borrow_mut().counters.misses += 1;
                waited = true;
            }
            wait(&promise, call).await?;
        }
    }

    /// The key at hand, or what to wait for.
    fn look_for(
        self: &Rc<Self>,
        client: &Rc<Inner>,
        create: &CreateDataKey,
        bytes: u64,
    ) -> Result<Result<Pair, Promise>, Failure> {
        let mut state = self.state.borrow_mut();
        if state.closed {
            return Err(closed());
        }
        let State { slots, uses, counters, .. } = &mut *state;
        *uses += 1;
        if !slots.contains_key(&create.0) {
            self.make_room(slots);
        }
        let slot = slots.entry(create.0.clone()).or_default();
        slot.used = *uses;
        let Slot { active, renewing, .. } = slot;
        let choice =
            active.as_ref().map_or(Choice::Renew, |active| active.choice(&self.bounds, now_ms(), bytes));
        if choice != Choice::Use && !renewing.as_ref().is_some_and(Flight::is_under_way) {
            counters.api_calls += 1;
            *renewing = Some(self.renew(client, create));
        }
        match (active, renewing) {
            (Some(active), _) if choice != Choice::Renew => {
                active.count(bytes);
                Ok(Ok(Pair { key: active.key.clone(), keys: active.keys.clone() }))
            }
            (_, Some(flight)) => Ok(Err(flight.promise.clone())),
            (_, None) => Err(closed()),
        }
    }

    /// Drops the context used longest ago where there are too many. One that a key is on its way for stays.
    fn make_room(&self, slots: &mut HashMap<KeyContext, Slot>) {
        while slots.len() as u64 >= self.bounds.max_contexts {
            let idle =
                slots.iter().filter(|(_, slot)| !slot.renewing.as_ref().is_some_and(Flight::is_under_way));
            let Some(last) = idle.min_by_key(|(_, slot)| slot.used).map(|(context, _)| context.clone())
            else {
                return;
            };
            slots.remove(&last);
        }
    }

    /// Fetches a context's next key, for whoever waits; its time-out is the client's.
    fn renew(self: &Rc<Self>, client: &Rc<Inner>, create: &CreateDataKey) -> Flight {
        let (kept, client, create) = (self.clone(), client.clone(), create.clone());
        Flight::start(async move {
            let call = client.start(JsValue::UNDEFINED)?;
            let fetched = client.fresh_pair(create.clone(), &call).await;
            if let Ok(pair) = &fetched {
                kept.learn(pair, &create.0);
            }
            let mut state = kept.state.borrow_mut();
            let mut slot = state.slots.get_mut(&create.0);
            if let Some(slot) = &mut slot {
                slot.renewing = None;
            }
            let Pair { key, keys } = fetched?;
            if let Some(slot) = slot {
                slot.active = Some(Active::new(key.clone(), keys, now_ms()));
            }
            Ok(Some(key))
        })
    }

    /// Keeps a key whose context is known, for decryption.
    pub(crate) fn learn(&self, pair: &Pair, context: &KeyContext) {
        let mut state = self.state.borrow_mut();
        if !state.closed {
            let context = Some(Rc::new(context.clone()));
            state.opened.keep(&pair.keys, pair.key.clone(), context, &self.bounds, now_ms());
        }
    }

    /// The context that a blob's key is known to be wrapped under.
    pub(crate) fn context_of(&self, blob: &[u8]) -> Option<KeyContext> {
        self.state.borrow().opened.context(blob).cloned()
    }

    /// The key of a blob; nothing where the service does not take it.
    pub(crate) async fn open(
        self: &Rc<Self>,
        client: &Rc<Inner>,
        blob: &[u8],
        call: &Call,
    ) -> Result<Option<Rc<Key>>, Failure> {
        let mut waited = false;
        loop {
            match self.look(client, blob, waited)? {
                Look::Here(key) => return Ok(Some(key)),
                Look::Alone => return client.unwrap_key(blob, call).await,
                Look::Coming(flight) => {
                    wait(&flight.promise, call).await?;
                    if let Some(key) = flight.key.get() {
                        return Ok(key.clone());
                    }
                    waited = true;
                }
            }
        }
    }

    fn look(self: &Rc<Self>, client: &Rc<Inner>, blob: &[u8], again: bool) -> Result<Look, Failure> {
        let mut state = self.state.borrow_mut();
        if state.closed {
            return Err(closed());
        }
        if let Some(key) = state.opened.get(blob, &self.bounds, now_ms()) {
            state.counters.hits += u64::from(!again);
            return Ok(Look::Here(key));
        }
        state.counters.misses += u64::from(!again);
        // Without a cache there is nowhere for a shared answer to be left.
        if self.bounds.max_opened == 0 {
            state.counters.api_calls += 1;
            return Ok(Look::Alone);
        }
        if let Some(flight) = state.opening.get(blob).filter(|flight| flight.is_under_way()) {
            return Ok(Look::Coming(flight.clone()));
        }
        state.counters.api_calls += 1;
        let flight = self.fetch(client, blob.to_vec());
        state.opening.insert(blob.to_vec(), flight.clone());
        Ok(Look::Coming(flight))
    }

    fn fetch(self: &Rc<Self>, client: &Rc<Inner>, blob: Vec<u8>) -> Flight {
        let (kept, client) = (self.clone(), client.clone());
        Flight::start(async move {
            let call = client.start(JsValue::UNDEFINED)?;
            let fetched = client.unwrap_key(&blob, &call).await;
            let mut state = kept.state.borrow_mut();
            state.opening.remove(&blob);
            let key = fetched?;
            if let (Some(key), false) = (&key, state.closed) {
                state.opened.keep(&blob, key.clone(), None, &kept.bounds, now_ms());
            }
            Ok(key)
        })
    }

    /// `{hits, misses, apiCalls}`.
    pub(crate) fn counters(&self) -> JsValue {
        let Counters { hits, misses, api_calls } = self.state.borrow().counters;
        let out = Out::new().set("hits", as_number(hits)).set("misses", as_number(misses));
        out.set("apiCalls", as_number(api_calls)).into()
    }

    /// Wipes every key. Whatever is called afterwards fails.
    pub(crate) fn close(&self) {
        let mut state = self.state.borrow_mut();
        state.closed = true;
        state.slots.clear();
        state.opened = Opened::default();
    }
}

/// Where the key of a blob is.
enum Look {
    Here(Rc<Key>),
    /// Somebody's request will bring it.
    Coming(Flight),
    /// Nowhere, and it would not be kept.
    Alone,
}

/// Waits for another's request until it has settled, or has to be given up for lost.
async fn wait(promise: &Promise, call: &Call) -> Result<(), Failure> {
    let patience = Cut::new(LOST_AFTER_MS, None)?;
    match call.cut.race(patience.race(JsFuture::from(promise.clone()))).await? {
        Err(_) => Ok(()),
        Ok(settled) => {
            let error = settled.map_err(Failure::Caller)?;
            if error.is_undefined() { Ok(()) } else { Err(Failure::Caller(error)) }
        }
    }
}
