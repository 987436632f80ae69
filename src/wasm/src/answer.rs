//! Answers that are not what they should be, and whether to try again. Those that are in order never come here:
//! TypeScript takes them apart (`js/src/engine/shapes.ts`), and asks here what is wrong with one that it cannot.

use crate::failure::{Failure, code_of};
use crate::request::operation_of;
use crate::tree::Node;
use std::cell::RefCell;
use vault_core::events::Event;
use vault_core::http::{Answer, Operation, retry_after_ms};
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::objects::{DeleteObject, Object, ObjectMetadata, ObjectSummary, ObjectVersion, Page};
use vault_core::retry::{Attempt, Budget, Decision, Policy};
use vault_core::scope::Scope;
use vault_core::{Error, KeyContext, retry};
use wasm_bindgen::prelude::*;

/// Fails unless a success is what the API describes. `body` is `undefined` where it was not JSON.
#[wasm_bindgen(js_name = checkAnswer)]
pub fn check_answer(
    operation: u8,
    status: u16,
    request_id: Option<String>,
    body: JsValue,
) -> Result<(), JsValue> {
    let operation = operation_of(operation);
    let answer = Answer { status, request_id, retry_after_ms: None, body: parsed(body) };
    let checked = match operation {
        Operation::CreateObject => ObjectMetadata::read_answer(&answer).map(drop),
        Operation::ListObjects => Page::<ObjectSummary<_, _>, _>::read_answer(&answer).map(drop),
        Operation::ListObjectVersions => Page::<ObjectVersion<_, _>, _>::read_answer(&answer).map(drop),
        Operation::DeleteObject => DeleteObject::read_answer(&answer),
        Operation::DecryptDataKey => DataKey::read_answer(&answer).map(drop),
        Operation::CreateDataKey | Operation::CreateRekey => {
            DataKeyPair::read_answer(operation, &answer).map(drop)
        }
        Operation::ListEvents => Event::read_answer(&answer).map(drop),
        _ => Object::read_answer(operation, &answer).map(drop),
    };
    Ok(checked.map_err(Failure::from)?)
}

fn parsed(body: JsValue) -> Option<Node> {
    (!body.is_undefined()).then_some(Node::Parsed(body))
}

/// The error that an answer is which is no success. `retry_after` is that header, `now_ms` the time.
#[wasm_bindgen]
pub fn refusal(
    operation: u8,
    status: u16,
    request_id: Option<String>,
    retry_after: Option<String>,
    now_ms: f64,
    body: JsValue,
) -> Result<JsValue, JsValue> {
    let retry_after_ms = retry_after.and_then(|header| retry_after_ms(&header, whole(now_ms), http_date));
    let answer = Answer { status, request_id, retry_after_ms, body: parsed(body) };
    Ok(Failure::from(Error::from_answer(operation_of(operation), &answer)).into())
}

/// The runtime's reading of a date, which has every form that HTTP has.
fn http_date(text: &str) -> Option<u64> {
    let ms = js_sys::Date::parse(text);
    (!ms.is_nan()).then(|| whole(ms))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

/// Fails unless a context, as the service returned it, is within the scope.
#[wasm_bindgen(js_name = checkScope)]
pub fn check_scope(scope: JsValue, context: JsValue) -> Result<(), JsValue> {
    let scope = KeyContext::from_tree(&Node::from(scope)).map_err(Failure::from)?;
    Ok(Scope::new(scope).check(&Node::Parsed(context)).map_err(Failure::from)?)
}

/// Whether a request that failed with this code may have taken effect all the same.
#[wasm_bindgen(js_name = mayHaveLanded)]
pub fn may_have_landed(code: &str) -> bool {
    retry::may_have_landed(&Error::new(code_of(code), ""))
}

/// Bounds of that pause.
const MODIFY_PAUSE_BASE_MS: u64 = 20;
const MODIFY_PAUSE_CAP_MS: u64 = 1_000;

/// A pause of `modifyObject`: short, as the other writer is done already.
#[wasm_bindgen(js_name = modifyPause)]
pub fn modify_pause(attempt: u32, random: f64) -> u32 {
    u32::try_from(retry::pause(MODIFY_PAUSE_BASE_MS, MODIFY_PAUSE_CAP_MS, attempt, random))
        .unwrap_or(u32::MAX)
}

/// A client's policy, and what its calls may spend on retries.
#[wasm_bindgen]
pub struct CoreRetry {
    policy: Policy,
    budget: RefCell<Budget>,
}

impl CoreRetry {
    /// With so many retries, and so long a wait for a customer's key, where they are given.
    pub fn of(max_retries: Option<u32>, inaccessible_key_ms: Option<u32>) -> Self {
        let policy = Policy::default();
        let policy = Policy {
            max_retries: max_retries.unwrap_or(policy.max_retries),
            inaccessible_key_ms: inaccessible_key_ms.map(u64::from),
            ..policy
        };
        CoreRetry { policy, budget: RefCell::default() }
    }
}

#[wasm_bindgen]
impl CoreRetry {
    /// Whether anything is ever sent twice.
    #[wasm_bindgen(getter)]
    pub fn repeats(&self) -> bool {
        self.policy.max_retries > 0 || self.policy.inaccessible_key_ms.is_some()
    }

    /// A success.
    pub fn earn(&self) {
        self.budget.borrow_mut().earn();
    }

    /// In how many milliseconds to try again after a failure with this code; nothing to leave it at that.
    #[allow(clippy::too_many_arguments)]
    pub fn decide(
        &self,
        code: &str,
        retry_after_ms: Option<f64>,
        number: u32,
        repeatable: bool,
        lost_body: bool,
        waited_for_key: bool,
        left_ms: f64,
        random: f64,
    ) -> Option<f64> {
        let error = Error { retry_after_ms: retry_after_ms.map(whole), ..Error::new(code_of(code), "") };
        let attempt =
            Attempt { number, repeatable, lost_body, waited_for_key, left_ms: whole(left_ms), random };
        match self.policy.decide(attempt, &error, &mut self.budget.borrow_mut()) {
            Decision::Stop => None,
            Decision::RetryAfter(ms) => Some(crate::failure::as_number(ms)),
        }
    }
}
