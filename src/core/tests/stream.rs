//! Encrypted streams: against another implementation of STREAM, and every way to be cut, moved or changed.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{KeyInit, Payload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use vault_core::cipher::{Key, TAG_BYTES, open, seal};
use vault_core::stream::{CHUNK_MAX, CHUNK_MIN, Chunks, Header, KEYS_MAX};
use vault_core::{Code, Error};

const CHUNK: usize = 1024;

fn header() -> Header {
    Header { chunk_bytes: 1024, nonce_prefix: [1, 2, 3, 4, 5, 6, 7], keys: b"WOS.EKM.v1\0blob".to_vec() }
}

fn key() -> Key {
    Key::filled(|key| key.fill(9))
}

fn sample(length: usize) -> Vec<u8> {
    (0_u8..251).cycle().take(length).collect()
}

/// The pieces of a length, and whether each is the last.
fn pieces(bytes: &[u8], length: usize) -> Vec<(&[u8], bool)> {
    let mut pieces: Vec<_> = bytes.chunks(length).map(|piece| (piece, false)).collect();
    match pieces.last_mut() {
        Some(last) => last.1 = true,
        None => pieces.push((&[], true)),
    }
    pieces
}

fn write(header: &Header, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut chunks = Chunks::new(header);
    let mut out = header.write().unwrap();
    for (piece, last) in pieces(plaintext, CHUNK) {
        let nonce = chunks.seal(piece.len(), last).unwrap();
        let mut buffer = piece.to_vec();
        let tag = seal(&key(), &nonce, &header.aad(aad), &mut buffer).unwrap();
        out.extend_from_slice(&buffer);
        out.extend_from_slice(&tag);
    }
    out
}

fn read(stream: &[u8], aad: &[u8]) -> Result<Vec<u8>, Error> {
    let cut = || Error::new(Code::MalformedEnvelope, "cut off in its header");
    let (header, length) = Header::read(stream)?.ok_or_else(cut)?;
    let mut chunks = Chunks::new(&header);
    let mut out = Vec::new();
    for (piece, last) in pieces(&stream[length..], header.chunk_bytes as usize + TAG_BYTES) {
        let nonce = chunks.open(piece.len(), last)?;
        let (ciphertext, tag) = piece.split_at(piece.len() - TAG_BYTES);
        let mut buffer = ciphertext.to_vec();
        open(&key(), &nonce, &header.aad(aad), &mut buffer, tag)?;
        out.extend_from_slice(&buffer);
    }
    Ok(out)
}

#[test]
fn the_header_is_as_documented() {
    let written = header().write().unwrap();
    assert_eq!(&written[..7], b"WVSTRM\x01");
    assert_eq!(&written[7..11], &[0, 0, 4, 0], "the chunk size, big-endian");
    assert_eq!(&written[11..18], &[1, 2, 3, 4, 5, 6, 7], "the nonce prefix");
    assert_eq!(written[18], 15, "the length of the keys");
    assert_eq!(&written[19..], b"WOS.EKM.v1\0blob");
    assert_eq!(Header::read(&written).unwrap(), Some((header(), written.len())));
    assert_eq!(CHUNK as u64, CHUNK_MIN);
    for length in 0..written.len() {
        assert_eq!(Header::read(&written[..length]).unwrap(), None, "{length} bytes");
    }
    let long = Header { keys: vec![7; KEYS_MAX], ..header() };
    let written = long.write().unwrap();
    assert_eq!(written.len(), 18 + 3 + KEYS_MAX);
    assert_eq!(Header::read(&written).unwrap(), Some((long.clone(), written.len())));
    assert!(Header { keys: vec![7; KEYS_MAX + 1], ..long }.write().is_err());
}

#[test]
fn what_is_no_stream_is_told() {
    let good = header().write().unwrap();
    let told = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed.splice(at..at + bytes.len(), bytes.iter().copied());
        let error = Header::read(&changed).unwrap_err();
        assert_eq!(error.code, Code::MalformedEnvelope);
        error.message
    };
    assert!(told(0, b"X").contains("does not begin"));
    assert!(told(5, b"X").contains("does not begin"));
    assert_eq!(
        Header::read(b"hello").unwrap_err().code,
        Code::MalformedEnvelope,
        "told as soon as it is seen"
    );
    assert!(told(6, &[2]).contains("its version is 2"));
    for size in [0, 1023, u32::try_from(CHUNK_MAX).unwrap() + 1, u32::MAX] {
        assert!(told(7, &size.to_be_bytes()).contains("chunk size"));
    }
    assert!(told(18, &[0]).contains("no bytes"));
    assert!(told(18, &[0x80, 0]).contains("shortest form"));
    assert!(told(18, &[0x81, 0x80, 0x04]).contains("more than 65,536"));
    assert!(told(18, &[0xff; 5]).contains("more than 5 bytes"));
}

/// The same stream by the crate `aead-stream`.
fn by_another(header: &Header, key: &Key, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let aad = header.aad(aad);
    let cipher = Aes256Gcm::new(key.bytes().into());
    let mut encryptor = EncryptorBE32::from_aead(cipher, (&header.nonce_prefix).into());
    let mut stream = header.write().unwrap();
    let mut parts = pieces(plaintext, header.chunk_bytes as usize);
    let (last, _) = parts.pop().unwrap();
    for (piece, _) in parts {
        stream.extend(encryptor.encrypt_next(Payload { msg: piece, aad: &aad }).unwrap());
    }
    stream.extend(encryptor.encrypt_last(Payload { msg: last, aad: &aad }).unwrap());
    stream
}

#[test]
fn another_implementation_of_stream_makes_the_same_bytes_and_reads_ours() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 77] {
        let plaintext = sample(length);
        let header = header();
        let ours = write(&header, b"files/7", &plaintext);
        assert_eq!(ours, by_another(&header, &key(), b"files/7", &plaintext), "{length} bytes");
        assert_eq!(read(&ours, b"files/7").unwrap(), plaintext);

        let cipher = Aes256Gcm::new(key().bytes().into());
        let mut decryptor = DecryptorBE32::from_aead(cipher, (&header.nonce_prefix).into());
        let aad = header.aad(b"files/7");
        let mut sealed = pieces(&ours[header.write().unwrap().len()..], CHUNK + TAG_BYTES);
        let (last, _) = sealed.pop().unwrap();
        let mut opened = Vec::new();
        for (piece, _) in sealed {
            opened.extend(decryptor.decrypt_next(Payload { msg: piece, aad: &aad }).unwrap());
        }
        opened.extend(decryptor.decrypt_last(Payload { msg: last, aad: &aad }).unwrap());
        assert_eq!(opened, plaintext);
    }
}

#[test]
fn the_published_vectors_are_what_another_implementation_makes() {
    let text = include_str!("../../../tests/vectors/streams.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let bytes = |name: &str| STANDARD.decode(text(name)).unwrap();
        let header = Header {
            chunk_bytes: vector["chunk_size"].as_u64().unwrap().try_into().unwrap(),
            nonce_prefix: bytes("nonce_prefix").try_into().unwrap(),
            keys: bytes("encrypted_keys"),
        };
        let key = Key::from_base64(text("data_key")).unwrap();
        let made = by_another(&header, &key, text("associated_data").as_bytes(), &bytes("plaintext"));
        assert_eq!(STANDARD.encode(made), text("stream"), "{}", text("name"));
    }
}

#[test]
fn whatever_is_cut_moved_repeated_joined_or_changed_is_refused() {
    let plaintext = sample(4 * CHUNK + 5);
    let stream = write(&header(), b"a", &plaintext);
    let start = header().write().unwrap().len();
    let whole = CHUNK + TAG_BYTES;
    let chunk =
        |index: usize| &stream[start + index * whole..(start + (index + 1) * whole).min(stream.len())];
    let of = |indexes: &[usize]| {
        let mut changed = stream[..start].to_vec();
        for index in indexes {
            changed.extend_from_slice(chunk(*index));
        }
        changed
    };
    assert_eq!(of(&[0, 1, 2, 3, 4]), stream);
    assert_eq!(read(&stream, b"a").unwrap(), plaintext);
    for wrong in [
        &[0, 1, 2, 3][..],
        &[0, 1, 2, 4],
        &[1, 0, 2, 3, 4],
        &[0, 0, 1, 2, 3, 4],
        &[0, 1, 2, 3, 3, 4],
        &[4],
        &[],
    ] {
        assert!(read(&of(wrong), b"a").is_err(), "{wrong:?}");
    }
    for length in (0..stream.len()).step_by(97).chain([start, start + 15, start + whole, stream.len() - 1]) {
        assert!(read(&stream[..length], b"a").is_err(), "cut to {length}");
    }
    let joined = [&stream[..], &stream[start..]].concat();
    assert!(read(&joined, b"a").is_err(), "joined");
    assert!(read(&[&stream[..], &[0]].concat(), b"a").is_err(), "continued");
    for aad in [&b""[..], b"b", b"aa"] {
        assert_eq!(read(&stream, aad).unwrap_err().code, Code::DecryptionFailed);
    }
    // A chunk of another stream under the same key.
    let other = write(&Header { nonce_prefix: [8; 7], ..header() }, b"a", &plaintext);
    let mixed = [&stream[..start + whole], &other[start + whole..]].concat();
    assert_eq!(read(&mixed, b"a").unwrap_err().code, Code::DecryptionFailed);
}

#[test]
fn every_flipped_bit_of_a_small_stream_is_refused() {
    let stream = write(&header(), b"a", b"secret");
    // The keys are for the service to look at; in all else every bit counts.
    for bit in (0..stream.len() * 8).filter(|bit| !(19 * 8..34 * 8).contains(bit)) {
        let mut changed = stream.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&changed, b"a").is_err(), "bit {bit}");
    }
}

#[test]
fn chunks_have_an_order_an_end_and_their_lengths() {
    let mut chunks = Chunks::new(&header());
    assert_eq!(chunks.seal(CHUNK, false).unwrap(), [1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0]);
    assert!(chunks.seal(CHUNK - 1, false).is_err() && chunks.seal(CHUNK + 1, true).is_err());
    assert!(chunks.seal(0, true).is_err(), "an empty chunk is only ever the only one");
    assert_eq!(chunks.seal(CHUNK, true).unwrap(), [1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 1, 1]);
    assert!(chunks.seal(1, true).is_err(), "nothing comes after the last");
    let cut = Chunks::new(&header()).open(TAG_BYTES - 1, true).unwrap_err();
    assert_eq!(cut.code, Code::MalformedEnvelope);
    assert_eq!(Chunks::new(&header()).open(TAG_BYTES, true).unwrap()[11], 1);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        plaintext in prop::collection::vec(any::<u8>(), 0..4000),
        aad in prop::collection::vec(any::<u8>(), 0..40),
        keys in prop::collection::vec(any::<u8>(), 1..300),
        prefix: [u8; 7],
    ) {
        let header = Header { chunk_bytes: 1024, nonce_prefix: prefix, keys };
        prop_assert_eq!(read(&write(&header, &aad, &plaintext), &aad).unwrap(), plaintext);
    }

    #[test]
    fn any_bytes_are_a_header_or_the_beginning_of_one_or_malformed(
        begun: bool,
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let bytes = if begun { [&b"WVSTRM\x01\0\x01"[..], &bytes].concat() } else { bytes };
        match Header::read(&bytes) {
            Ok(Some((header, length))) => prop_assert_eq!(&header.write().unwrap()[..], &bytes[..length]),
            Ok(None) => prop_assert!(bytes.len() < 18 + 5 + KEYS_MAX),
            Err(error) => prop_assert_eq!(error.code, Code::MalformedEnvelope),
        }
    }
}
