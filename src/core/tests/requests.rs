//! Requests: method, target and body of all eleven operations, and how their parts are encoded.

use proptest::prelude::*;
use url::Url;
use vault_core::http::{Method, Request, quote};
use vault_core::json::Json;
use vault_core::keys::{CreateDataKey, CreateRekey, DecryptDataKey};
use vault_core::objects::{ById, CreateObject, DeleteObject, ListObjects, ReadObjectByName, UpdateObject};
use vault_core::scope::Scope;
use vault_core::tree::Tree;
use vault_core::{Code, Error, KeyContext, value};

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn options(members: &[(&str, &str)]) -> Json {
    Json::Object(members.iter().map(|(name, value)| ((*name).into(), Json::text(*value))).collect())
}

fn shown(request: &Request<String>) -> String {
    let mut body = String::new();
    if let Some(json) = &request.body {
        json.write(&mut body);
    }
    [request.method.as_str(), " ", &request.target, " ", &body].concat().trim_end().into()
}

#[test]
fn every_operation_has_the_shape_that_the_api_describes() {
    let by_id = ById::from_options(&options(&[("id", "a1")]), &[]).unwrap();
    let create = json(r#"{"name": "n", "value": "v\"", "context": {"b": "2", "a": "1"}}"#);
    let rekey = json(r#"{"encryptedKeys": "AAAA", "context": {"a": "b"}}"#);
    let update = json(r#"{"id": "a1", "value": "v", "versionCheck": "ver"}"#);
    let list = json(
        r#"{"limit": 100, "after": "c+1", "order": "asc", "search": "a b", "updatedAfter": "2024-01-01T00:00:00.123456+02:00"}"#,
    );
    let requests: [(Request<String>, &str, bool); 14] = [
        (
            CreateObject::from_options(&create, None, None).unwrap().into_request(),
            r#"POST /vault/v1/kv {"name":"n","key_context":{"b":"2","a":"1"},"value":"v\""}"#,
            true,
        ),
        (ListObjects::from_options(&Json::Missing).unwrap().into_request(), "GET /vault/v1/kv", true),
        (
            ListObjects::from_options(&list).unwrap().into_request(),
            "GET /vault/v1/kv?limit=100&after=c%2B1&order=asc&search=a%20b&updatedAfter=2024-01-01T00%3A00%3A00.123456%2B02%3A00",
            true,
        ),
        (by_id.read_request(), "GET /vault/v1/kv/a1", true),
        (
            ReadObjectByName::from_options(&Json::text("a/b"), &[]).unwrap().into_request(),
            "GET /vault/v1/kv/name/a%2Fb",
            true,
        ),
        (
            ReadObjectByName::from_options(&options(&[("name", "é?#%")]), &[]).unwrap().into_request(),
            "GET /vault/v1/kv/name/%C3%A9%3F%23%25",
            true,
        ),
        (by_id.describe_request(), "GET /vault/v1/kv/a1/metadata", true),
        (by_id.versions_request(), "GET /vault/v1/kv/a1/versions", true),
        (
            UpdateObject::from_options(&update, None).unwrap().into_request(),
            r#"PUT /vault/v1/kv/a1 {"version_check":"ver","value":"v"}"#,
            true,
        ),
        (
            UpdateObject::from_options(&options(&[("id", "a1"), ("value", "")]), None)
                .unwrap()
                .into_request(),
            r#"PUT /vault/v1/kv/a1 {"value":""}"#,
            false,
        ),
        (
            DeleteObject::from_options(&options(&[("id", "a1"), ("versionCheck", "a&b")]))
                .unwrap()
                .into_request(),
            "DELETE /vault/v1/kv/a1?version_check=a%26b",
            true,
        ),
        (
            CreateDataKey::from_options(&json(r#"{"context": {"a": "b"}}"#), None).unwrap().into_request(),
            r#"POST /vault/v1/keys/data-key {"context":{"a":"b"}}"#,
            true,
        ),
        (
            DecryptDataKey::from_options(&options(&[("keys", "AAAA")])).unwrap().into_request(),
            r#"POST /vault/v1/keys/decrypt {"keys":"AAAA"}"#,
            true,
        ),
        (
            CreateRekey::from_options(&rekey).unwrap().into_request(),
            r#"POST /vault/v1/keys/rekey {"encrypted_keys":"AAAA","context":{"a":"b"}}"#,
            true,
        ),
    ];
    for (request, expected, repeatable) in requests {
        assert_eq!(shown(&request), expected);
        assert_eq!(request.repeatable, repeatable, "{expected}");
        assert_eq!(request.body.is_some(), matches!(request.method, Method::Post | Method::Put));
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    let error = result.unwrap_err();
    assert_eq!(error.code, Code::InvalidRequest, "{error}");
    error.problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn limits_of_ids_names_and_pages() {
    let name = |length: usize| {
        let text = format!(r#"{{"name": "{}", "value": "v", "context": {{"a": "b"}}}}"#, "é".repeat(length));
        CreateObject::from_options(&json(&text), None, None)
    };
    assert!(name(1).is_ok() && name(200).is_ok());
    assert_eq!(refused(name(0)), ["name"]);
    assert_eq!(refused(name(201)), ["name"]);
    let limit = |limit: &str| ListObjects::from_options(&json(&format!(r#"{{"limit": {limit}}}"#)));
    assert!(limit("1").is_ok() && limit("100").is_ok() && limit("null").is_ok());
    for wrong in ["0", "101", "1.5", "-1", "1e300", r#""10""#] {
        assert_eq!(refused(limit(wrong)), ["limit"], "{wrong}");
    }
    for wrong in ["", ".", "..", "name", &"i".repeat(257)] {
        assert_eq!(refused(ById::from_options(&options(&[("id", wrong)]), &[])), ["id"], "{wrong}");
    }
    assert!(ById::from_options(&options(&[("id", "...")]), &[]).is_ok());
    assert_eq!(refused(ReadObjectByName::from_options(&Json::text(".."), &[])), ["name"]);
    assert_eq!(
        refused(ListObjects::from_options(&options(&[("updatedAfter", "2024-01-01")]))),
        ["updatedAfter"]
    );
    assert_eq!(refused(ListObjects::from_options(&options(&[("before", "a"), ("after", "b")]))), ["before"]);
    for wrong in ["", "=", "AAA", "A-_A", "AAAA\n"] {
        assert_eq!(
            refused(DecryptDataKey::from_options(&options(&[("keys", wrong)]))),
            ["keys"],
            "{wrong:?}"
        );
    }
}

#[test]
fn a_misspelled_option_is_refused_with_the_right_one() {
    let said = |result: Result<UpdateObject<String>, Error>| result.unwrap_err().message;
    let update = |name: &str| {
        said(UpdateObject::from_options(&options(&[("id", "a"), ("value", "v"), (name, "x")]), None))
    };
    assert_eq!(update("version_check"), "version_check: there is no such option; did you mean versionCheck?");
    assert_eq!(update("version"), "version: there is no such option; did you mean versionCheck?");
    assert_eq!(update("foo"), "foo: there is no such option, only id, value, versionCheck");
    let create = |name: &str| {
        let text = format!(r#"{{"name": "n", "value": 123456, "{name}": {{"a": "b"}}}}"#);
        CreateObject::from_options(&json(&text), None, None).unwrap_err().message
    };
    for name in ["keyContext", "key_context"] {
        let message = create(name);
        assert!(message.contains("did you mean context?"), "{message}");
        assert!(!message.contains("123456"), "what may be a secret is not repeated");
    }
}

#[test]
fn a_scope_fills_in_and_refuses_contradictions() {
    let scope = Scope::new(KeyContext::for_organization("org_1").unwrap());
    let create = |context: &str| {
        let text = format!(r#"{{"name": "n", "value": "v"{context}}}"#);
        CreateObject::from_options(&json(&text), None, Some(&scope))
            .map(|create| create.context.canonical_json())
    };
    assert_eq!(create("").unwrap(), r#"{"organization_id":"org_1"}"#);
    assert_eq!(create(r#", "context": {"a": "b"}"#).unwrap(), r#"{"a":"b","organization_id":"org_1"}"#);
    assert_eq!(
        create(r#", "context": {"organization_id": "org_1"}"#).unwrap(),
        r#"{"organization_id":"org_1"}"#
    );
    assert_eq!(
        create(r#", "context": {"organization_id": "org_2"}"#).unwrap_err().code,
        Code::ContextMismatch
    );
    assert_eq!(create(r#", "context": {}"#).unwrap(), r#"{"organization_id":"org_1"}"#);
    assert_eq!(create(r#", "context": {"a": 1}"#).unwrap_err().code, Code::InvalidKeyContext);
    let all = json(r#"{"name": "", "value": 1, "context": {"organization_id": "org_2"}}"#);
    let error = CreateObject::from_options(&all, None, Some(&scope)).unwrap_err();
    let fields: Vec<_> = error.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        (error.code, fields),
        (Code::ContextMismatch, vec!["name", "value", "key_context.organization_id"])
    );
    for (context, fits) in [
        (r#"{"organization_id": "org_1", "b": "c"}"#, true),
        (r#"{"organization_id": "org_2"}"#, false),
        (r#"{"organization_id": ["org_1"]}"#, false),
        ("{}", false),
        ("null", false),
    ] {
        let checked = scope.check(&json(context));
        assert_eq!(checked.is_ok(), fits, "{context}");
        if let Err(error) = checked {
            assert_eq!(error.code, Code::ContextMismatch);
            assert!(!error.message.contains("org_2"), "another tenant's ID is not told");
        }
    }
    let ten = KeyContext::from_pairs((0..10).map(|i| (format!("k{i}"), "v"))).unwrap();
    assert_eq!(scope.merge(&ten).unwrap_err().code, Code::KeyContextTooLarge);
}

proptest! {
    #[test]
    fn a_name_is_one_segment_of_the_path_and_comes_back_from_it(name in "\\PC{1,40}|[./%?#\\\\ +é]{1,5}") {
        let read = ReadObjectByName::from_options(&Json::text(&*name), &[]);
        if name == "." || name == ".." {
            prop_assert!(read.is_err());
            return Ok(());
        }
        let request: Request<String> = read.unwrap().into_request();
        let url = Url::parse(&format!("https://api.workos.com{}", request.target)).unwrap();
        prop_assert_eq!(url.query(), None);
        prop_assert_eq!(url.fragment(), None);
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!(&segments[..4], ["vault", "v1", "kv", "name"]);
        prop_assert_eq!(segments.len(), 5);
        let decoded = percent_encoding_of(segments[4]);
        prop_assert_eq!(decoded, name);
        prop_assert_eq!(url.path(), request.target, "nothing left for the URL parser to change");
    }

    #[test]
    fn a_query_comes_back_from_a_url_parser(search in "\\PC{1,40}", after in "\\PC{1,20}") {
        let list = options(&[("search", &search), ("after", &after)]);
        let request: Request<String> = ListObjects::from_options(&list).unwrap().into_request();
        let url = Url::parse(&format!("https://api.workos.com{}", request.target)).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, [("after".to_owned(), after), ("search".to_owned(), search)]);
    }

    #[test]
    fn strings_are_quoted_as_json(text in "\\PC*|[\\x00-\\x20\"\\\\a]*") {
        let mut quoted = String::new();
        quote(&text, &mut quoted);
        prop_assert_eq!(json(&quoted).string(), Some(text));
    }

    #[test]
    fn json_is_written_as_it_was_read(text in "\\PC{0,10}", number in -1_000_000_i32..1_000_000, flag: bool) {
        let tree = Json::Object(vec![
            (text.clone(), Json::Array(vec![Json::Number(f64::from(number)), Json::Bool(flag), Json::Null])),
            (text.clone(), Json::Text(text)),
            ("fraction".into(), Json::Number(f64::from(number) / 8.0)),
        ]);
        let mut written = String::new();
        tree.write(&mut written);
        prop_assert_eq!(json(&written), tree);
    }

    #[test]
    fn bytes_come_back_from_a_value(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let stored = value::encode_bytes(&bytes);
        prop_assert!(stored.starts_with("data:application/octet-stream;base64,"));
        prop_assert_eq!(value::decode_bytes(&stored).unwrap(), bytes);
    }

    #[test]
    fn any_other_value_reads_as_its_utf8(text in "\\PC{0,60}") {
        prop_assert_eq!(value::decode_bytes(&text).unwrap(), text.into_bytes());
    }
}

fn percent_encoding_of(segment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned()
}

#[test]
fn a_damaged_value_of_bytes_is_told() {
    for damaged in ["data:application/octet-stream;base64,A", "data:application/octet-stream;base64,AA*="] {
        assert_eq!(value::decode_bytes(damaged).unwrap_err().code, Code::MalformedEnvelope);
    }
    assert_eq!(value::decode_bytes("data:text/plain;base64,AA==").unwrap(), b"data:text/plain;base64,AA==");
}
