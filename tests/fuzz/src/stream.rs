//! Whatever is given as an encrypted stream: its header is read, or refused, or goes on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::Code;
use vault_core::stream::Header;

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
});
