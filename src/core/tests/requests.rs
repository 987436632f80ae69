//! Requests: method, target and body of all eleven operations, and how their parts are encoded.

use proptest::prelude::*;
use url::Url;
use vault_core::http::{Method, Operation, quote};
use vault_core::json::Json;
use vault_core::reader::Reader;
use vault_core::request::Request;
use vault_core::{Code, Error, KeyContext};

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn options(members: &[(&str, &str)]) -> Json {
    Json::Object(members.iter().map(|(name, value)| ((*name).into(), Json::text(*value))).collect())
}

fn request(operation: Operation, options: &Json) -> Result<Request<'_>, Error> {
    Request::from_options(operation, options, None)
}

#[test]
fn every_operation_has_the_shape_that_the_api_describes() {
    let context = r#"{"context": {"b": "2", "a": "1"}}"#;
    let list = r#"{"limit": 100, "after": "c+1", "order": "asc", "search": "a b", "updatedAfter": "2024-01-01T00:00:00.123456+02:00"}"#;
    let events = r#"{"events": ["vault.data.read", "vault.kek.created"], "limit": 1, "after": "event_1", "order": "desc",
        "rangeStart": "2024-01-01T00:00:00Z", "organizationId": "org_1"}"#;
    let cases = [
        (
            Operation::CreateObject,
            r#"{"name": "n", "value": "v\"", "context": {"b": "2", "a": "1"}}"#,
            r#"POST /vault/v1/kv {"name":"n","key_context":{"b":"2","a":"1"},"value":"#,
            true,
        ),
        (Operation::ListObjects, "{}", "GET /vault/v1/kv ", true),
        (
            Operation::ListObjects,
            list,
            "GET /vault/v1/kv?limit=100&after=c%2B1&order=asc&search=a%20b&updatedAfter=2024-01-01T00%3A00%3A00.123456%2B02%3A00 ",
            true,
        ),
        (Operation::ListObjects, r#"{"search": "", "limit": null}"#, "GET /vault/v1/kv ", true),
        (Operation::ReadObject, r#"{"id": "a1"}"#, "GET /vault/v1/kv/a1 ", true),
        (Operation::ReadObjectByName, r#"{"name": "a/b"}"#, "GET /vault/v1/kv/name/a%2Fb ", true),
        (Operation::ReadObjectByName, r#"{"name": "é?#%"}"#, "GET /vault/v1/kv/name/%C3%A9%3F%23%25 ", true),
        (Operation::DescribeObject, r#"{"id": "a{id}1"}"#, "GET /vault/v1/kv/a%7Bid%7D1/metadata ", true),
        (Operation::ListObjectVersions, r#"{"id": "a1"}"#, "GET /vault/v1/kv/a1/versions ", true),
        (
            Operation::UpdateObject,
            r#"{"id": "a1", "value": "v", "versionCheck": "ver"}"#,
            r#"PUT /vault/v1/kv/a1 {"version_check":"ver","value":"#,
            true,
        ),
        (Operation::UpdateObject, r#"{"id": "a1", "value": ""}"#, r#"PUT /vault/v1/kv/a1 {"value":"#, false),
        (
            Operation::DeleteObject,
            r#"{"id": "a1", "versionCheck": "a&b"}"#,
            "DELETE /vault/v1/kv/a1?version_check=a%26b ",
            true,
        ),
        (
            Operation::CreateDataKey,
            context,
            r#"POST /vault/v1/keys/data-key {"context":{"b":"2","a":"1"}}"#,
            true,
        ),
        (
            Operation::DecryptDataKey,
            r#"{"keys": "AAAA"}"#,
            r#"POST /vault/v1/keys/decrypt {"keys":"AAAA"}"#,
            true,
        ),
        (
            Operation::CreateRekey,
            r#"{"encryptedKeys": "AAA=", "context": {"a": "b"}}"#,
            r#"POST /vault/v1/keys/rekey {"encrypted_keys":"AAA=","context":{"a":"b"}}"#,
            true,
        ),
        (
            Operation::ListEvents,
            events,
            "GET /events?events=vault.data.read%2Cvault.kek.created&limit=1&after=event_1&order=desc&range_start=2024-01-01T00%3A00%3A00Z&organization_id=org_1 ",
            true,
        ),
    ];
    for (operation, options, expected, repeatable) in cases {
        let options = json(options);
        let request = request(operation, &options).unwrap();
        let (method, Request { target, body, .. }) = (request.method(), &request);
        assert_eq!([method.as_str(), " ", target, " ", body].concat(), expected);
        assert_eq!(request.repeatable, repeatable, "{expected}");
        assert_eq!(body.is_empty(), matches!(method, Method::Get | Method::Delete));
        assert_eq!(request.has_value, expected.ends_with("\"value\":"));
    }
    let context = json(context);
    let created = request(Operation::CreateDataKey, &context).unwrap();
    assert_eq!(created.context.unwrap().canonical_json(), r#"{"a":"1","b":"2"}"#);
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
        request(Operation::CreateObject, &json(&text)).map(drop)
    };
    assert!(name(1).is_ok() && name(200).is_ok());
    assert_eq!(refused(name(0)), ["name"]);
    assert_eq!(refused(name(201)), ["name"]);
    let list = |members: &[(&str, &str)]| request(Operation::ListObjects, &options(members)).map(drop);
    let limit =
        |limit: &str| request(Operation::ListObjects, &json(&format!(r#"{{"limit": {limit}}}"#))).map(drop);
    assert!(limit("1").is_ok() && limit("100").is_ok() && limit("null").is_ok());
    for wrong in ["0", "101", "1.5", "-1", "1e300", r#""10""#] {
        assert_eq!(refused(limit(wrong)), ["limit"], "{wrong}");
    }
    let by_id = |id: &str| request(Operation::ReadObject, &options(&[("id", id)])).map(drop);
    for wrong in ["", ".", "..", "name", &"i".repeat(257)] {
        assert_eq!(refused(by_id(wrong)), ["id"], "{wrong}");
    }
    assert!(by_id("...").is_ok() && by_id(&"i".repeat(256)).is_ok());
    assert_eq!(refused(request(Operation::DescribeObject, &Json::text("a1"))), ["options"]);
    assert_eq!(refused(request(Operation::ReadObjectByName, &options(&[("name", "..")]))), ["name"]);
    assert_eq!(refused(list(&[("updatedAfter", "2024-01-01")])), ["updatedAfter"]);
    assert_eq!(refused(list(&[("before", "a"), ("after", "b")])), ["before"]);
    assert_eq!(refused(list(&[("order", "up")])), ["order"]);
    for wrong in ["", "=", "AAA", "A-_A", "AAAA\n", "AB==", "AAB=", "====", "AA=A"] {
        assert_eq!(
            refused(request(Operation::DecryptDataKey, &options(&[("keys", wrong)]))),
            ["keys"],
            "{wrong:?}"
        );
    }
    for wrong in
        [r#"{"events": []}"#, r#"{"events": ["A"]}"#, r#"{"events": [1]}"#, r#"{"events": "a"}"#, "{}"]
    {
        assert_eq!(refused(request(Operation::ListEvents, &json(wrong))), ["events"], "{wrong}");
    }
    let many = Json::object([("events", Json::Array(vec![Json::text("A"); 90]))]);
    assert_eq!(refused(request(Operation::ListEvents, &many)), ["events"], "one is enough");
    let zone = json(r#"{"events": ["a"], "rangeStart": "2024-01-01T00:00:00+02:00", "rangeEnd": 5}"#);
    assert_eq!(refused(request(Operation::ListEvents, &zone)), ["rangeStart", "rangeEnd"]);
}

#[test]
fn a_misspelled_option_is_refused_with_the_right_one() {
    let said = |name: &str| {
        let given = options(&[("id", "a"), ("value", "v"), (name, "x")]);
        let mut reader = Reader::options(&given);
        reader.only(&["id", "value", "versionCheck"]);
        reader.done().unwrap_err().message()
    };
    assert_eq!(said("version_check"), "version_check: there is no such option; did you mean versionCheck?");
    assert_eq!(said("version"), "version: there is no such option; did you mean versionCheck?");
    assert_eq!(said("foo"), "foo: there is no such option, only id, value, versionCheck");
}

#[test]
fn a_value_is_a_text_here_and_never_told() {
    let number = json(r#"{"id": "a", "value": 123456}"#);
    let error = request(Operation::UpdateObject, &number).unwrap_err();
    assert_eq!(error.message(), "value: expected a string or a Uint8Array, got a number");
}

#[test]
fn a_scope_fills_in_and_refuses_contradictions() {
    let scope = KeyContext::from_pairs([("organization_id", "org_1")]).unwrap();
    let create = |context: &str| {
        let text = format!(r#"{{"name": "n", "value": "v"{context}}}"#);
        let options = json(&text);
        let request = Request::from_options(Operation::CreateObject, &options, Some(&scope));
        request.map(|request| request.context.unwrap().canonical_json())
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
    let error = Request::from_options(Operation::CreateObject, &all, Some(&scope)).unwrap_err();
    let empty = options(&[]);
    let absent = Request::from_options(Operation::CreateDataKey, &empty, Some(&scope));
    assert_eq!(absent.unwrap().body, r#"{"context":{"organization_id":"org_1"}}"#);
    let fields: Vec<_> = error.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        (error.code, fields),
        (Code::ContextMismatch, vec!["name", "value", "key_context.organization_id"])
    );
    let ten: Vec<_> = ('a'..='j').map(|name| (name.to_string(), Json::text("v"))).collect();
    let ten = Json::Object(ten);
    assert_eq!(KeyContext::from_tree(&ten, None).unwrap().len(), 10);
    assert_eq!(KeyContext::from_tree(&ten, Some(&scope)).unwrap_err().code, Code::KeyContextTooLarge);
    // An item of the scope that is wrong in itself is that, and no other tenant's.
    for wrong in ["", &"v".repeat(501)] {
        let given = options(&[("organization_id", wrong)]);
        let error = KeyContext::from_tree(&given, Some(&scope)).unwrap_err();
        assert_eq!((error.code, error.problems.len()), (Code::InvalidKeyContext, 1), "{wrong}");
    }
    // An item of the scope counts once, whatever is given for it.
    let mut nine = json(r#"{"organization_id": 0}"#);
    if let (Json::Object(items), Json::Object(more)) = (&mut nine, &ten) {
        items.extend_from_slice(&more[..9]);
    }
    let error = KeyContext::from_tree(&nine, Some(&scope)).unwrap_err();
    assert_eq!((error.code, error.problems.len()), (Code::InvalidKeyContext, 1));
    // Of a context that contradicts it, all else is told, too.
    let both = json(r#"{"organization_id": "org_2", "a": 1}"#);
    let error = KeyContext::from_tree(&both, Some(&scope)).unwrap_err();
    assert_eq!((error.code, error.problems.len()), (Code::ContextMismatch, 2));
}

proptest! {
    #[test]
    fn a_name_is_one_segment_of_the_path_and_comes_back_from_it(name in "\\PC{1,40}|[./%?#\\\\ +é]{1,5}") {
        let given = options(&[("name", &name)]);
        let read = request(Operation::ReadObjectByName, &given);
        if name == "." || name == ".." {
            prop_assert!(read.is_err());
            return Ok(());
        }
        let request = read.unwrap();
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
        let request = request(Operation::ListObjects, &list).unwrap();
        let url = Url::parse(&format!("https://api.workos.com{}", request.target)).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, [("after".to_owned(), after), ("search".to_owned(), search)]);
    }

    #[test]
    fn strings_are_quoted_as_json(text in "\\PC*|[\\x00-\\x20\"\\\\a]*") {
        let mut quoted = String::new();
        quote(&text, &mut quoted);
        prop_assert_eq!(json(&quoted), Json::Text(text));
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
}

proptest! {
    #[test]
    fn a_fraction_is_written_in_its_shortest_form(digits in "[0-9]{1,3}\\.[0-9]{0,11}[1-9]", negative: bool) {
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{}", digits.trim_start_matches('0'));
        let text = text.replacen('.', if digits.trim_start_matches('0').starts_with('.') { "0." } else { "." }, 1);
        let mut written = String::new();
        json(&text).write(&mut written);
        prop_assert_eq!(written, text);
    }

    #[test]
    fn whatever_number_is_written_is_a_number(n: f64) {
        let mut written = String::new();
        Json::Number(n).write(&mut written);
        match json(&written) {
            Json::Number(read) => prop_assert!((read - n).abs() <= n.abs() * 1e-14 + 1e-15, "{n} {written}"),
            other => prop_assert!(other == Json::Null && (!n.is_finite() || n.abs() >= 9e15), "{n} {written}"),
        }
    }
}

fn percent_encoding_of(segment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned()
}
