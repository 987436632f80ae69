//! AES-256-GCM: Wycheproof's vectors, the nonces of old Go envelopes, and what was changed.

use proptest::prelude::*;
use serde_json::Value;
use vault_core::Code;
use vault_core::cipher::{Key, NONCE_BYTES, open, seal};

fn key(bytes: &[u8]) -> Key {
    Key::from_bytes(bytes).unwrap()
}

#[test]
fn wycheproof_vectors_seal_and_open_as_they_should() {
    let text = include_str!("../../../tests/vectors/wycheproof-aes-256-gcm.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(vectors.len(), 67);
    for vector in vectors {
        let bytes = |name: &str| -> Vec<u8> {
            let hex = vector[name].as_str().unwrap().as_bytes();
            hex.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
        };
        let (key, nonce, aad) = (key(&bytes("key")), bytes("iv"), bytes("aad"));
        let (message, ciphertext, tag) = (bytes("msg"), bytes("ct"), bytes("tag"));
        let valid = vector["result"] == "valid";
        let mut buffer = ciphertext.clone();
        assert_eq!(open(&key, &nonce, &aad, &mut buffer, &tag).is_ok(), valid, "{vector}");
        assert_eq!(buffer, if valid { &message } else { &ciphertext }[..], "{vector}");
        if let (true, Ok(nonce)) = (valid, <&[u8; NONCE_BYTES]>::try_from(&nonce[..])) {
            let mut buffer = message;
            assert_eq!(seal(&key, nonce, &aad, &mut buffer).unwrap()[..], tag, "{vector}");
            assert_eq!(buffer, ciphertext, "{vector}");
        }
    }
}

#[test]
fn nonces_of_32_bytes_are_read_as_old_go_envelopes_have_them() {
    use aes_gcm::aead::consts::U32;
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    let (data_key, nonce) = (key(&[3; 32]), [9; 32]);
    let cipher = aes_gcm::AesGcm::<aes_gcm::aes::Aes256, U32>::new(data_key.bytes().into());
    let sealed = cipher.encrypt(&nonce.into(), Payload { msg: b"old", aad: b"a" }).unwrap();
    let (mut buffer, tag) = (sealed[..3].to_vec(), &sealed[3..]);
    open(&data_key, &nonce, b"a", &mut buffer, tag).unwrap();
    assert_eq!(buffer, b"old");
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened_and_what_was_changed_is_not(
        secret in any::<[u8; 32]>(),
        nonce in any::<[u8; NONCE_BYTES]>(),
        aad in prop::collection::vec(any::<u8>(), 0..40),
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
        bit in any::<prop::sample::Index>(),
    ) {
        let key = key(&secret);
        let mut buffer = plaintext.clone();
        let tag = seal(&key, &nonce, &aad, &mut buffer).unwrap();
        let ciphertext = buffer.clone();
        open(&key, &nonce, &aad, &mut buffer, &tag).unwrap();
        prop_assert_eq!(&buffer, &plaintext);
        // One bit of what goes in, wherever it is.
        let mut all = [&nonce[..], &tag, &aad, &ciphertext].concat();
        let bit = bit.index(all.len() * 8);
        all[bit / 8] ^= 1 << (bit % 8);
        let (nonce, rest) = all.split_at(NONCE_BYTES);
        let (tag, rest) = rest.split_at(16);
        let (aad, changed) = rest.split_at(aad.len());
        let mut buffer = changed.to_vec();
        let error = open(&key, nonce, aad, &mut buffer, tag).unwrap_err();
        prop_assert_eq!(error.code, Code::DecryptionFailed);
        prop_assert_eq!(buffer, changed, "nothing is decrypted where the tag does not fit");
    }
}
