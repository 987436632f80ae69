//! Answers: read into results, or classified into errors.

use proptest::prelude::*;
use std::collections::HashSet;
use vault_core::http::{Answer, Operation, retry_after_ms};
use vault_core::json::{Json, Timestamp, ToWire};
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::objects::{Actor, DeleteObject, Object, ObjectMetadata, ObjectSummary, ObjectVersion, Page};
use vault_core::{Code, Error};

fn answer(status: u16, body: &str) -> Answer<Json> {
    let body = Json::parse(body.as_bytes()).ok();
    Answer { status, request_id: Some("req_1".into()), retry_after_ms: None, body }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn metadata() -> ObjectMetadata<String, Timestamp> {
    ObjectMetadata {
        id: "a1".into(),
        environment_id: "environment_1".into(),
        context: vec![("b".into(), "2".into()), ("a".into(), "1".into())],
        key_id: "kek".into(),
        updated_at: at("2024-06-15T10:30:00.123456789+02:00"),
        updated_by: Actor { id: "key_1".into(), name: "My key".into() },
        version_id: Some("ver".into()),
    }
}

fn of(wire: &impl ToWire) -> Answer<Json> {
    let mut text = String::new();
    wire.to_wire().write(&mut text);
    answer(200, &text)
}

#[test]
fn every_result_is_read_as_it_was_written() {
    let object = |value: Option<&str>| Object {
        id: "a1".into(),
        name: "n".into(),
        value: value.map(str::to_owned),
        metadata: metadata(),
    };
    assert_eq!(ObjectMetadata::read_answer(&of(&metadata())).unwrap(), metadata());
    assert_eq!(
        Object::read_answer(Operation::ReadObject, &of(&object(Some("v")))).unwrap(),
        object(Some("v"))
    );
    assert_eq!(Object::read_answer(Operation::DescribeObject, &of(&object(None))).unwrap(), object(None));
    let summaries = Page {
        data: vec![
            ObjectSummary { id: "a".into(), name: "n".into(), updated_at: Some(at("2024-01-01T00:00:00Z")) },
            ObjectSummary { id: "b".into(), name: "m".into(), updated_at: None },
        ],
        before: None,
        after: Some("cursor".into()),
    };
    assert_eq!(Page::<ObjectSummary<_, _>, _>::read_answer(&of(&summaries)).unwrap(), summaries);
    let versions = Page {
        data: vec![ObjectVersion {
            id: "v".into(),
            created_at: at("2024-01-01T00:00:00.5Z"),
            current_version: true,
            size: 1 << 53,
            etag: "e".into(),
        }],
        before: None,
        after: None,
    };
    assert_eq!(Page::<ObjectVersion<_, _>, _>::read_answer(&of(&versions)).unwrap(), versions);
    let data_key = DataKey { id: "k".to_owned(), key: format!("{}=", "A".repeat(43)) };
    assert_eq!(DataKey::read_answer(&of(&data_key)).unwrap(), data_key);
    let pair =
        DataKeyPair { data_key, encrypted_keys: "AAAA".into(), context: vec![("a".into(), "b".into())] };
    assert_eq!(DataKeyPair::read_answer(Operation::CreateDataKey, &of(&pair)).unwrap(), pair);
    assert!(!format!("{pair:?}").contains("AAAAAAA"), "a key has no readable Debug");
    assert!(DeleteObject::read_answer(&answer(200, r#"{"name": "n", "success": true}"#)).is_ok());
    assert!(DeleteObject::read_answer(&answer(204, "")).is_ok());
    let refused = DeleteObject::read_answer(&answer(200, r#"{"name": "n", "success": false}"#));
    assert_eq!(refused.unwrap_err().code, Code::ServerError);
}

#[test]
fn timestamps_are_kept_exactly() {
    for text in ["2024-06-15T10:30:00Z", "2024-06-15T10:30:00.1Z", "2024-06-15T10:30:00.123456789+02:00"] {
        assert_eq!(at(text).as_str(), text);
    }
    assert!(at("2024-06-15T10:30:00.000000001Z").unix_nanos() > at("2024-06-15T10:30:00Z").unix_nanos());
    assert_eq!(at("2024-06-15T10:30:00+02:00").unix_nanos(), at("2024-06-15T08:30:00Z").unix_nanos());
    assert_eq!(Timestamp::from_unix_ms(1_718_447_400_005).unwrap().as_str(), "2024-06-15T10:30:00.005Z");
    for wrong in ["", "2024-06-15", "2024-13-01T00:00:00Z", "2024-06-15T10:30:00", "1718447400"] {
        assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_wrong_with_an_answer_is_named_by_its_path() {
    let fields = |result: Result<Object<String, Timestamp>, Error>| {
        let error = result.unwrap_err();
        assert_eq!((error.code, error.status), (Code::MalformedResponse, Some(200)));
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
        error.problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    let read = |body: &str| fields(Object::read_answer(Operation::ReadObject, &answer(200, body)));
    for body in ["", "<html>", "[]", "null", "5"] {
        assert_eq!(read(body), ["body"], "{body}");
    }
    assert_eq!(read("{}"), ["id", "name", "value", "metadata"]);
    let body = r#"{"id": 1, "name": "n", "value": null, "metadata": {"id": "a", "environment_id": "e", "context": {"a": {}},
        "key_id": "k", "updated_at": "today", "updated_by": "me", "version_id": 4}}"#;
    let expected = [
        "id",
        "value",
        "metadata.context.a",
        "metadata.updated_at",
        "metadata.version_id",
        "metadata.updated_by",
    ];
    assert_eq!(read(body), expected);
    let list = answer(200, r#"{"data": [{"id": "a", "name": "n"}, {"id": "b"}, 5], "list_metadata": {}}"#);
    let error = Page::<ObjectSummary<_, _>, _>::read_answer(&list).unwrap_err();
    let fields: Vec<_> = error.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["data[1].name", "data[2]"]);
    for (key, found) in [("AAAA", "got 3 bytes"), ("*", "text that is not base64"), ("", "got 0 bytes")] {
        let error = DataKey::read_answer(&answer(200, &format!(r#"{{"id": "k", "data_key": "{key}"}}"#)))
            .unwrap_err();
        assert!(error.message.contains(found), "{}", error.message);
    }
}

#[test]
fn failures_are_classified_by_sentence_then_status() {
    let code = |operation, status, body: &str| Error::from_answer(operation, &answer(status, body)).code;
    let read = |status, body: &str| code(Operation::ReadObject, status, body);
    let sentences = [
        (r#"{"error": "organization_id not found"}"#, Code::OrganizationNotFound),
        (r#"{"error": "Invalid key context: non-string value"}"#, Code::InvalidKeyContext),
        (r#"{"message": "Maximum key context size exceeded"}"#, Code::KeyContextTooLarge),
        (r#"{"error": "Version mismatch"}"#, Code::VersionMismatch),
        (r#"{"error": "Customer key not accessible"}"#, Code::CustomerKeyInaccessible),
        (r#"{"error": "object marked for deletion"}"#, Code::ObjectPendingDeletion),
    ];
    for (body, expected) in sentences {
        for status in [400, 403, 404, 409, 422] {
            assert_eq!(read(status, body), expected, "{status} {body}");
        }
        assert_eq!(read(503, body), Code::ServerError, "a failing service's words are not taken");
        assert_eq!(read(401, body), Code::Unauthorized);
    }
    let statuses = [
        (400, Code::InvalidRequest),
        (401, Code::Unauthorized),
        (403, Code::Forbidden),
        (404, Code::NotFound),
        (408, Code::Timeout),
        (409, Code::VersionMismatch),
        (413, Code::InvalidRequest),
        (422, Code::ValidationFailed),
        (429, Code::RateLimited),
        (500, Code::ServerError),
        (599, Code::ServerError),
        (301, Code::MalformedResponse),
        (0, Code::MalformedResponse),
    ];
    for (status, expected) in statuses {
        for body in ["", "<html>", "{}", r#"{"error": 5}"#, r#"{"error": "x"}"#, "[]"] {
            assert_eq!(read(status, body), expected, "{status} {body}");
        }
    }
    assert_eq!(code(Operation::CreateObject, 409, "{}"), Code::NameConflict);
    let body = r#"{"error": "", "message": "Validation failed.", "code": "x", "errors": [
        {"field": "name", "code": "required", "message": "is required"}, {"code": "too_long"}, "plain", 5]}"#;
    let error = Error::from_answer(Operation::CreateObject, &answer(422, body));
    assert_eq!(error.message, "createObject: Validation failed. (status 422)");
    let problems: Vec<_> = error.problems.iter().map(|p| (p.field.as_str(), p.message.as_str())).collect();
    assert_eq!(problems, [("name", "is required"), ("", "too_long"), ("", "plain")]);
    let error = Error::from_answer(Operation::ReadObject, &answer(404, r#"{"error": "Not Found"}"#));
    assert_eq!(error.message, "readObject: Not Found (status 404)");
    assert_eq!((error.status, error.request_id.as_deref()), (Some(404), Some("req_1")));
}

#[test]
fn every_code_has_a_name_and_a_cure_of_its_own() {
    let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let cures: HashSet<_> = Code::ALL.iter().map(|code| code.recovery()).collect();
    assert_eq!((names.len(), cures.len()), (Code::ALL.len(), Code::ALL.len()));
    for code in Code::ALL {
        assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{code:?}");
        assert!(code.recovery().ends_with('.'), "{code:?}");
    }
    let retryable: Vec<_> = Code::ALL.into_iter().filter(|code| code.retryable()).collect();
    assert_eq!(retryable, [Code::RateLimited, Code::ServerError, Code::NetworkError, Code::Timeout]);
}

fn http_date(text: &str) -> Option<u64> {
    let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(at.as_millis()).ok()
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = 1_718_447_400_000; // Sat, 15 Jun 2024 10:30:00 GMT
    let cases = [
        ("0", Some(0)),
        ("120", Some(120_000)),
        (" 5 ", Some(5_000)),
        ("Sat, 15 Jun 2024 10:31:00 GMT", Some(60_000)),
        ("Sat, 15 Jun 2024 10:29:00 GMT", Some(0)),
        ("Saturday, 15-Jun-24 10:30:01 GMT", Some(1_000)),
        ("Sat, 15 Jun 2024 10:31:00", None),
        ("GMT", None),
        ("99999999999999999999999", Some(9_999_999_999_000)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
    ];
    for (header, expected) in cases {
        assert_eq!(retry_after_ms(header, now, http_date), expected, "{header}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_core_panic(status in 0_u16..700, body in "\\PC{0,60}|[\\[\\]{}\":,0-9a-z_ ]{0,60}", header in "\\PC{0,30}") {
        let mut answer = answer(status, &body);
        answer.retry_after_ms = retry_after_ms(&header, 1_718_447_400_000, http_date);
        let _ = Object::<String, Timestamp>::read_answer(Operation::ReadObject, &answer);
        let _ = Page::<ObjectVersion<String, Timestamp>, String>::read_answer(&answer);
        let _ = DataKeyPair::<String>::read_answer(Operation::CreateRekey, &answer);
        let error = Error::from_answer(Operation::CreateObject, &answer);
        prop_assert!(!error.message.is_empty());
    }
}
