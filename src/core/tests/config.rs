//! The form of API keys.

use vault_core::Code;
use vault_core::config::ApiKey;

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
        assert!(error.message().starts_with("apiKey: ") && !error.message().contains("abc"), "{error}");
    }
}
