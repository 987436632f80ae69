//! Envelopes: the official SDKs' vectors, round trips, and every way to be malformed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use vault_core::cipher::{Key, NONCE_BYTES, open, seal};
use vault_core::envelope::{Layout, candidates, frame};
use vault_core::{Code, Error};

fn key(bytes: &[u8]) -> Key {
    Key::from_bytes(bytes).unwrap()
}

/// Opens an envelope as a client does: the first reading whose keys are these and whose tag fits.
fn read(envelope: &[u8], keys: &[u8], data_key: &Key, aad: &[u8]) -> Result<Vec<u8>, Error> {
    let mut failure = vault_core::cipher::failed();
    for parts in candidates(envelope)? {
        if parts.keys != keys {
            continue;
        }
        let mut buffer = parts.ciphertext.to_vec();
        match open(data_key, parts.nonce, aad, &mut buffer, parts.tag) {
            Ok(()) => return Ok(buffer),
            Err(error) => {
                assert_eq!(buffer, parts.ciphertext, "nothing is decrypted where the tag does not fit");
                failure = error;
            }
        }
    }
    Err(failure)
}

fn write(layout: Layout, data_key: &Key, keys: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let nonce = [7; NONCE_BYTES];
    let mut buffer = plaintext.to_vec();
    let tag = seal(data_key, &nonce, aad, &mut buffer).unwrap();
    framed(layout, &nonce, &tag, keys, &buffer)
}

fn framed(layout: Layout, nonce: &[u8], tag: &[u8], keys: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let suffix = if layout == Layout::Go { tag } else { &[] };
    [&frame(layout, nonce, tag, keys).unwrap(), ciphertext, suffix].concat()
}

#[test]
fn every_envelope_of_the_official_sdks_is_read_and_written_again() {
    let text = include_str!("../../../tests/vectors/envelopes.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(vectors.len(), 20);
    for vector in vectors {
        let field = |name: &str| vector[name].as_str().unwrap_or_default();
        let bytes = |name: &str| STANDARD.decode(field(name)).unwrap();
        let name = format!("{} {}", field("writer"), field("name"));
        let (data_key, keys, plaintext) =
            (key(&bytes("data_key")), bytes("encrypted_keys"), bytes("plaintext_utf8_base64"));
        let aad = field("aad").as_bytes();
        let envelope = bytes("envelope");
        assert_eq!(read(&envelope, &keys, &data_key, aad).unwrap(), plaintext, "{name}");
        assert_eq!(
            read(&envelope, &keys, &data_key, b"other").unwrap_err().code,
            Code::DecryptionFailed,
            "{name}"
        );

        let layout = if field("writer").contains("go") { Layout::Go } else { Layout::Standard };
        let parts = *candidates(&envelope).unwrap().iter().find(|parts| parts.layout == layout).unwrap();
        let nonce: [u8; NONCE_BYTES] = parts.nonce.try_into().unwrap();
        let mut buffer = plaintext.clone();
        let tag = seal(&data_key, &nonce, aad, &mut buffer).unwrap();
        assert_eq!(framed(layout, &nonce, &tag, &keys, &buffer), envelope, "{name}: byte for byte");
    }
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
fn old_go_envelopes_with_nonces_of_32_bytes_are_read() {
    use aes_gcm::aead::consts::U32;
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    let (data_key, keys, nonce) = (key(&[3; 32]), b"WOS.EKM.v1\0blob", [9; 32]);
    let cipher = aes_gcm::AesGcm::<aes_gcm::aes::Aes256, U32>::new(data_key.bytes().into());
    let sealed = cipher.encrypt(&nonce.into(), Payload { msg: b"old", aad: b"a" }).unwrap();
    let envelope = [&[u8::try_from(keys.len()).unwrap()], &keys[..], &nonce, &sealed].concat();
    assert_eq!(read(&envelope, keys, &data_key, b"a").unwrap(), b"old");
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let (data_key, keys) = (key(&[1; 32]), b"WOS.EKM.v1\0k");
    for layout in [Layout::Standard, Layout::Go] {
        let envelope = write(layout, &data_key, keys, b"aad", b"secret");
        assert_eq!(read(&envelope, keys, &data_key, b"aad").unwrap(), b"secret");
        for bit in 0..envelope.len() * 8 {
            let mut changed = envelope.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let error = read(&changed, keys, &data_key, b"aad").unwrap_err();
            assert!(matches!(error.code, Code::DecryptionFailed | Code::MalformedEnvelope), "bit {bit}");
        }
        for length in 0..envelope.len() {
            assert!(read(&envelope[..length], keys, &data_key, b"aad").is_err(), "{length} bytes");
        }
    }
}

#[test]
fn what_is_malformed_is_told() {
    let told = |envelope: &[u8]| {
        let error = candidates(envelope).unwrap_err();
        assert_eq!(error.code, Code::MalformedEnvelope);
        error.message
    };
    assert_eq!(told(b""), "envelope: it is empty");
    assert!(told(&[1]).contains("cut off"));
    let prefix = [0x80; 28];
    for (length, said) in [
        (&[0x80, 0x00][..], "not in its shortest form"),
        (&[0x00], "no bytes"),
        (&[0xff, 0xff, 0xff, 0xff, 0x7f], "beyond 32 bits"),
        (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], "more than 5 bytes"),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f], "longer than it is"),
        (&[0x05, 1, 2], "longer than it is"),
        (&[0x80], "cut off"),
    ] {
        let message = told(&[&prefix[..], length].concat());
        assert!(message.contains(said), "{length:x?}: {message}");
    }
}

#[test]
fn the_reading_whose_keys_begin_as_the_services_do_comes_first() {
    let data_key = key(&[1; 32]);
    for layout in [Layout::Standard, Layout::Go] {
        let envelope = write(layout, &data_key, b"WOS.EKM.v1\0blob", b"", &[0; 64]);
        assert_eq!(candidates(&envelope).unwrap()[0].layout, layout);
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        go: bool,
        secret in any::<[u8; 32]>(),
        keys in prop::collection::vec(any::<u8>(), 1..300),
        aad in prop::collection::vec(any::<u8>(), 0..40),
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (layout, data_key) = (if go { Layout::Go } else { Layout::Standard }, key(&secret));
        let envelope = write(layout, &data_key, &keys, &aad, &plaintext);
        prop_assert_eq!(read(&envelope, &keys, &data_key, &aad).unwrap(), plaintext);
        let mut other = aad.clone();
        other.push(0);
        prop_assert_eq!(read(&envelope, &keys, &data_key, &other).unwrap_err().code, Code::DecryptionFailed);
    }

    #[test]
    fn any_bytes_parse_or_are_malformed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        match candidates(&bytes) {
            Ok(found) => for parts in found {
                prop_assert!(matches!(parts.nonce.len(), 12 | 32) && parts.tag.len() == 16 && !parts.keys.is_empty());
                let whole = parts.nonce.len() + parts.tag.len() + parts.keys.len() + parts.ciphertext.len();
                prop_assert!((1..=5).contains(&(bytes.len() - whole)));
            },
            Err(error) => prop_assert_eq!(error.code, Code::MalformedEnvelope),
        }
    }
}
