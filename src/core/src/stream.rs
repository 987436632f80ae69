//! Encrypted streams: data of any length in chunks, in constant memory.
//!
//! The chunks are AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), whose nonces say which chunk it
//! is and whether it is the last. So chunks that are missing, moved, repeated or taken from another stream do not
//! open, and neither does a stream that was cut off or continued.
//!
//! ```text
//! header  magic "WVSTRM" (6) | version 1 (1) | chunk size, big-endian (4) | nonce prefix (7)
//!         length of keys, LEB128 (1 to 3) | keys
//! chunk   ciphertext (chunk size; the last one 1 to chunk size, or 0 if it is the only one) | tag (16)
//! nonce   nonce prefix (7) | number of the chunk from 0, big-endian (4) | 1 for the last chunk, else 0 (1)
//! AAD     the first 18 bytes of the header | associated data                              the same for each chunk
//! ```
//!
//! Each stream has a data key of its own, so the nonces need not be unique beyond it. The keys are not in the AAD:
//! a stream's data key can be wrapped anew without a change to its chunks, as an envelope's can.

use crate::envelope;
use crate::error::{Code, Error};
use crate::tree::{concat, decimal};
use alloc::vec::Vec;

/// What a stream begins with, and the version of its form.
pub const MAGIC: &[u8; 7] = b"WVSTRM\x01";
/// Smallest chunk, in bytes of plaintext.
pub const CHUNK_MIN: u64 = 1 << 10;
/// Largest chunk, in bytes of plaintext: what a reader must be ready to hold.
pub const CHUNK_MAX: u64 = 1 << 24;
/// Bytes in the random part of a nonce.
pub const PREFIX_BYTES: usize = 7;
/// Longest wrapped keys, in bytes: a reader holds no more than that of what may be no stream at all.
pub const KEYS_MAX: usize = 1 << 16;
/// Bytes of the header that are authenticated.
const FIXED_BYTES: usize = MAGIC.len() + 4 + PREFIX_BYTES;

fn malformed(what: &str) -> Error {
    Error::new(Code::MalformedEnvelope, concat(&["stream: ", what]))
}

/// What a stream begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of plaintext in each chunk but the last.
    pub chunk_bytes: u32,
    /// The random part of the nonces.
    pub nonce_prefix: [u8; PREFIX_BYTES],
    /// The wrapped copies of the data key.
    pub keys: Vec<u8>,
}

impl Header {
    /// The header as bytes.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        if self.keys.len() > KEYS_MAX {
            return Err(malformed("its keys are too long"));
        }
        let mut bytes = self.fixed();
        envelope::write_keys(&self.keys, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a header from the first bytes of a stream: the header and how many bytes it has, or nothing where it
    /// goes on beyond those at hand.
    pub fn read(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known.min(6)] != MAGIC[..known.min(6)] {
            return Err(malformed("it does not begin as a stream of encryptStream does"));
        }
        if known == MAGIC.len() && bytes[6] != MAGIC[6] {
            let version = decimal(u64::from(bytes[6]));
            return Err(malformed(&concat(&["its version is ", &version, ", this release reads version 1"])));
        }
        let Some((fixed, rest)) = bytes.split_at_checked(FIXED_BYTES) else { return Ok(None) };
        let (chunk_bytes, nonce_prefix) = fixed[MAGIC.len()..].split_at(4);
        let chunk_bytes = chunk_bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        if !(CHUNK_MIN..=CHUNK_MAX).contains(&u64::from(chunk_bytes)) {
            return Err(malformed("its chunk size is not from 1,024 to 16,777,216 bytes"));
        }
        let end = rest.iter().take(5).position(|byte| byte & 0x80 == 0);
        if end.is_none() && rest.len() < 5 {
            return Ok(None);
        }
        let (length, rest) = envelope::length(rest).map_err(malformed)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 || length > KEYS_MAX {
            return Err(malformed("its keys have no bytes, or more than 65,536"));
        }
        let Some(keys) = rest.get(..length) else { return Ok(None) };
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(nonce_prefix);
        let header = Header { chunk_bytes, nonce_prefix: prefix, keys: keys.to_vec() };
        Ok(Some((header, bytes.len() - rest.len() + length)))
    }

    fn fixed(&self) -> Vec<u8> {
        let mut fixed = MAGIC.to_vec();
        fixed.extend_from_slice(&self.chunk_bytes.to_be_bytes());
        fixed.extend_from_slice(&self.nonce_prefix);
        fixed
    }
}
