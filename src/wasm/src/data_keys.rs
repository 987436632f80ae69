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
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use vault_core::cipher::Key;
use vault_core::keyring::{Active, Bounds, Choice, Opened};
use vault_core::keys::CreateDataKey;
use vault_core::{Code, Error, KeyContext, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// After so long a request for a key is given up for lost (the Worker's request that sent it may have been cancelled,
/// and then it never settles), and whoever needs the key sends another.
const LOST_AFTER_MS: u64 = 10_000;
/// The same for a request that nobody waits for, as it was sent ahead: in workerd it ends with the Worker's request that
/// sent it, which may be long over.
const AHEAD_LOST_AFTER_MS: u64 = 1_000;

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
    lost_after_ms: u64,
    /// Whether another was sent in its place.
    replaced: Rc<Cell<bool>>,
    /// Ends it.
    call: Weak<Call>,
    /// The key, once it is there; nothing where the service did not take the blob.
    key: Rc<OnceCell<Option<Rc<Key>>>>,
}

impl Flight {
    /// Starts it, under the client's time-out. Nobody has to wait: its promise never rejects.
    fn start<F: Future<Output = Result<Option<Rc<Key>>, Failure>> + 'static>(
        client: &Inner,
        lost_after_ms: u64,
        work: impl FnOnce(Rc<Call>, Rc<Cell<bool>>) -> F + 'static,
    ) -> Result<Self, Failure> {
        let call = Rc::new(client.start(JsValue::UNDEFINED)?);
        let weak = Rc::downgrade(&call);
        let key = Rc::new(OnceCell::new());
        let (arrived, replaced) = (key.clone(), Rc::new(Cell::new(false)));
        let work = work(call, replaced.clone());
        let promise = run(async move {
            Ok(match work.await {
                Ok(key) => {
                    let _ = arrived.set(key);
                    JsValue::UNDEFINED
                }
                Err(failure) => failure.into(),
            })
        });
        Ok(Flight { promise, since_ms: now_ms(), lost_after_ms, replaced, call: weak, key })
    }

    /// How long it is still believed in; nothing where it is lost.
    fn left_ms(&self) -> Option<u32> {
        // A clock that went back says nothing of its age.
        let age = now_ms().checked_sub(self.since_ms)?;
        self.lost_after_ms.checked_sub(age).filter(|left| *left > 0).and_then(|left| u32::try_from(left).ok())
    }

    fn is_under_way(&self) -> bool {
        self.left_ms().is_some()
    }

    /// Ends it when nothing here is borrowed any more: ending it runs others' code.
    fn give_up(self) {
        self.replaced.set(true);
        spawn_local(async move { self.cancel() });
    }

    fn cancel(&self) {
        if let Some(call) = self.call.upgrade() {
            call.cut.cancel();
        }
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
    /// No key in use was born before.
    oldest_ms: u64,
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
            let flight = match self.look_for(client, create, bytes)? {
                Ok(pair) => {
                    self.state.borrow_mut().counters.hits += u64::from(!waited);
                    return Ok(pair);
                }
                Err(flight) => flight,
            };
            if !waited {
                self.state.borrow_mut().counters.misses += 1;
                waited = true;
            }
            self.wait(&flight, call).await?;
        }
    }

    /// The key at hand, or what to wait for.
    fn look_for(
        self: &Rc<Self>,
        client: &Rc<Inner>,
        create: &CreateDataKey,
        bytes: u64,
    ) -> Result<Result<Pair, Flight>, Failure> {
        let mut state = self.state.borrow_mut();
        if state.closed {
            return Err(closed());
        }
        self.wipe_old(&mut state);
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
            let lost_after_ms = if choice == Choice::Renew { LOST_AFTER_MS } else { AHEAD_LOST_AFTER_MS };
            if let Some(lost) = renewing.replace(self.renew(client, create, lost_after_ms)?) {
                lost.give_up();
            }
        }
        match (active, renewing) {
            (Some(active), _) if choice != Choice::Renew => {
                active.count(bytes);
                Ok(Ok(Pair { key: active.key.clone(), keys: active.keys.clone() }))
            }
            (_, Some(flight)) => Ok(Err(flight.clone())),
            (_, None) => Err(closed()),
        }
    }

    /// Wipes the keys in use that are past their age, also of contexts that nobody asks for any more.
    fn wipe_old(&self, state: &mut State) {
        let now_ms = now_ms();
        if now_ms.saturating_sub(state.oldest_ms) <= self.bounds.max_age_ms {
            return;
        }
        state.oldest_ms = now_ms;
        for slot in state.slots.values_mut() {
            slot.active =
                slot.active.take().filter(|active| active.choice(&self.bounds, now_ms, 0) != Choice::Renew);
            if let Some(active) = &slot.active {
                state.oldest_ms = state.oldest_ms.min(active.born_ms());
            }
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

    /// Fetches a context's next key, for whoever waits.
    fn renew(
        self: &Rc<Self>,
        client: &Rc<Inner>,
        create: &CreateDataKey,
        lost_after_ms: u64,
    ) -> Result<Flight, Failure> {
        let (kept, of, create) = (self.clone(), client.clone(), create.clone());
        Flight::start(client, lost_after_ms, |call, replaced| async move {
            let fetched = of.fresh_pair(create.clone(), &call).await;
            if let Ok(pair) = &fetched {
                kept.learn(pair, &create.0);
            }
            let mut state = kept.state.borrow_mut();
            state.uses += 1;
            let uses = state.uses;
            let mut slot = state.slots.get_mut(&create.0);
            if let Some(slot) = &mut slot {
                if !replaced.get() {
                    slot.renewing = None;
                }
                // Whoever waits comes at once: it is not the one to give way.
                slot.used = uses;
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
                    self.wait(&flight, call).await?;
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
        self.wipe_old(&mut state);
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
        let flight = self.fetch(client, blob.to_vec())?;
        let (opening, lost) = state.opening.drain().partition(|(_, flight)| flight.is_under_way());
        state.opening = opening;
        let lost: HashMap<Vec<u8>, Flight> = lost;
        lost.into_values().for_each(Flight::give_up);
        state.opening.insert(blob.to_vec(), flight.clone());
        Ok(Look::Coming(flight))
    }

    fn fetch(self: &Rc<Self>, client: &Rc<Inner>, blob: Vec<u8>) -> Result<Flight, Failure> {
        let (kept, of) = (self.clone(), client.clone());
        Flight::start(client, LOST_AFTER_MS, |call, replaced| async move {
            let fetched = of.unwrap_key(&blob, &call).await;
            let mut state = kept.state.borrow_mut();
            if !replaced.get() {
                state.opening.remove(&blob);
            }
            let key = fetched?;
            if let (Some(key), false) = (&key, state.closed) {
                state.opened.keep(&blob, key.clone(), None, &kept.bounds, now_ms());
            }
            Ok(key)
        })
    }

    /// Waits for another's request until it has settled, or has to be given up for lost.
    async fn wait(&self, flight: &Flight, call: &Call) -> Result<(), Failure> {
        let Some(left_ms) = flight.left_ms() else { return Ok(()) };
        let patience = Cut::new(left_ms, None)?;
        let Ok(settled) = call.cut.race(patience.race(JsFuture::from(flight.promise.clone()))).await? else {
            return Ok(());
        };
        let error = settled.map_err(Failure::Caller)?;
        if error.is_undefined() || flight.replaced.get() {
            Ok(())
        } else if self.state.borrow().closed {
            // That is what ended it.
            Err(closed())
        } else {
            Err(Failure::Caller(error))
        }
    }

    /// `{hits, misses, apiCalls}`.
    pub(crate) fn counters(&self) -> JsValue {
        let Counters { hits, misses, api_calls } = self.state.borrow().counters;
        let out = Out::new().set("hits", as_number(hits)).set("misses", as_number(misses));
        out.set("apiCalls", as_number(api_calls)).into()
    }

    /// Wipes every key and ends the requests for more. Whatever is called afterwards fails.
    pub(crate) fn close(&self) {
        let mut state = self.state.borrow_mut();
        state.closed = true;
        let renewing = state.slots.drain().filter_map(|(_, slot)| slot.renewing).collect::<Vec<_>>();
        let opening = state.opening.drain().map(|(_, flight)| flight).collect::<Vec<_>>();
        state.opened = Opened::default();
        // What is ended may come back here.
        drop(state);
        for flight in renewing.into_iter().chain(opening) {
            flight.cancel();
        }
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
