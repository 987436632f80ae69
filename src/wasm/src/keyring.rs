//! A keyring: many messages under one data key, within bounds.
//!
//! Those who wait for a key share one request. What they share is a JavaScript promise, not a Rust task: in
//! workerd a promise settles in the request that awaits it, whoever started it.

use crate::call::Call;
use crate::client::{Inner, call, run};
use crate::cut::Cut;
use crate::failure::{Failure, as_number};
use crate::local::{Output, Pair, Plain, Sealed};
use crate::output::Out;
use js_sys::{Date, Promise};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use vault_core::cipher::{self, Key};
use vault_core::keyring::{Active, Bounds, Choice, Opened};
use vault_core::keys::CreateDataKey;
use vault_core::{Code, Error, Problem};
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

struct Flight {
    /// Resolves to nothing, or to the error.
    promise: Promise,
    since_ms: u64,
}

struct State {
    bounds: Bounds,
    active: Option<Active>,
    opened: Opened,
    renewing: Option<Flight>,
    opening: HashMap<Vec<u8>, Flight>,
    counters: Counters,
    closed: bool,
}

/// The keyring behind the package's `Keyring`.
#[wasm_bindgen]
pub struct CoreKeyring(Rc<Ring>);

struct Ring {
    client: Rc<Inner>,
    create: CreateDataKey,
    state: RefCell<State>,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn now_ms() -> u64 {
    Date::now() as u64
}

fn closed() -> Failure {
    Error::new(Code::InvalidRequest, "the keyring is closed").into()
}

impl CoreKeyring {
    pub(crate) fn new(client: Rc<Inner>, create: CreateDataKey, bounds: Bounds) -> Self {
        let state = State {
            bounds,
            active: None,
            opened: Opened::default(),
            renewing: None,
            opening: HashMap::new(),
            counters: Counters::default(),
            closed: false,
        };
        CoreKeyring(Rc::new(Ring { client, create, state: RefCell::new(state) }))
    }
}

#[wasm_bindgen]
impl CoreKeyring {
    /// `encrypt` and `encryptBytes`.
    pub fn encrypt(&self, data: JsValue, aad: JsValue, options: JsValue, as_bytes: bool) -> Promise {
        let ring = self.0.clone();
        let read = || {
            let plain = Plain::read(&data.into(), &aad.into())?;
            let output = Output::read(&options.clone().into(), as_bytes)?;
            Ok((ring.clone(), plain, output, ring.client.start(options)?))
        };
        call(read, |(ring, plain, output, call)| async move {
            let pair = ring.pair(plain.length(), &call).await?;
            call.cut.race(pair.seal(&plain, output)).await?
        })
    }

    /// `decrypt` and `decryptBytes`.
    pub fn decrypt(&self, envelope: JsValue, aad: JsValue, with: JsValue, as_bytes: bool) -> Promise {
        let ring = self.0.clone();
        let read = || {
            let sealed = Sealed::read(&envelope.into(), &aad.into())?;
            Ok((ring.clone(), sealed, ring.client.start(with)?))
        };
        call(read, move |(ring, sealed, call)| async move {
            let mut refused: Vec<&[u8]> = Vec::new();
            for parts in sealed.readings() {
                if refused.contains(&parts.keys) {
                    continue;
                }
                let Some(key) = ring.open(parts.keys, &call).await? else {
                    refused.push(parts.keys);
                    continue;
                };
                if let Some(plaintext) = call.cut.race(sealed.open(&key, &parts, as_bytes)).await?? {
                    return Ok(plaintext);
                }
            }
            Err(cipher::failed().into())
        })
    }

    /// `{hits, misses, apiCalls}`.
    pub fn counters(&self) -> JsValue {
        let state = self.0.state.borrow();
        let Counters { hits, misses, api_calls } = state.counters;
        let out = Out::new().set("hits", as_number(hits)).set("misses", as_number(misses));
        out.set("apiCalls", as_number(api_calls)).into()
    }

    /// Wipes every key. Whatever is called afterwards fails.
    pub fn close(&self) {
        let mut state = self.0.state.borrow_mut();
        state.closed = true;
        state.active = None;
        state.opened = Opened::default();
    }
}

impl Ring {
    /// The key for a message of so many bytes, counted.
    async fn pair(self: &Rc<Self>, bytes: u64, call: &Call) -> Result<Pair, Failure> {
        let mut waited = false;
        loop {
            let promise = {
                let mut state = self.state.borrow_mut();
                if state.closed {
                    return Err(closed());
                }
                if bytes > state.bounds.max_bytes {
                    let problem = Problem::limit("data", "more than the keyring's maxBytes");
                    return Err(Error::invalid(Code::InvalidRequest, vec![problem]).into());
                }
                let bounds = state.bounds;
                let choice =
                    state.active.as_ref().map_or(Choice::Renew, |key| key.choice(&bounds, now_ms(), bytes));
                if choice != Choice::Use && !is_under_way(state.renewing.as_ref()) {
                    state.counters.api_calls += 1;
                    state.renewing = Some(self.renew());
                }
                match (&mut state.active, choice) {
                    (Some(active), Choice::Use | Choice::UseAndRenew) => {
                        active.count(bytes);
                        let pair = Pair::of(active.key.clone(), active.keys.clone());
                        if !waited {
                            state.counters.hits += 1;
                        }
                        return Ok(pair);
                    }
                    _ => state.renewing.as_ref().map(|flight| flight.promise.clone()),
                }
            };
            if !waited {
                self.state.borrow_mut().counters.misses += 1;
                waited = true;
            }
            wait(promise, call).await?;
        }
    }

    /// Fetches the next key, for whoever waits; its time-out is the client's.
    fn renew(self: &Rc<Self>) -> Flight {
        let ring = self.clone();
        flight(async move {
            let call = ring.client.start(JsValue::UNDEFINED)?;
            let fetched = ring.client.fresh_pair(ring.create.clone(), &call).await;
            let mut state = ring.state.borrow_mut();
            state.renewing = None;
            let (key, keys) = fetched?.into_parts();
            if !state.closed {
                state.active = Some(Active::new(key, keys, now_ms()));
            }
            Ok(())
        })
    }

    /// The key of a blob; nothing where the service does not take it.
    async fn open(self: &Rc<Self>, blob: &[u8], call: &Call) -> Result<Option<Key>, Failure> {
        loop {
            match self.look(blob)? {
                Look::Here(key) => return Ok(Some(key)),
                Look::Alone => return self.client.unwrap_key(blob, call).await,
                Look::Coming(promise) => {
                    if wait(Some(promise), call).await? {
                        let mut state = self.state.borrow_mut();
                        let bounds = state.bounds;
                        return Ok(state.opened.get(blob, &bounds, now_ms()));
                    }
                }
            }
        }
    }

    fn look(self: &Rc<Self>, blob: &[u8]) -> Result<Look, Failure> {
        let mut state = self.state.borrow_mut();
        if state.closed {
            return Err(closed());
        }
        let bounds = state.bounds;
        if let Some(key) = state.opened.get(blob, &bounds, now_ms()) {
            state.counters.hits += 1;
            return Ok(Look::Here(key));
        }
        state.counters.misses += 1;
        // Without a cache there is nowhere for a shared answer to be left.
        if bounds.max_opened == 0 {
            state.counters.api_calls += 1;
            return Ok(Look::Alone);
        }
        if let Some(flight) = state.opening.get(blob).filter(|flight| is_under_way(Some(flight))) {
            return Ok(Look::Coming(flight.promise.clone()));
        }
        state.counters.api_calls += 1;
        let flight = self.unwrap(blob.to_vec());
        let promise = flight.promise.clone();
        state.opening.insert(blob.to_vec(), flight);
        Ok(Look::Coming(promise))
    }

    fn unwrap(self: &Rc<Self>, blob: Vec<u8>) -> Flight {
        let ring = self.clone();
        flight(async move {
            let call = ring.client.start(JsValue::UNDEFINED)?;
            let fetched = ring.client.unwrap_key(&blob, &call).await;
            let mut state = ring.state.borrow_mut();
            state.opening.remove(&blob);
            if let (Some(key), false) = (fetched?, state.closed) {
                let bounds = state.bounds;
                state.opened.keep(&blob, key, &bounds, now_ms());
            }
            Ok(())
        })
    }
}

/// Where the key of a blob is.
enum Look {
    Here(Key),
    /// Somebody's request will bring it.
    Coming(Promise),
    /// Nowhere, and it would not be kept.
    Alone,
}

fn is_under_way(flight: Option<&Flight>) -> bool {
    flight.is_some_and(|flight| now_ms().saturating_sub(flight.since_ms) < u64::from(LOST_AFTER_MS))
}

/// Starts a request that several may wait for. Nobody has to: its promise never rejects.
fn flight(future: impl Future<Output = Result<(), Failure>> + 'static) -> Flight {
    let promise = run(async move {
        Ok(match future.await {
            Ok(()) => JsValue::UNDEFINED,
            Err(failure) => failure.into(),
        })
    });
    Flight { promise, since_ms: now_ms() }
}

/// Waits for another's request. `false` where it has to be given up for lost: then look again.
async fn wait(promise: Option<Promise>, call: &Call) -> Result<bool, Failure> {
    let Some(promise) = promise else { return Ok(false) };
    let patience = Cut::new(LOST_AFTER_MS, None)?;
    match call.cut.race(patience.race(JsFuture::from(promise))).await? {
        Err(_) => Ok(false),
        Ok(settled) => {
            let error = settled.map_err(Failure::Caller)?;
            if error.is_undefined() { Ok(true) } else { Err(Failure::Caller(error)) }
        }
    }
}
