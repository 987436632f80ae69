//! Whatever text the client's module is asked, it answers: what is cut off or miscounted is missing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::json::Json;
use vault_wasm::answer;

fuzz_target!(|question: &str| {
    let answer = answer(question);
    if let Some(refusal) = answer.strip_prefix('!') {
        let (code, problems) = refusal.split_at(refusal.find('[').unwrap());
        assert!(!code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        assert!(
            matches!(Json::parse(problems.as_bytes()), Ok(Json::Array(problems)) if !problems.is_empty())
        );
    } else if !answer.starts_with(['{', '[']) {
        // Lines cannot be broken, nor anything be put between them.
        assert_eq!(answer.split('\n').count(), 6, "{answer}");
    } else {
        Json::parse(answer.as_bytes()).unwrap();
    }
});
