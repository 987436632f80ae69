//! Whatever is given as a key context, or as the options of a call: it is taken within its limits, or refused by name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::http::Operation;
use vault_core::json::Json;
use vault_core::request::Request;
use vault_core::{Code, KeyContext};

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = Json::parse(bytes) else { return };
    match KeyContext::from_tree(&json, None) {
        Ok(context) => {
            assert!((1..=10).contains(&context.iter().count()));
            for (name, value) in context.iter() {
                assert!((1..=120).contains(&name.chars().count()) && value.chars().count() <= 500);
            }
            // Its canonical form is the same context.
            let again = Json::parse(context.canonical_json().as_bytes()).unwrap();
            let again = KeyContext::from_tree(&again, None).unwrap();
            assert_eq!(again.canonical_json(), context.canonical_json());
        }
        Err(error) => {
            assert!(matches!(error.code, Code::InvalidKeyContext | Code::KeyContextTooLarge));
            assert!(!error.problems.is_empty());
        }
    }
    for operation in Operation::ALL {
        match Request::from_options(operation, &json, None) {
            // Lines cannot be broken, nor anything be put between them.
            Ok(request) => assert!(!request.target.contains('\n') && !request.body.contains('\n')),
            Err(error) => assert!(!error.problems.is_empty() && !error.message().is_empty(), "{error:?}"),
        }
    }
});
