//! Whatever is given as an envelope: it is read, or refused with a reason; what is read is written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::Code;
use vault_core::cipher::{Key, open};
use vault_core::envelope::{Layout, candidates, frame};

fuzz_target!(|bytes: &[u8]| {
    let key = Key::filled(|key| key.fill(7));
    match candidates(bytes) {
        Ok(readings) => {
            assert!((1..=3).contains(&readings.len()));
            for parts in readings {
                let prefix = frame(parts.layout, parts.nonce, parts.tag, parts.keys).unwrap();
                let suffix = if parts.layout == Layout::Go { parts.tag } else { &[] };
                assert_eq!([&prefix, parts.ciphertext, suffix].concat(), bytes);
                let mut buffer = parts.ciphertext.to_vec();
                assert!(open(&key, parts.nonce, b"", &mut buffer, parts.tag).is_err(), "a forgery");
                assert_eq!(buffer, parts.ciphertext);
            }
        }
        Err(error) => assert_eq!(error.code, Code::MalformedEnvelope),
    }
});
