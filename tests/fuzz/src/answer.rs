//! Whatever the service, or who stands in for it, answers: it is read as each operation's, or refused with a reason.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::events::Event;
use vault_core::http::{Answer, Operation, retry_after_ms};
use vault_core::json::Json;
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::objects::{DeleteObject, Object, ObjectMetadata, ObjectSummary, ObjectVersion, Page};
use vault_core::{Code, Error};

fn refused<T>(result: Result<T, Error>) {
    if let Err(error) = result {
        assert!(!error.message.is_empty());
        assert!(error.code == Code::MalformedResponse || error.status.is_some(), "{error:?}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((status, rest)) = bytes.split_first_chunk() else { return };
    let status = u16::from_be_bytes(*status);
    let text = core::str::from_utf8(rest).unwrap_or_default();
    let (header, body) = text.split_once('\n').unwrap_or(("", text));
    let retry_after_ms = retry_after_ms(header, 1_700_000_000_000, |date| u64::try_from(date.len()).ok());
    let answer = Answer { status, request_id: None, retry_after_ms, body: Json::parse(body.as_bytes()).ok() };
    refused(ObjectMetadata::read_answer(&answer));
    refused(Page::<ObjectSummary<_, _>, _>::read_answer(&answer));
    refused(Page::<ObjectVersion<_, _>, _>::read_answer(&answer));
    refused(DataKey::read_answer(&answer));
    refused(Event::read_answer(&answer));
    refused(DeleteObject::read_answer(&answer));
    for operation in Operation::ALL {
        refused(Object::read_answer(operation, &answer));
        refused(DataKeyPair::read_answer(operation, &answer));
        let error = Error::from_answer(operation, &answer);
        assert_eq!(error.status, Some(status));
        assert!(error.message.starts_with(operation.as_str()));
    }
});
