//! Data keys that are used more than once: never beyond a bound.

use proptest::prelude::*;
use vault_core::Code;
use vault_core::cipher::Key;
use vault_core::json::Json;
use vault_core::keyring::{Active, Bounds, Choice};
use vault_core::reader::Reader;

fn key(byte: u8) -> Key {
    Key::filled(|key| key.fill(byte))
}

const BOUNDS: Bounds =
    Bounds { max_age_ms: 1000, max_messages: 100, max_bytes: 10_000, max_opened: 2, max_contexts: 1 };

#[test]
fn bounds_are_required_and_capped() {
    let read = |text: &str| Bounds::of_keyring(&Json::parse(text.as_bytes()).unwrap());
    let good = r#"{"maxAgeMs": 86400000, "maxMessages": 4294967296, "maxBytes": 1099511627776, "maxDecryptKeys": 0}"#;
    assert_eq!(read(good).unwrap().max_messages, 1 << 32);
    assert_eq!(read(r#"{"maxAgeMs": 1, "maxMessages": 1, "maxBytes": 1}"#).unwrap().max_opened, 100);
    for (text, fields) in [
        ("{}", vec!["maxAgeMs", "maxMessages", "maxBytes"]),
        (
            r#"{"maxAgeMs": 86400001, "maxMessages": 4294967297, "maxBytes": 0}"#,
            vec!["maxAgeMs", "maxMessages", "maxBytes"],
        ),
        (r#"{"maxAgeMs": 1, "maxMessages": 1, "maxBytes": 1, "maxDecryptKeys": -1}"#, vec!["maxDecryptKeys"]),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert_eq!(error.problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), fields);
    }
}

#[test]
fn each_bound_ends_a_key_and_its_last_tenth_fetches_the_next() {
    let active = Active::new(key(1), Vec::new(), 5000);
    for (now_ms, bytes, choice) in [
        (5000, 0, Choice::Use),
        (5899, 0, Choice::Use),
        (5900, 0, Choice::UseAndRenew),
        (6000, 0, Choice::UseAndRenew),
        (6001, 0, Choice::Renew),
        (4999, 0, Choice::Renew),
        (5000, 8999, Choice::Use),
        (5000, 9000, Choice::UseAndRenew),
        (5000, 10_000, Choice::UseAndRenew),
        (5000, 10_001, Choice::Renew),
    ] {
        assert_eq!(active.choice(&BOUNDS, now_ms, bytes), choice, "{now_ms} {bytes}");
    }
    let mut active = Active::new(key(1), Vec::new(), 0);
    let choices: Vec<_> = (0..101)
        .map(|_| {
            let choice = active.choice(&BOUNDS, 0, 1);
            active.count(1);
            choice
        })
        .collect();
    assert!(choices[..89].iter().all(|choice| *choice == Choice::Use));
    assert!(choices[89..100].iter().all(|choice| *choice == Choice::UseAndRenew));
    assert_eq!(choices[100], Choice::Renew);
}

#[test]
fn a_client_s_cache_says_for_how_many_contexts() {
    let read = |text: &str| {
        let json = Json::parse(text.as_bytes()).unwrap();
        let mut reader = Reader::options(&json);
        let bounds = Bounds::of_cache(&mut reader);
        reader.finish(bounds)
    };
    let bounds = read(r#"{"maxAgeMs": 1, "maxMessages": 1, "maxBytes": 1}"#).unwrap();
    assert_eq!((bounds.max_contexts, bounds.max_opened), (100, 100));
    assert_eq!(
        read(r#"{"maxAgeMs": 1, "maxMessages": 1, "maxBytes": 1, "maxContexts": 7}"#).unwrap().max_contexts,
        7
    );
    let error = read(r#"{"maxAgeMs": 1, "maxContexts": 0, "context": {}}"#).unwrap_err();
    let fields: Vec<_> = error.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["context", "maxMessages", "maxBytes", "maxContexts"]);
}

proptest! {
    #[test]
    fn no_key_is_used_beyond_its_bounds(
        max_age_ms in 1_u64..50, max_messages in 1_u64..20, max_bytes in 1_u64..200,
        steps in prop::collection::vec((0_u64..10, 0_u64..60), 1..200),
    ) {
        let bounds = Bounds { max_age_ms, max_messages, max_bytes, max_opened: 0, max_contexts: 1 };
        let (mut now, mut born, mut messages, mut bytes) = (0, 0, 0, 0);
        let mut active = Active::new(key(0), Vec::new(), 0);
        for (wait, length) in steps {
            now += wait;
            if length > max_bytes {
                prop_assert_eq!(active.choice(&bounds, now, length), Choice::Renew);
                continue;
            }
            if active.choice(&bounds, now, length) == Choice::Renew {
                active = Active::new(key(0), Vec::new(), now);
                (born, messages, bytes) = (now, 0, 0);
                prop_assert_ne!(active.choice(&bounds, now, length), Choice::Renew, "a fresh key serves");
            }
            active.count(length);
            messages += 1;
            bytes += length;
            prop_assert!(now - born <= max_age_ms && messages <= max_messages && bytes <= max_bytes);
        }
    }
}
