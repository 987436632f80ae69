//! Faults on demand, the rate limit, and the edges of HTTP.

use serde_json::{Value, json};
use support::{Vault, plain, splitmix, text};
use vault_core::json::Json;
use vault_emulator::{End, Options, Request};

mod support;

fn with(options: &Value) -> Vault {
    Vault::new(Options::from_json(&Json::parse(options.to_string().as_bytes()).unwrap()).unwrap())
}

const KEY: Option<&str> = Some("Bearer sk_test_emulator");

fn list() -> Request<'static> {
    Request { method: "GET", target: "/vault/v1/kv", authorization: KEY, ..Request::default() }
}

#[test]
fn rules_strike_when_they_say() {
    let strikes = |rule: Value, count: usize| {
        let mut vault = with(&json!({"faults": [rule], "faultSeed": 7}));
        (0..count).map(|_| vault.send(&list()).status != 200).collect::<Vec<_>>()
    };
    assert_eq!(strikes(json!({"kind": "status"}), 3), [true, true, true]);
    assert_eq!(
        strikes(json!({"kind": "status", "every": 3}), 7),
        [false, false, true, false, false, true, false]
    );
    assert_eq!(strikes(json!({"kind": "status", "next": 2}), 4), [true, true, false, false]);
    assert_eq!(strikes(json!({"kind": "status", "probability": 0}), 5), [false; 5]);
    assert_eq!(strikes(json!({"kind": "status", "probability": 1}), 5), [true; 5]);
    let by_chance = strikes(json!({"kind": "status", "probability": 0.25}), 4000);
    let share = by_chance.iter().filter(|struck| **struck).count();
    assert!((850..1150).contains(&share), "{share} of 4000");
    assert_eq!(by_chance, strikes(json!({"kind": "status", "probability": 0.25}), 4000), "a seed repeats it");
    assert_eq!(strikes(json!({"kind": "status", "route": "createObject"}), 2), [false, false]);
    assert_eq!(strikes(json!({"kind": "status", "route": "listObjects"}), 2), [true, true]);
}

#[test]
fn what_goes_wrong_before_leaves_nothing_and_after_leaves_all() {
    for (kind, after) in [
        ("status", false),
        ("html", false),
        ("reset", false),
        ("status", true),
        ("html", true),
        ("reset", true),
    ] {
        let when = if after { "after" } else { "before" };
        let mut vault = with(&json!({"faults": [{"kind": kind, "when": when, "next": 1}]}));
        let body = br#"{"name": "n", "value": "v", "key_context": {"a": "b"}}"#;
        let create = Request {
            method: "POST",
            target: "/vault/v1/kv",
            authorization: KEY,
            idempotency_key: Some("k"),
            content_type: Some("application/json"),
            body,
        };
        let answer = vault.send(&create);
        match kind {
            "reset" => assert_eq!(answer.wire.end, End::Reset),
            "html" => {
                assert_eq!(
                    (answer.status, answer.header("content-type")),
                    (503, Some("text/html; charset=utf-8"))
                );
                assert!(serde_json::from_str::<Value>(&answer.body).is_err());
            }
            _ => assert_eq!(answer.status, 503),
        }
        assert_eq!(vault.emulator.object_count(), usize::from(after), "{kind} {when}");
        // Sent again with its Idempotency-Key it is done once.
        assert_eq!(vault.send(&create).status, 201);
        assert_eq!(vault.emulator.object_count(), 1);
    }
}

#[test]
fn answers_arrive_late_cut_broken_or_slowly() {
    let mut vault = plain();
    let whole = vault.send(&list()).body;
    let mut with = |rule: Value| {
        let rules = Json::parse(json!([rule]).to_string().as_bytes()).unwrap();
        vault.emulator.set_faults(&rules).unwrap();
        vault.send(&list())
    };
    assert_eq!(with(json!({"kind": "latency", "delayMs": 250})).wire.delay_ms, 250);
    assert_eq!(with(json!({"kind": "latency"})).wire.delay_ms, 1000);
    let cut = with(json!({"kind": "cut"}));
    assert_eq!((cut.wire.end, &cut.body), (End::Cut, &whole));
    let truncated = with(json!({"kind": "truncate"}));
    assert_eq!((truncated.status, &truncated.body[..]), (200, &whole[..whole.len() / 2]));
    let malformed = with(json!({"kind": "malform"}));
    assert!(serde_json::from_str::<Value>(&malformed.body).is_err() && malformed.wire.end == End::Whole);
    assert!(matches!(with(json!({"kind": "drip"})).wire.end, End::Drip(16, 20)));
    let limited = with(json!({"kind": "status", "status": 429, "retryAfterMs": 1500}));
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("2")));
    let dated =
        with(json!({"kind": "status", "status": 429, "retryAfterMs": 2000, "retryAfterForm": "date"}));
    // The clock of these tests starts at 2024-06-15T10:30:00Z.
    assert_eq!(dated.header("retry-after"), Some("Sat, 15 Jun 2024 10:30:03 GMT"));
    vault.emulator.advance(86_400_000);
    assert_eq!(
        vault.send(&list()).header("retry-after"),
        Some("Sat, 15 Jun 2024 10:30:03 GMT"),
        "the caller's clock"
    );
    assert!(dated.header("x-request-id").is_some());
}

#[test]
fn rules_are_checked_and_can_be_set_over_http() {
    let error = |rules: Value| {
        let options = json!({"faults": rules}).to_string();
        let error = Options::from_json(&Json::parse(options.as_bytes()).unwrap()).unwrap_err();
        error.problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    assert_eq!(error(json!({})), ["faults"]);
    assert_eq!(error(json!([{}])), ["faults[0].kind"]);
    assert_eq!(
        error(json!([{"kind": "status"}, {"kind": "gremlin", "rate": 2}])),
        ["faults[1].rate", "faults[1].kind"]
    );
    assert_eq!(
        error(
            json!([{"kind": "status", "route": "x", "when": "later", "retryAfterForm": "x", "status": 200, "delayMs": -1}])
        ),
        ["route", "when", "retryAfterForm", "status", "delayMs"].map(|name| format!("faults[0].{name}"))
    );
    assert_eq!(error(json!([{"kind": "drip", "every": 2, "next": 1}])), ["faults[0].every"]);
    assert_eq!(error(json!([{"kind": "status", "status": 304}])), ["faults[0].status"]);
    assert_eq!(error(json!([{"kind": "drip", "probability": 2}])), ["faults[0].probability"]);

    let mut vault = plain();
    let rules = json!({"rules": [{"kind": "status", "status": 500}]});
    assert_eq!(vault.ask("POST", "/_emulator/faults", &rules), (200, rules.clone()));
    assert_eq!(vault.ask("GET", "/vault/v1/kv", &Value::Null).0, 500);
    assert_eq!(vault.ask("GET", "/_emulator/faults", &Value::Null), (200, rules));
    assert_eq!(vault.ask("POST", "/_emulator/faults", &json!({"rules": [{}]})).0, 400);
    assert_eq!(vault.ask("DELETE", "/_emulator/faults", &Value::Null).1, json!({"rules": []}));
    assert_eq!(vault.ask("GET", "/vault/v1/kv", &Value::Null).0, 200);
    let stranger = Request { method: "DELETE", target: "/_emulator/faults", ..Request::default() };
    assert_eq!(vault.send(&stranger).status, 401, "not without a key");
    let health = Request { method: "GET", target: "/_emulator/health", ..Request::default() };
    assert_eq!(vault.send(&health).body, r#"{"ready":true}"#);
    assert_eq!(vault.ask("GET", "/_emulator/nothing", &Value::Null).0, 404);
    assert_eq!(vault.ask("POST", "/_emulator/advance", &json!({"ms": -1})).0, 400);
}

#[test]
fn a_rate_limit_is_kept_where_asked() {
    let mut vault = with(&json!({"rateLimit": {"requests": 3, "windowMs": 1000}}));
    let statuses: Vec<_> = (0..4).map(|_| vault.send(&list()).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(vault.send(&list()).header("retry-after"), Some("1"));
    vault.emulator.advance(1000);
    assert_eq!(vault.send(&list()).status, 200);
    let mut service = with(&json!({"rateLimit": true}));
    let limited = (0..6010).filter(|_| service.send(&list()).status == 429).count();
    assert_eq!(limited, 10, "6,000 in 60 s; a request a millisecond here");
    let mut without = plain();
    assert!((0..6010).all(|_| without.send(&list()).status == 200));
}

#[test]
fn the_edges_of_http() {
    let mut vault = plain();
    let created = vault.create("n", "v");
    let path = format!("/vault/v1/kv/{}", text(&created["id"]));
    let send = |vault: &mut Vault, method: &str, target: &str, content_type: Option<&str>, body: &[u8]| {
        vault.send(&Request { method, target, authorization: KEY, content_type, body, ..Request::default() })
    };
    let head = send(&mut vault, "HEAD", &path, None, b"");
    assert_eq!((head.status, &head.body[..]), (200, ""));
    assert_eq!(send(&mut vault, "HEAD", "/vault/v1/kv/no", None, b"").status, 404);
    assert_eq!(send(&mut vault, "HEAD", "/vault/v1/keys/decrypt", None, b"").status, 405);
    let options = vault.send(&Request { method: "OPTIONS", target: &path, ..Request::default() });
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, PUT, DELETE, HEAD, OPTIONS")));
    assert_eq!(options.header("access-control-allow-origin"), None, "only where asked");
    assert_eq!(vault.send(&Request { method: "OPTIONS", target: "/no", ..Request::default() }).status, 404);
    for method in ["PATCH", "TRACE", "get", ""] {
        let answer = send(&mut vault, method, &path, None, b"");
        assert_eq!((answer.status, answer.header("allow").is_some()), (405, true), "{method}");
    }
    for target in
        ["/", "/vault", "/vault/v2/kv", "/vault/v1/kv/a/b/c", "/vault/v1/keys/none", "//vault/v1/kv"]
    {
        assert_eq!(send(&mut vault, "GET", target, None, b"").status, 404, "{target}");
    }
    let body = br#"{"value": "w"}"#;
    for (content_type, status) in [
        (None, 201),
        (Some("application/json"), 201),
        (Some("application/json; charset=utf-8"), 201),
        (Some("Application/JSON"), 201),
        (Some("application/vnd.x+json"), 201),
        (Some("text/plain"), 400),
        (Some("application/x-www-form-urlencoded"), 400),
        (Some(""), 400),
    ] {
        assert_eq!(send(&mut vault, "PUT", &path, content_type, body).status, status, "{content_type:?}");
    }

    let large = vec![b' '; vault_emulator::BODY_MAX + 1];
    assert_eq!(send(&mut vault, "POST", "/_emulator/seed", None, &large).status, 413);

    let mut open = with(&json!({"cors": true}));
    assert_eq!(open.send(&list()).header("access-control-allow-origin"), Some("*"));
    let preflight = open.send(&Request { method: "OPTIONS", target: "/vault/v1/kv", ..Request::default() });
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("Authorization"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, POST, HEAD, OPTIONS"));
}

#[test]
fn the_clock_can_be_set() {
    let mut vault = plain();
    let now_ms = vault.now_ms;
    vault.emulator.set_time(1_000_000_000_000, now_ms);
    assert_eq!(vault.create("a", "v")["updated_at"], "2001-09-09T01:46:40.001Z");
    vault.emulator.advance(86_400_000);
    assert_eq!(vault.create("b", "v")["updated_at"], "2001-09-10T01:46:40.002Z");
    vault.emulator.reset(vault.now_ms, &mut splitmix(&mut 5)).unwrap();
    assert_eq!(vault.emulator.object_count(), 0);
    assert_eq!(vault.create("b", "v")["updated_at"], "2001-09-10T01:46:40.003Z", "the clock stays");
}
