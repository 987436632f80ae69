//! Identifiers: UUIDs, prefixed ULIDs, and cursors that outlive the object they point at.

use crate::Randomness;
use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};
use vault_core::names;

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Crockford's base 32, as ULIDs use it.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

pub(crate) fn bytes<const N: usize>(random: &mut dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A random UUID (RFC 9562, version 4).
pub(crate) fn uuid(random: &mut dyn Randomness) -> String {
    names::uuid_v4(bytes(random))
}

/// A prefix and a ULID: 48 bits of time, 80 of randomness, 26 characters.
pub(crate) fn ulid(prefix: &str, now_ms: u64, random: &mut dyn Randomness) -> String {
    let entropy: [u8; 10] = bytes(random);
    crockford(prefix, now_ms, big_endian(&entropy))
}

/// Always the same ID for the same secret, which it does not show.
pub(crate) fn of_secret(prefix: &str, secret: &str) -> String {
    let hash =
        Sha256::new().chain_update("workos-vault-edge emulator, ID of ").chain_update(secret).finalize();
    crockford(prefix, 0, big_endian(&hash[..10]))
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

fn crockford(prefix: &str, ms: u64, entropy: u128) -> String {
    let number = u128::from(ms & 0xffff_ffff_ffff) << 80 | entropy;
    let digit = |index: u32| char::from(BASE32[(number >> (5 * (25 - index)) & 31) as usize]);
    prefix.chars().chain((0..26).map(digit)).collect()
}

/// ULIDs each of which sorts after the one before, whatever the clock does.
#[derive(Default)]
pub(crate) struct Ulids {
    last_ms: u64,
    count: u64,
}

impl Ulids {
    pub(crate) fn next(&mut self, prefix: &str, now_ms: u64, random: &mut dyn Randomness) -> String {
        self.last_ms = self.last_ms.max(now_ms);
        self.count += 1;
        let noise: [u8; 2] = bytes(random);
        crockford(prefix, self.last_ms, u128::from(self.count) << 16 | big_endian(&noise))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| char::from(HEX[usize::from(n)])).collect()
}

/// Makes cursors: a place in the sequence of objects, encrypted as one AES block, so that it is opaque,
/// unforgeable in practice, and still means the same place when the object there is gone.
pub(crate) struct Cursors(Aes128);

impl Cursors {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Cursors(Aes128::new(&Array::from(key)))
    }

    pub(crate) fn write(&self, place: u64) -> String {
        let mut block = Array::from([0; 16]);
        block[8..].copy_from_slice(&place.to_be_bytes());
        self.0.encrypt_block(&mut block);
        names::hyphenated(&block.into())
    }

    pub(crate) fn read(&self, cursor: &str) -> Option<u64> {
        let mut digits = cursor.bytes().filter(|byte| *byte != b'-');
        let mut block = Array::from([0; 16]);
        for byte in &mut block {
            let (high, low) = (digit(digits.next()?)?, digit(digits.next()?)?);
            *byte = high << 4 | low;
        }
        self.0.decrypt_block(&mut block);
        let (zeros, place) = block.split_at(8);
        let place = u64::from_be_bytes(place.try_into().ok()?);
        (digits.next().is_none() && zeros == [0; 8]).then_some(place)
    }
}

fn digit(byte: u8) -> Option<u8> {
    HEX.iter().position(|hex| *hex == byte.to_ascii_lowercase()).and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_standard_forms() {
        let mut ones = |out: &mut [u8]| out.fill(0xff);
        assert_eq!(uuid(&mut ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        // The ULID specification's own largest value.
        assert_eq!(ulid("key_", u64::MAX, &mut ones), "key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        let mut zeros = |out: &mut [u8]| out.fill(0);
        assert_eq!(ulid("", 1_469_918_176_385, &mut zeros), "01ARYZ6S410000000000000000");
    }

    #[test]
    fn ids_in_a_row_sort_as_they_came_though_the_clock_goes_back() {
        let mut ids = Ulids::default();
        let mut noise = |out: &mut [u8]| out.fill(0xff);
        let row = [5, 5, 3, 9, 0, 9].map(|ms| ids.next("event_", ms, &mut noise));
        assert!(row.is_sorted() && row.windows(2).all(|two| two[0] != two[1]), "{row:?}");
        assert_eq!(of_secret("key_", "a"), of_secret("key_", "a"));
        assert_ne!(of_secret("key_", "a"), of_secret("key_", "b"));
    }

    #[test]
    fn cursors_come_back_and_cannot_be_made_up() {
        let cursors = Cursors::new([7; 16]);
        for place in [0, 1, 77, u64::MAX] {
            assert_eq!(cursors.read(&cursors.write(place)), Some(place));
        }
        let other = Cursors::new([8; 16]);
        assert_eq!(other.read(&cursors.write(5)), None);
        for wrong in
            ["", "x", "00000000-0000-0000-0000-000000000000", &[&cursors.write(1)[..], "00"].concat()]
        {
            assert_eq!(cursors.read(wrong), None, "{wrong}");
        }
    }
}
