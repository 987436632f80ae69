//! What a client is set up with, and when it tries again.

use proptest::prelude::*;
use url::{Host, Url};
use vault_core::config::{ApiKey, BaseUrl, ClientId, check_header};
use vault_core::retry::{Attempt, Budget, Decision, PAUSE_MAX_MS, Policy, may_have_landed, pause};
use vault_core::{Code, Error};

#[test]
fn api_keys_are_checked_and_never_shown() {
    let key = |text: &str| ApiKey::new("apiKey", text.into());
    for good in ["sk_test_abc123", "sk_live_A-b_C", "sk_abcdefgh"] {
        let key = key(good).unwrap();
        assert_eq!(key.expose(), good);
        assert!(!format!("{key:?}").contains(good));
    }
    for bad in [
        "",
        "sk_",
        "sk_a",
        " sk_test_abc123",
        "sk_test_abc123\n",
        "pk_test_abc123",
        "client_abc123",
        "test_abc123",
        "sk_test abc",
        "sk_test_é12",
        "sk_test_a\r\nX: y",
    ] {
        let error = key(bad).unwrap_err();
        assert_eq!(error.code, Code::InvalidApiKey, "{bad:?}");
        assert!(error.message.starts_with("apiKey: ") && !error.message.contains("abc"), "{error}");
    }
    assert!(ClientId::new("clientId", "client_01ABC".into()).is_ok());
    for bad in ["", "client_", "client-1", "sk_test_abc123", "client_a b"] {
        assert_eq!(ClientId::new("clientId", bad.into()).unwrap_err().code, Code::InvalidConfig, "{bad:?}");
    }
}

#[test]
fn base_urls() {
    let cases = [
        ("https://api.workos.com", Some("https://api.workos.com")),
        ("https://api.workos.com/", Some("https://api.workos.com")),
        ("HTTPS://Api.WorkOS.com:8443/v/x//", Some("https://Api.WorkOS.com:8443/v/x")),
        ("http://localhost:4180", Some("http://localhost:4180")),
        ("http://LOCALHOST", Some("http://LOCALHOST")),
        ("http://vault.localhost", Some("http://vault.localhost")),
        ("http://127.0.0.1:1", Some("http://127.0.0.1:1")),
        ("http://127.255.0.9", Some("http://127.255.0.9")),
        ("http://[::1]:80/", Some("http://[::1]:80")),
        ("https://[2001:db8::1]", Some("https://[2001:db8::1]")),
        ("http://api.workos.com", None),
        ("http://localhost.evil.com", None),
        ("http://127.0.0.1.evil.com", None),
        ("http://0.0.0.0", None),
        ("http://[::2]", None),
        ("http://localhost@evil.com", None),
        ("https://user:hunter2@api.workos.com", None),
        ("https://api.workos.com?x", None),
        ("https://api.workos.com#x", None),
        ("https://api.workos.com/a/../b", None),
        ("https://api.workos.com/%2e", None),
        ("https://api.workos.com\\@evil.com", None),
        ("https:// api.workos.com", None),
        ("https://", None),
        ("https:///path", None),
        ("https://a:", None),
        ("https://a:0", None),
        ("https://a:65536", None),
        ("https://a:+80", None),
        ("https://[::1", None),
        ("https://[x]", None),
        ("https://[::1]x", None),
        ("ftp://a", None),
        ("//a", None),
        ("", None),
        ("https://é.com", None),
    ];
    for (text, expected) in cases {
        let url = BaseUrl::new("baseUrl", text);
        assert_eq!(url.as_ref().ok().map(BaseUrl::as_str), expected, "{text}");
        if let Err(error) = url {
            assert_eq!(error.code, Code::InvalidConfig);
            assert!(!error.message.contains("hunter2"));
        }
    }
}

proptest! {
    #[test]
    fn an_accepted_base_url_means_to_a_url_parser_what_it_says(text in "https?://[a-z0-9.:@\\[\\]/\\\\%?# _-]{1,24}") {
        let Ok(base) = BaseUrl::new("baseUrl", &text) else { return Ok(()) };
        let Ok(url) = Url::parse(base.as_str()) else { return Ok(()) }; // A client's fetch refuses it then.
        prop_assert_eq!(url.username(), "");
        prop_assert_eq!(url.password(), None);
        prop_assert_eq!(url.query(), None);
        prop_assert_eq!(url.fragment(), None);
        if url.scheme() == "http" {
            let local = match url.host().unwrap() {
                Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
                Host::Ipv4(address) => address.is_loopback(),
                Host::Ipv6(address) => address.is_loopback(),
            };
            prop_assert!(local, "{}", url);
        }
        prop_assert_eq!(url.path().trim_end_matches('/'), base.as_str().splitn(4, '/').nth(3).map_or(String::new(), |path| format!("/{path}")));
    }
}

#[test]
fn headers() {
    for (name, value) in
        [("X-Team", "a"), ("traceparent", "00-1-2-01"), ("x", ""), ("x", "tab\there"), ("x", "é")]
    {
        assert!(check_header(name, value).is_ok(), "{name}: {value}");
    }
    for (name, value) in [
        ("", "a"),
        ("a b", "a"),
        ("a:", "a"),
        ("é", "a"),
        ("x", "a\r\nb"),
        ("x", "a\nb"),
        ("x", "\0"),
        ("x", "日本"),
        ("Accept", "a"),
        ("AUTHORIZATION", "a"),
        ("content-type", "a"),
    ] {
        assert!(check_header(name, value).is_err(), "{name}: {value:?}");
    }
}

fn error(code: Code, retry_after_ms: Option<u64>) -> Error {
    Error { retry_after_ms, ..Error::new(code, "x") }
}

fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        repeatable: true,
        lost_body: false,
        waited_for_key: false,
        left_ms: 60_000,
        random: 1.0,
    }
}

fn decide(policy: &Policy, attempt: Attempt, error: &Error) -> Decision {
    policy.decide(attempt, error, &mut Budget::default())
}

#[test]
fn only_what_may_help_and_do_no_harm_is_tried_again() {
    let policy = Policy::default();
    for code in Code::ALL {
        let tries = |repeatable| {
            decide(&policy, Attempt { repeatable, ..attempt(1) }, &error(code, None)) != Decision::Stop
        };
        assert_eq!(tries(true), code.retryable(), "{code:?}");
        assert_eq!(tries(false), code == Code::RateLimited, "{code:?}");
        assert!(!may_have_landed(&error(code, None)) || code != Code::RateLimited);
    }
    let failed = error(Code::ServerError, None);
    let pauses = [1, 2, 3, 4].map(|number| decide(&policy, attempt(number), &failed));
    let expected = [500, 1000, 2000].map(Decision::RetryAfter);
    assert_eq!(pauses[..3], expected);
    assert_eq!(pauses[3], Decision::Stop);
    let none = Policy { max_retries: 0, ..policy };
    assert_eq!(decide(&none, attempt(1), &failed), Decision::Stop);
}

#[test]
fn an_inaccessible_key_is_waited_for_once_where_asked() {
    let inaccessible = error(Code::CustomerKeyInaccessible, None);
    let asked = Policy { max_retries: 0, inaccessible_key_ms: Some(45_000), ..Policy::default() };
    assert_eq!(decide(&asked, attempt(1), &inaccessible), Decision::RetryAfter(45_000));
    let waited = Attempt { waited_for_key: true, ..attempt(2) };
    assert_eq!(decide(&asked, waited, &inaccessible), Decision::Stop);
    assert_eq!(decide(&Policy::default(), attempt(1), &inaccessible), Decision::Stop);
    let late = Attempt { left_ms: 45_000, ..attempt(1) };
    assert_eq!(decide(&asked, late, &inaccessible), Decision::Stop, "not past the deadline");
}

#[test]
fn an_outage_is_not_multiplied_by_retries() {
    let policy = Policy::default();
    let failed = error(Code::ServerError, None);
    let retry = |budget: &mut Budget| policy.decide(attempt(1), &failed, budget) != Decision::Stop;
    // Nothing but failures: a hundred retries for ten thousand calls.
    let mut budget = Budget::default();
    let retries = (0..10_000).filter(|_| retry(&mut budget)).count();
    assert_eq!(retries, Budget::RETRIES as usize);
    // Two successes earn one.
    budget.earn();
    assert!(!retry(&mut budget));
    budget.earn();
    assert!(retry(&mut budget) && !retry(&mut budget));
    // The store does not grow beyond what it was.
    for _ in 0..10_000 {
        budget.earn();
    }
    assert_eq!(budget, Budget::default());
    // What is not tried again for other reasons costs nothing.
    let mut full = Budget::default();
    policy.decide(attempt(9), &failed, &mut full);
    policy.decide(Attempt { left_ms: 0, ..attempt(1) }, &failed, &mut full);
    policy.decide(attempt(1), &error(Code::NotFound, None), &mut full);
    assert_eq!(full, Budget::default());
}

proptest! {
    #[test]
    fn pauses_are_bounded(number in 1_u32..100, random in 0.0..1.0_f64, asked in prop::option::of(0_u64..100_000), left_ms in 0_u64..100_000) {
        let policy = Policy { max_retries: 100, ..Policy::default() };
        prop_assert!(pause(policy.base_ms, policy.cap_ms, number, random) <= policy.cap_ms);
        let attempt = Attempt { random, left_ms, ..attempt(number) };
        match decide(&policy, attempt, &error(Code::RateLimited, asked)) {
            Decision::RetryAfter(ms) => {
                prop_assert!(ms < left_ms, "never past the deadline");
                prop_assert!(ms >= asked.unwrap_or(0), "never before the service asks");
                prop_assert!(ms <= PAUSE_MAX_MS + policy.cap_ms);
            }
            Decision::Stop => prop_assert!(asked.is_some_and(|asked| asked + 500 >= left_ms.min(PAUSE_MAX_MS)) || left_ms <= policy.cap_ms),
        }
    }
}
