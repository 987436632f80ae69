//! What a client is set up with, and when it tries again.

use proptest::prelude::*;
use url::{Host, Url};
use vault_core::config::{ApiKey, BaseUrl, ClientId, check_header};
use vault_core::retry::{Decision, PAUSE_MAX_MS, Policy, pause};
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

#[test]
fn only_what_may_help_and_do_no_harm_is_tried_again() {
    let policy = Policy::default();
    for code in Code::ALL {
        let decide =
            |repeatable| policy.decide(1, repeatable, &error(code, None), 60_000, 0.5) != Decision::Stop;
        assert_eq!(decide(true), code.retryable(), "{code:?}");
        assert_eq!(decide(false), code == Code::RateLimited, "{code:?}");
    }
    let decide = |attempt| policy.decide(attempt, true, &error(Code::ServerError, None), 60_000, 1.0);
    assert_eq!(decide(1), Decision::RetryAfter(500));
    assert_eq!(decide(2), Decision::RetryAfter(1000));
    assert_eq!(decide(3), Decision::RetryAfter(2000));
    assert_eq!(decide(4), Decision::Stop);
    let none = Policy { max_retries: 0, ..policy };
    assert_eq!(none.decide(1, true, &error(Code::ServerError, None), 60_000, 0.0), Decision::Stop);
}

proptest! {
    #[test]
    fn pauses_are_bounded(attempt in 1_u32..100, random in 0.0..1.0_f64, asked in prop::option::of(0_u64..100_000), left in 0_u64..100_000) {
        let policy = Policy { max_retries: 100, ..Policy::default() };
        prop_assert!(pause(policy.base_ms, policy.cap_ms, attempt, random) <= policy.cap_ms);
        match policy.decide(attempt, true, &error(Code::RateLimited, asked), left, random) {
            Decision::RetryAfter(ms) => {
                prop_assert!(ms < left, "never past the deadline");
                prop_assert!(ms >= asked.unwrap_or(0), "never before the service asks");
                prop_assert!(ms <= PAUSE_MAX_MS + policy.cap_ms);
            }
            Decision::Stop => prop_assert!(asked.is_some_and(|asked| asked + 500 >= left.min(PAUSE_MAX_MS)) || left <= policy.cap_ms),
        }
    }
}
