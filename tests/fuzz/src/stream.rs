//! Whatever is given as an encrypted stream: its header is read, or refused, or goes on; its chunks do not open.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::Code;
use vault_core::cipher::{Key, TAG_BYTES, open};
use vault_core::stream::{Chunks, Header};

fuzz_target!(|bytes: &[u8]| {
    let read = Header::read(bytes);
    // What is known of the first bytes stays so when more come.
    for length in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
        match Header::read(&bytes[..length]) {
            Ok(Some(known)) => assert_eq!(read, Ok(Some(known))),
            Err(_) => assert!(read.is_err()),
            Ok(None) => {}
        }
    }
    let (header, length) = match read {
        Ok(Some(read)) => read,
        Ok(None) => return,
        Err(error) => return assert_eq!(error.code, Code::MalformedEnvelope),
    };
    assert_eq!(header.write().unwrap(), bytes[..length]);
    let (mut chunks, aad, key) = (Chunks::new(&header), header.aad(b"x"), Key::filled(|key| key.fill(7)));
    let mut pieces = bytes[length..].chunks(header.chunk_bytes as usize + TAG_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        match chunks.open(piece.len(), pieces.peek().is_none()) {
            Ok(nonce) => {
                let (ciphertext, tag) = piece.split_at(piece.len() - TAG_BYTES);
                let mut buffer = ciphertext.to_vec();
                assert!(open(&key, &nonce, &aad, &mut buffer, tag).is_err(), "a forgery");
            }
            Err(error) => return assert_eq!(error.code, Code::MalformedEnvelope),
        }
    }
});
