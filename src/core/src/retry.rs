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
}

impl Default for Policy {
    fn default() -> Self {
        Policy { max_retries: 3, base_ms: 500, cap_ms: 8_000 }
    }
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
    /// Decides after attempt number `attempt` (the first is 1) failed. `repeatable` is the request's
    /// ([`crate::http::Request::repeatable`]); one that is not is sent again only after 429, when it surely
    /// did nothing. `left_ms` is the time until the call's deadline, `random` is uniform in 0 to 1 (full
    /// jitter: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
    pub fn decide(
        &self,
        attempt: u32,
        repeatable: bool,
        error: &Error,
        left_ms: u64,
        random: f64,
    ) -> Decision {
        let may_repeat = error.retryable() && (repeatable || error.code == Code::RateLimited);
        if attempt > self.max_retries || !may_repeat {
            return Decision::Stop;
        }
        let jittered = pause(self.base_ms, self.cap_ms, attempt, random);
        let pause_ms = match error.retry_after_ms {
            Some(asked) if asked > PAUSE_MAX_MS => return Decision::Stop,
            Some(asked) => asked.max(jittered.min(asked + self.base_ms)),
            None => jittered,
        };
        if pause_ms >= left_ms { Decision::Stop } else { Decision::RetryAfter(pause_ms) }
    }
}

/// A pause with full jitter: uniform between nothing and `min(cap, base × 2^(attempt − 1))`.
pub fn pause(base_ms: u64, cap_ms: u64, attempt: u32, random: f64) -> u64 {
    let bound = base_ms.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(cap_ms);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let pause = (bound as f64 * random.clamp(0.0, 1.0)) as u64;
    pause
}
