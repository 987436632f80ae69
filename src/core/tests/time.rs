//! Times, held to what libraries make of them.

use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vault_core::time::{Timestamp, http_date};

fn theirs(text: &str) -> Option<i128> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp_nanos)
}

/// The library takes whatever stands between date and time; here it is a `T` or a space.
fn same(text: &str) {
    let is_between = |byte: &u8| matches!(byte, b'T' | b't' | b' ');
    let expected = theirs(text).filter(|_| text.as_bytes().get(10).is_some_and(is_between));
    assert_eq!(Timestamp::parse(text).map(|time| time.unix_nanos()), expected, "{text}");
}

const LAST_MS: u64 = 253_402_300_799_999;

#[test]
fn every_day_is_written_and_read_as_it_should_be() {
    for day in 0..=LAST_MS / 86_400_000 {
        let ms = day * 86_400_000 + day * 7919 % 86_400_000;
        let written = Timestamp::from_unix_ms(ms);
        assert_eq!(theirs(written.as_str()), Some(written.unix_nanos()));
        assert_eq!(written.unix_nanos(), i128::from(ms) * 1_000_000);
        assert_eq!(Timestamp::parse(written.as_str()), Some(written));
    }
    for ms in [LAST_MS, LAST_MS + 1, u64::MAX] {
        assert_eq!(Timestamp::from_unix_ms(ms).as_str(), "9999-12-31T23:59:59.999Z");
    }
    for year in 0..=9999 {
        for day in ["01-00", "01-01", "02-28", "02-29", "02-30", "04-31", "12-31", "13-01"] {
            same(&format!("{year:04}-{day}T12:00:00Z"));
        }
    }
}

#[test]
fn texts_of_other_forms_are_read_or_refused_as_the_library_does() {
    let good = "2024-06-30T23:59:59.123+02:30";
    for at in 0..good.len() {
        for piece in ["", "0", "6", "9", "-", ":", "T", "t", " ", "Z", "z", ".", "+", "é", "00"] {
            let mut text = good.to_owned();
            text.replace_range(at..=at, piece);
            same(&text);
        }
    }
    for text in [
        "",
        "2024",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5Z",
        "2017-01-01T01:29:60+01:30",
        "2016-12-30T23:59:60Z",
        "2016-12-31T22:59:60Z",
        "1969-12-31T23:59:60Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00.1234567891Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00-23:59",
        "0000-01-01T00:00:00+23:59",
        "1 June 2024",
    ] {
        same(text);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_as_the_library_does(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|z|[+-][0-2][0-9]:[0-6][0-9])",
        other in "\\PC{0,30}",
    ) {
        same(&text);
        same(&other);
    }

    #[test]
    fn dates_of_http_are_the_librarys(ms in 0..=LAST_MS) {
        let whole = UNIX_EPOCH + Duration::from_secs(ms.div_ceil(1000).min(LAST_MS / 1000));
        prop_assert_eq!(http_date(ms), httpdate::fmt_http_date(whole));
    }
}
