//! Whatever requests come, one after the other: each is answered, none with a 500 or beside its form; and a snapshot
//! taken in between holds all there is. What is no snapshot is refused and changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::json::Json;
use vault_emulator::{Emulator, Options, Request};

fuzz_target!(|bytes: &[u8]| {
    let mut count = 0_u8;
    let mut random = |out: &mut [u8]| {
        for byte in out {
            count = count.wrapping_mul(5).wrapping_add(113);
            *byte = count;
        }
    };
    let mut vault = Emulator::new(Options::default(), 0, &mut random).unwrap();
    // A line each: a method, a target and a body, with spaces between.
    let text = String::from_utf8_lossy(bytes);
    for (at, line) in text.lines().take(20).enumerate() {
        let mut parts = line.splitn(3, ' ');
        let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let request = Request {
            method,
            target,
            authorization: Some("Bearer sk_test_emulator"),
            body: parts.next().unwrap_or_default().as_bytes(),
            ..Request::default()
        };
        let answer = vault.handle(&request, at as u64, &mut random);
        assert!((200..500).contains(&answer.status), "{} for {line}", answer.status);
        if answer.status != 204 && method != "HEAD" {
            assert!(Json::parse(answer.body.as_bytes()).is_ok(), "{}", answer.body);
        }
        assert!(answer.header("x-request-id").is_some());
    }
    let snapshot = vault.snapshot();
    let mut again = Emulator::new(Options::default(), 0, &mut random).unwrap();
    again.restore(&snapshot, 0, &mut random).unwrap();
    assert_eq!(again.snapshot(), snapshot);
    if vault.restore(&text, 0, &mut random).is_err() {
        assert_eq!(vault.snapshot(), snapshot);
    }
});
