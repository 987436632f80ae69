//! Data keys that are used more than once, within bounds that the caller states.
//!
//! A bound is not a tuning knob but a promise: how much is lost with one key, and how long after a key was taken
//! away its data can still be written here. AES-GCM sets the outermost one: with random nonces a key serves for at
//! most 2^32 messages (NIST SP 800-38D, section 8.3).

use crate::cipher::Key;
use crate::error::Error;
use crate::reader::Reader;
use crate::tree::Tree;

/// Most messages under one key.
pub const MESSAGES_MAX: u64 = 1 << 32;
/// Longest life of a key here, in milliseconds: a day.
pub const AGE_MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// Most bytes under one key: a tebibyte, far below where AES-GCM's blocks start to matter.
pub const BYTES_MAX: u64 = 1 << 40;
/// Most keys that are kept for decryption, and most contexts.
pub const KEPT_MAX: u64 = 10_000;
const KEPT_DEFAULT: u64 = 100;
/// The next key is fetched when so many tenths of a bound are used up.
const AHEAD_TENTHS: u64 = 9;

/// What a key may be used for, the first three required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long a key is used, in milliseconds from when it came.
    pub max_age_ms: u64,
    /// How many messages are encrypted with it.
    pub max_messages: u64,
    /// How many bytes are encrypted with it.
    pub max_bytes: u64,
    /// How many keys are kept for decryption; the one used longest ago gives way.
    pub max_opened: u64,
    /// For how many contexts a key is kept; the one used longest ago gives way.
    pub max_contexts: u64,
}

impl Bounds {
    /// Of a keyring, from `{context, maxAgeMs, maxMessages, maxBytes, maxDecryptKeys?}`: one context.
    pub fn of_keyring(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["context", "maxAgeMs", "maxMessages", "maxBytes", "maxDecryptKeys"]);
        let bounds = Self::read(&mut reader);
        reader.finish(bounds)
    }

    /// Of a client's cache, from `{maxAgeMs, maxMessages, maxBytes, maxDecryptKeys?, maxContexts?}`.
    pub fn of_cache<T: Tree>(reader: &mut Reader<'_, T>) -> Option<Self> {
        reader.only(&["maxAgeMs", "maxMessages", "maxBytes", "maxDecryptKeys", "maxContexts"]);
        let bounds = Self::read(reader);
        let max_contexts = optional(reader, "maxContexts", 1);
        Some(Bounds { max_contexts: max_contexts?, ..bounds? })
    }

    fn read<T: Tree>(reader: &mut Reader<'_, T>) -> Option<Self> {
        let max_age_ms = reader.whole("maxAgeMs", 1, AGE_MAX_MS);
        let max_messages = reader.whole("maxMessages", 1, MESSAGES_MAX);
        let max_bytes = reader.whole("maxBytes", 1, BYTES_MAX);
        let max_opened = optional(reader, "maxDecryptKeys", 0);
        Some(Bounds {
            max_age_ms: max_age_ms?,
            max_messages: max_messages?,
            max_bytes: max_bytes?,
            max_opened: max_opened?,
            max_contexts: 1,
        })
    }
}

fn optional<T: Tree>(reader: &mut Reader<'_, T>, name: &str, low: u64) -> Option<u64> {
    if reader.member(name).is_absent() { Some(KEPT_DEFAULT) } else { reader.whole(name, low, KEPT_MAX) }
}

/// What to do for the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The key at hand serves.
    Use,
    /// It serves, and it is time to fetch the next one.
    UseAndRenew,
    /// Only a new key serves.
    Renew,
}

/// The key in use, and how much it was used.
pub struct Active {
    /// The key.
    pub key: Key,
    /// Its wrapped copies.
    pub keys: Vec<u8>,
    born_ms: u64,
    messages: u64,
    bytes: u64,
}

impl Active {
    /// A key that came at `now_ms`.
    pub fn new(key: Key, keys: Vec<u8>, now_ms: u64) -> Self {
        Active { key, keys, born_ms: now_ms, messages: 0, bytes: 0 }
    }

    /// Whether it serves for a message of so many bytes.
    pub fn choice(&self, bounds: &Bounds, now_ms: u64, bytes: u64) -> Choice {
        let uses = [
            (now_ms.saturating_sub(self.born_ms), bounds.max_age_ms),
            (self.messages.saturating_add(1), bounds.max_messages),
            (self.bytes.saturating_add(bytes), bounds.max_bytes),
        ];
        // A clock that went back says nothing of a key's age.
        if now_ms < self.born_ms || uses.iter().any(|(used, max)| used > max) {
            Choice::Renew
        } else if uses.iter().any(|(used, max)| used.saturating_mul(10) >= max.saturating_mul(AHEAD_TENTHS)) {
            Choice::UseAndRenew
        } else {
            Choice::Use
        }
    }

    /// Counts a message, before it is encrypted.
    pub fn count(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
