//! [`vault_cipher`], with what goes wrong as errors.

use crate::error::{Code, Error};
pub use vault_cipher::{KEY_BYTES, Key, LONG_NONCE_BYTES, NONCE_BYTES, TAG_BYTES};

/// Encrypts a buffer in place and returns its tag. Never use a nonce twice with one key.
pub fn seal(
    key: &Key,
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG_BYTES], Error> {
    let too_much = || Error::new(Code::InvalidRequest, "data: more than AES-GCM can encrypt at once");
    vault_cipher::seal(key, nonce, aad, buffer).ok_or_else(too_much)
}

/// Decrypts a buffer in place. Where the tag does not fit, the buffer stays as it is: no plaintext is made
/// before the tag is checked. The error says no more than that it failed.
pub fn open(key: &Key, nonce: &[u8], aad: &[u8], buffer: &mut [u8], tag: &[u8]) -> Result<(), Error> {
    vault_cipher::open(key, nonce, aad, buffer, tag).ok_or_else(failed)
}

/// Wrong key, wrong associated data or changed ciphertext: which of them is not told.
pub fn failed() -> Error {
    Error::new(Code::DecryptionFailed, "the envelope could not be decrypted")
}
