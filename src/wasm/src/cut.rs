//! What ends a call before its answer: the time-out, the caller's `AbortSignal`.

use gloo_timers::callback::Timeout;
use js_sys::Reflect;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use vault_core::tree::decimal;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal};

use crate::failure::Failure;

#[wasm_bindgen]
extern "C" {
    /// An `AbortController`, whose `abort` may throw.
    type Aborting;
    #[wasm_bindgen(method, catch)]
    fn abort(this: &Aborting) -> Result<(), JsValue>;
}

#[derive(Clone)]
enum Reason {
    TimedOut,
    Aborted(JsValue),
}

struct State {
    reason: Option<Reason>,
    /// Of every task that waits: a scoped list has several requests under way.
    wakers: Vec<Waker>,
    controller: AbortController,
}

impl State {
    fn end(state: &RefCell<State>, reason: Reason) {
        let mut held = state.borrow_mut();
        if held.reason.is_some() {
            return;
        }
        held.reason = Some(reason);
        let (controller, wakers) = (held.controller.clone(), std::mem::take(&mut held.wakers));
        // Aborting runs listeners, which may come back here. In a Worker it throws where the request that made the
        // controller is over, and this is another's time.
        drop(held);
        let _ = controller.unchecked_ref::<Aborting>().abort();
        wakers.into_iter().for_each(Waker::wake);
    }
}

struct Listener {
    signal: AbortSignal,
    callback: Closure<dyn FnMut()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        let _ = self.signal.remove_event_listener_with_callback("abort", callback);
    }
}

/// Ends a call early, once. Dropping it clears its timer and listener.
pub(crate) struct Cut {
    state: Rc<RefCell<State>>,
    timeout_ms: u32,
    _timer: Timeout,
    _listener: Option<Listener>,
}

impl Cut {
    pub(crate) fn new(timeout_ms: u32, signal: Option<&AbortSignal>) -> Result<Self, Failure> {
        if let Some(signal) = signal.filter(|signal| property(signal, "aborted").is_truthy()) {
            return Err(aborted(property(signal, "reason")));
        }
        let controller = AbortController::new().map_err(|cause| Failure::Vault {
            error: Error::new(Code::Internal, "this runtime has no AbortController"),
            cause: Some(cause),
        })?;
        let state = Rc::new(RefCell::new(State { reason: None, wakers: Vec::new(), controller }));
        let for_timer = state.clone();
        let timer = Timeout::new(timeout_ms, move || State::end(&for_timer, Reason::TimedOut));
        let listener = signal.map(|signal| {
            let (state, source) = (state.clone(), signal.clone());
            let callback =
                Closure::new(move || State::end(&state, Reason::Aborted(property(&source, "reason"))));
            let _ = signal.add_event_listener_with_callback("abort", callback.as_ref().unchecked_ref());
            Listener { signal: signal.clone(), callback }
        });
        Ok(Cut { state, timeout_ms, _timer: timer, _listener: listener })
    }

    /// Ends the call from within: another of its requests has failed.
    pub(crate) fn cancel(&self) {
        State::end(&self.state, Reason::Aborted(JsValue::UNDEFINED));
    }

    /// The signal for `fetch`.
    pub(crate) fn signal(&self) -> AbortSignal {
        self.state.borrow().controller.signal()
    }

    /// The future's result, unless the call ends before.
    pub(crate) async fn race<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        let mut future = pin!(future);
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            if let Some(reason) = state.reason.clone() {
                return Poll::Ready(Err(self.failure(reason)));
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            drop(state);
            future.as_mut().poll(context).map(Ok)
        })
        .await
    }

    fn failure(&self, reason: Reason) -> Failure {
        match reason {
            Reason::TimedOut => {
                let limit = decimal(u64::from(self.timeout_ms));
                Error::new(Code::Timeout, ["no answer within ", &limit, " ms"].concat()).into()
            }
            Reason::Aborted(cause) => aborted(cause),
        }
    }
}

/// A property of an object that may be a proxy.
fn property(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn aborted(cause: JsValue) -> Failure {
    Failure::Vault {
        error: Error::new(Code::Aborted, "the call was aborted by its signal"),
        cause: Some(cause),
    }
}
