//! Whether to try again, and when: pure functions of what happened, the time left and a random number.

use crate::error::{Code, Error};

/// Longest pause between two attempts that this client chooses or accepts, in milliseconds. A `Retry-After`
/// beyond it ends the call with `rate_limited` rather than hold it for minutes.
pub const PAUSE_MAX_MS: u64 = 30_000;

/// How often and how patiently to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// Upper bound of the first pause; each further one doubles it.
    pub base_ms: u64,
    /// Upper bound of every pause that the service did not ask for.
    pub cap_ms: u64,
    /// How long to wait, once, for a customer's key that cannot be used: cloud IAM spreads slowly. `None`: such a
    /// call is not tried again. Not one of `max_retries`, and beyond [`PAUSE_MAX_MS`] if so asked.
    pub inaccessible_key_ms: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { max_retries: 3, base_ms: 500, cap_ms: 8_000, inaccessible_key_ms: None }
    }
}

/// What all calls of a client may spend on retries together, so that an outage does not multiply the load on the
/// service: a hundred in store, half a one earned by each success. In the long run then at most one retry for
/// two successes, and none after a hundred where nothing succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    halves: u32,
}

impl Budget {
    /// Retries in store at most.
    pub const RETRIES: u32 = 100;

    /// A success: earns half a retry.
    pub fn earn(&mut self) {
        self.halves = (self.halves + 1).min(Self::RETRIES * 2);
    }

    /// Takes a retry, where there is one.
    fn spend(&mut self) -> bool {
        let left = self.halves.checked_sub(2);
        self.halves = left.unwrap_or(self.halves);
        left.is_some()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { halves: Self::RETRIES * 2 }
    }
}

/// What is known when an attempt has failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Which attempt it was; the first is 1.
    pub number: u32,
    /// The request's ([`crate::http::Request::repeatable`]).
    pub repeatable: bool,
    /// Whether it was a success whose body was lost on its way.
    pub lost_body: bool,
    /// Whether this call has waited for a customer's key already.
    pub waited_for_key: bool,
    /// Milliseconds until the call's deadline.
    pub left_ms: u64,
    /// Uniform in 0 to 1.
    pub random: f64,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Report the error.
    Stop,
    /// Try again after so many milliseconds.
    RetryAfter(u64),
}

impl Policy {
    /// Decides after an attempt failed. A request that is not repeatable is sent again only after 429, when it
    /// surely did nothing. Pauses have full jitter (Brooker, "Exponential Backoff and Jitter", AWS Architecture
    /// Blog, 2015).
    pub fn decide(&self, attempt: Attempt, error: &Error, budget: &mut Budget) -> Decision {
        let Some(pause_ms) = self.pause(attempt, error) else { return Decision::Stop };
        if pause_ms >= attempt.left_ms || !budget.spend() {
            return Decision::Stop;
        }
        Decision::RetryAfter(pause_ms)
    }

    fn pause(&self, attempt: Attempt, error: &Error) -> Option<u64> {
        if error.code == Code::CustomerKeyInaccessible && !attempt.waited_for_key {
            return self.inaccessible_key_ms;
        }
        let may_help = error.retryable() || attempt.lost_body;
        let may_repeat = may_help && (attempt.repeatable || error.code == Code::RateLimited);
        let counted = attempt.number - u32::from(attempt.waited_for_key);
        if counted > self.max_retries || !may_repeat {
            return None;
        }
        let jittered = pause(self.base_ms, self.cap_ms, attempt.number, attempt.random);
        match error.retry_after_ms {
            Some(asked) if asked > PAUSE_MAX_MS => None,
            Some(asked) => Some(asked.max(jittered.min(asked + self.base_ms))),
            None => Some(jittered),
        }
    }
}

/// Whether a request that failed so may have taken effect all the same. 429 and an inaccessible key did nothing.
pub fn may_have_landed(error: &Error) -> bool {
    matches!(error.code, Code::ServerError | Code::NetworkError | Code::Timeout | Code::MalformedResponse)
}

/// A pause with full jitter: uniform between nothing and `min(cap, base × 2^(attempt − 1))`.
pub fn pause(base_ms: u64, cap_ms: u64, attempt: u32, random: f64) -> u64 {
    let bound = base_ms.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(cap_ms);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let pause = (bound as f64 * random.clamp(0.0, 1.0)) as u64;
    pause
}
