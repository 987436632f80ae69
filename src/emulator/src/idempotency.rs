//! The same answer for the same Idempotency-Key, so that a retried POST happens once.

use crate::Refusal;
use std::collections::{HashMap, VecDeque};
use vault_core::json::Json;

/// How long an answer is kept.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How many answers are kept; the oldest goes first, so memory does not grow with what was asked.
const KEPT: usize = 4096;

struct Replay {
    key: String,
    fingerprint: [u8; 32],
    answer: (u16, Json),
    at_ms: u64,
}

/// Answers by API key and Idempotency-Key.
#[derive(Default)]
pub(crate) struct Replays {
    /// Oldest first.
    answers: VecDeque<Replay>,
    /// The number of each, counted from the first that there ever was.
    numbers: HashMap<String, u64>,
    /// How many are gone.
    gone: u64,
}

fn name(api_key: usize, key: &str) -> String {
    format!("{api_key} {key}")
}

impl Replays {
    /// The kept answer. Another request under the same key is refused.
    pub(crate) fn find(
        &self,
        api_key: usize,
        key: &str,
        fingerprint: &[u8; 32],
        now_ms: u64,
    ) -> Result<Option<(u16, Json)>, Refusal> {
        let number = self.numbers.get(&name(api_key, key));
        let at = number.and_then(|number| usize::try_from(number - self.gone).ok());
        let Some(replay) = at.and_then(|at| self.answers.get(at)) else { return Ok(None) };
        if now_ms.saturating_sub(replay.at_ms) > KEPT_MS {
            return Ok(None);
        }
        if replay.fingerprint != *fingerprint {
            return Err(Refusal::new(400, "this Idempotency-Key was already used for another request"));
        }
        Ok(Some(replay.answer.clone()))
    }

    /// Keeps a success. A refused request did nothing and may be sent again.
    pub(crate) fn keep(
        &mut self,
        api_key: usize,
        key: &str,
        fingerprint: [u8; 32],
        answer: &(u16, Json),
        at_ms: u64,
    ) {
        let key = name(api_key, key);
        self.numbers.insert(key.clone(), self.gone + self.answers.len() as u64);
        self.answers.push_back(Replay { key, fingerprint, answer: answer.clone(), at_ms });
        if self.answers.len() > KEPT
            && let Some(oldest) = self.answers.pop_front()
        {
            // Unless the key was used again, its time being over.
            if self.numbers.get(&oldest.key) == Some(&self.gone) {
                self.numbers.remove(&oldest.key);
            }
            self.gone += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn find(replays: &Replays, key: &str, fingerprint: u8, now_ms: u64) -> Outcome {
        replays.find(0, key, &[fingerprint; 32], now_ms).map(|found| found.unwrap_or((0, Json::Null)))
    }

    #[test]
    fn an_answer_is_kept_for_its_request_and_time_and_the_oldest_gives_way() {
        let mut replays = Replays::default();
        replays.keep(0, "a", [1; 32], &(201, Json::Bool(true)), 1000);
        assert_eq!(find(&replays, "a", 1, 1000).unwrap().0, 201);
        assert_eq!(find(&replays, "a", 2, 1000).unwrap_err().status, 400);
        assert_eq!(find(&replays, "a", 1, 1001 + KEPT_MS).unwrap().0, 0);
        assert!(replays.find(1, "a", &[1; 32], 1000).unwrap().is_none(), "another API key's");
        for n in 0..KEPT {
            replays.keep(0, &n.to_string(), [1; 32], &(200, Json::Null), 1000);
        }
        assert_eq!(find(&replays, "a", 1, 1000).unwrap().0, 0);
        assert_eq!((replays.answers.len(), replays.numbers.len()), (KEPT, KEPT));
        // Used again when its time is over: the newer answer stays as the older goes.
        replays.keep(0, "b", [1; 32], &(200, Json::Null), 0);
        replays.keep(0, "b", [2; 32], &(202, Json::Null), 2 * KEPT_MS);
        for n in 0..KEPT - 1 {
            replays.keep(0, &n.to_string(), [1; 32], &(200, Json::Null), 2 * KEPT_MS);
        }
        assert_eq!(find(&replays, "b", 2, 2 * KEPT_MS).unwrap().0, 202);
    }
}
