//! Whatever is given as a key context, or as the options of a call: it is taken within its limits, or refused by name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::explain::explain;
use vault_core::json::Json;
use vault_core::keys::CreateDataKey;
use vault_core::objects::{CreateObject, DeleteObject, ListObjects, UpdateObject};
use vault_core::{Code, KeyContext};

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = Json::parse(bytes) else { return };
    match KeyContext::from_tree(&json) {
        Ok(context) => {
            assert!((1..=10).contains(&context.iter().count()));
            for (name, value) in context.iter() {
                assert!((1..=120).contains(&name.chars().count()) && value.chars().count() <= 500);
            }
            // Its canonical form is the same context.
            let again = Json::parse(context.canonical_json().as_bytes()).unwrap();
            let again = KeyContext::from_tree(&again).unwrap();
            assert_eq!(again.canonical_json(), context.canonical_json());
            assert_eq!(explain(&context).keks.len(), context.iter().count());
        }
        Err(error) => {
            assert!(matches!(error.code, Code::InvalidKeyContext | Code::KeyContextTooLarge));
            assert!(!error.problems.is_empty());
        }
    }
    for error in [
        CreateObject::from_options(&json, None, None).err(),
        UpdateObject::from_options(&json, None).err(),
        DeleteObject::from_options(&json).err(),
        ListObjects::from_options(&json).err(),
        CreateDataKey::from_options(&json, None).err(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(!error.problems.is_empty() && !error.message.is_empty(), "{error:?}");
    }
});
