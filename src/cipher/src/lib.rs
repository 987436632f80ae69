//! AES-256-GCM (NIST SP 800-38D) over buffers in place.
//!
//! The other ciphers, for large data, are the host's; all make and read the same bytes.
//!
//! A crate of its own: what is generic, as all of the ciphers' crates is, is optimized as the crate that uses it, and this is the
//! only one that is optimized for speed.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use aes_gcm::aead::consts::{U12, U32};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Tag};
use alloc::boxed::Box;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes in a key.
pub const KEY_BYTES: usize = 32;
/// Bytes in a nonce that is written. Some old envelopes have [`LONG_NONCE_BYTES`].
pub const NONCE_BYTES: usize = 12;
/// Bytes in the nonce of envelopes that some releases of the Go SDK wrote.
pub const LONG_NONCE_BYTES: usize = 32;
/// Bytes in an authentication tag.
pub const TAG_BYTES: usize = 16;

/// A key in memory, in one place only: passing it on moves a pointer, so no copy stays behind on the stack, and it
/// is wiped when dropped. Compares in constant time; has no `Debug`.
#[derive(Clone)]
pub struct Key(Box<[u8; KEY_BYTES]>);

impl Key {
    /// A key that `fill` writes. It is all zeros before.
    pub fn filled(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let mut key = Key(Box::new([0; KEY_BYTES]));
        fill(&mut key.0);
        key
    }

    /// A key of these bytes; nothing where there are not [`KEY_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY_BYTES).then(|| Key::filled(|key| key.copy_from_slice(bytes)))
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Encrypts a buffer in place and returns its tag; nothing for more than 64 GiB, for which one nonce does not suffice (SP
/// 800-38D, section 5.2.1.1). Never use a nonce twice with one key.
pub fn seal(key: &Key, nonce: &[u8; NONCE_BYTES], aad: &[u8], buffer: &mut [u8]) -> Option<[u8; TAG_BYTES]> {
    let cipher = AesGcm::<Aes256, U12>::new(key.bytes().into());
    cipher.encrypt_inout_detached(nonce.into(), aad, buffer.into()).ok().map(Into::into)
}

/// Decrypts a buffer in place. Where the tag does not fit there is nothing, and the buffer stays as it is: no plaintext is
/// made before the tag is checked.
pub fn open(key: &Key, nonce: &[u8], aad: &[u8], buffer: &mut [u8], tag: &[u8]) -> Option<()> {
    let tag = Tag::try_from(tag).ok()?;
    let key = key.bytes().into();
    match nonce.len() {
        NONCE_BYTES => {
            let nonce = nonce.try_into().ok()?;
            AesGcm::<Aes256, U12>::new(key).decrypt_inout_detached(nonce, aad, buffer.into(), &tag).ok()
        }
        LONG_NONCE_BYTES => {
            let nonce = nonce.try_into().ok()?;
            AesGcm::<Aes256, U32>::new(key).decrypt_inout_detached(nonce, aad, buffer.into(), &tag).ok()
        }
        _ => None,
    }
}
