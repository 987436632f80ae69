//! What one call asks for, from its start to its end: time-out, signal, Idempotency-Key.

use crate::cut::Cut;
use crate::failure::Failure;
use crate::tree::Node;
use js_sys::Date;
use vault_core::reader::Reader;
use vault_core::tree::{Kind, Tree, decimal, expected};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// How long a call may take where nobody says, as in the official SDK.
pub(crate) const TIMEOUT_DEFAULT_MS: u32 = 60_000;
/// The longest time that `setTimeout` can wait.
const TIMEOUT_MAX_MS: u64 = 0x7fff_ffff;

/// A call under way. However many requests it makes, they share its deadline and its signal.
pub(crate) struct Call {
    pub(crate) cut: Cut,
    pub(crate) idempotency_key: Option<String>,
    /// How long each attempt may take, where that is less.
    pub(crate) attempt_timeout_ms: Option<u32>,
    deadline: f64,
}

/// What a call was asked for, before its clock runs.
pub(crate) struct CallOptions {
    signal: Option<AbortSignal>,
    idempotency_key: Option<String>,
    times: Times,
}

/// How long a call may take, and each of its attempts.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) timeout_ms: u32,
    pub(crate) attempt_timeout_ms: Option<u32>,
}

impl CallOptions {
    /// From `{signal?, timeoutMs?, attemptTimeoutMs?, idempotencyKey?}` or nothing; `more` are the names that the
    /// operation reads from it itself.
    pub(crate) fn read(options: &Node, more: &[&str], defaults: Times) -> Result<Self, Failure> {
        let mut read = CallOptions { signal: None, idempotency_key: None, times: defaults };
        if options.is_absent() {
            return Ok(read);
        }
        if options.kind() != Kind::Object {
            return Err(invalid("call options", expected("an object like { signal }", options.kind())));
        }
        let mut names = Reader::options(options);
        names.only(&[&["signal", "timeoutMs", "attemptTimeoutMs", "idempotencyKey"], more].concat());
        if !names.problems.is_empty() {
            return Err(Error::invalid(Code::InvalidRequest, names.problems).into());
        }
        read.signal = read_signal(&options.member("signal"))?;
        read.idempotency_key = read_key(&options.member("idempotencyKey"))?;
        let wrong = |problem| Error::invalid(Code::InvalidRequest, vec![problem]);
        let times = &mut read.times;
        times.timeout_ms = timeout(options, "timeoutMs").map_err(wrong)?.unwrap_or(times.timeout_ms);
        times.attempt_timeout_ms =
            timeout(options, "attemptTimeoutMs").map_err(wrong)?.or(times.attempt_timeout_ms);
        Ok(read)
    }

    /// Starts the clock.
    pub(crate) fn start(&self) -> Result<Call, Failure> {
        let Times { timeout_ms, attempt_timeout_ms } = self.times;
        let cut = Cut::new(timeout_ms, self.signal.as_ref())?;
        let deadline = Date::now() + f64::from(timeout_ms);
        Ok(Call { cut, idempotency_key: self.idempotency_key.clone(), attempt_timeout_ms, deadline })
    }
}

impl Call {
    /// Milliseconds until the deadline.
    pub(crate) fn left_ms(&self) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let left = (self.deadline - Date::now()).max(0.0) as u64;
        left
    }
}

/// The time, in milliseconds.
pub(crate) fn now_ms() -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let now = Date::now() as u64;
    now
}

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Error::invalid(Code::InvalidRequest, vec![Problem::new(field, message)]).into()
}

fn read_signal(member: &Node) -> Result<Option<AbortSignal>, Failure> {
    match member.js().dyn_into::<AbortSignal>() {
        Ok(signal) => Ok(Some(signal)),
        Err(_) if member.is_absent() => Ok(None),
        Err(_) => Err(invalid("signal", expected("an AbortSignal", member.kind()))),
    }
}

fn read_key(member: &Node) -> Result<Option<String>, Failure> {
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
