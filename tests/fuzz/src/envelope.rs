//! Whatever is given as an envelope: it is read, or refused with a reason; what is read is written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::Code;
use vault_core::cipher::{Key, open};
use vault_core::envelope::{candidates, frame, from_text, to_text};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = core::str::from_utf8(bytes) {
        match from_text(text) {
            // Padding may be missing; the bytes are the same.
            Ok(decoded) => assert_eq!(from_text(&to_text(&decoded)).unwrap(), decoded),
            Err(error) => assert_eq!(error.code, Code::MalformedEnvelope),
        }
    }
    let key = Key::filled(|key| key.fill(7));
    match candidates(bytes) {
        Ok(readings) => {
            assert!((1..=3).contains(&readings.len()));
            for parts in readings {
                let (prefix, suffix) = frame(parts.layout, parts.nonce, parts.tag, parts.keys).unwrap();
                assert_eq!([&prefix, parts.ciphertext, &suffix].concat(), bytes);
                let mut buffer = parts.ciphertext.to_vec();
                assert!(open(&key, parts.nonce, b"", &mut buffer, parts.tag).is_err(), "a forgery");
                assert_eq!(buffer, parts.ciphertext);
            }
        }
        Err(error) => assert_eq!(error.code, Code::MalformedEnvelope),
    }
});
