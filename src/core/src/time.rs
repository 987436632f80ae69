//! Times as the wire has them (RFC 3339), and as HTTP's headers do (RFC 9110, section 5.6.7). A library for all of what
//! dates can be is ten times the code; `tests/time.rs` holds this to one.

use alloc::format;
use alloc::string::String;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The last millisecond of the year 9999: what comes later has no text.
const LAST_MS: u64 = 253_402_300_799_999;

/// A point in time, exact as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    nanos: i128,
}

impl Timestamp {
    /// From RFC 3339 text.
    pub fn parse(text: &str) -> Option<Self> {
        nanos_of(text.as_bytes()).map(|nanos| Timestamp { text: text.into(), nanos })
    }

    /// From milliseconds since 1970, with three digits of them, as the service writes a time. The end of the year 9999
    /// stands for anything later.
    pub fn from_unix_ms(ms: u64) -> Self {
        let ms = ms.min(LAST_MS);
        let ((year, month, day), in_day) = (date_of(ms / DAY_MS), ms % DAY_MS);
        let text = format!("{year:04}-{month:02}-{day:02}T{}.{:03}Z", clock(in_day / 1000), ms % 1000);
        Timestamp { nanos: i128::from(ms) * 1_000_000, text }
    }

    /// Exactly as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Nanoseconds since 1970.
    pub fn unix_nanos(&self) -> i128 {
        self.nanos
    }
}

/// A date of HTTP's, `Sun, 06 Nov 1994 08:49:37 GMT`, of the first whole second from then on.
pub fn http_date(ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = ms.div_ceil(1000).min(LAST_MS / 1000);
    let days = seconds / (DAY_MS / 1000);
    let (year, month, day) = date_of(days);
    let name = |names: &[&'static str], at: u64| names[usize::try_from(at).unwrap_or_default()];
    let (weekday, month) = (name(&DAYS, days % 7), name(&MONTHS, month - 1));
    format!("{weekday}, {day:02} {month} {year:04} {} GMT", clock(seconds % (DAY_MS / 1000)))
}

/// Hours, minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of the Gregorian calendar, from days since 1970. Years begin in March here, so that the day that
/// comes every four years is the last.
fn date_of(days: u64) -> (u64, u64, u64) {
    // From the first of March of the year 0; 146,097 days are 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

/// Days since 1970; nothing where there is no such date.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > last {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468)
}

/// Takes so many digits.
fn digits(text: &mut &[u8], count: usize) -> Option<i64> {
    let (digits, rest) = text.split_at_checked(count)?;
    *text = rest;
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Takes one of these characters.
fn one_of(text: &mut &[u8], characters: &[u8]) -> Option<u8> {
    let (first, rest) = text.split_first()?;
    *text = rest;
    characters.contains(first).then_some(*first)
}

fn nanos_of(mut text: &[u8]) -> Option<i128> {
    let text = &mut text;
    let year = digits(text, 4)?;
    one_of(text, b"-")?;
    let month = digits(text, 2)?;
    one_of(text, b"-")?;
    let days = days_of(year, month, digits(text, 2)?)?;
    one_of(text, b"Tt ")?;
    let hour = digits(text, 2)?;
    one_of(text, b":")?;
    let minute = digits(text, 2)?;
    one_of(text, b":")?;
    let second = digits(text, 2)?;
    let mut nanos = 0;
    if text.first() == Some(&b'.') {
        *text = &text[1..];
        digits(&mut &text[..], 1)?;
        let mut unit = 100_000_000;
        while let Some(digit) = text.first().filter(|byte| byte.is_ascii_digit()) {
            nanos += unit * i64::from(digit - b'0');
            unit /= 10;
            *text = &text[1..];
        }
    }
    let offset = match one_of(text, b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = digits(text, 2)?;
            one_of(text, b":")?;
            let minutes = digits(text, 2)?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'-' { -60 } else { 60 }
        }
        _ => 0,
    };
    if !text.is_empty() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    if second == 60 {
        // A leap second stands at the end of a month, in UTC, and counts as the end of the second before it.
        let day = u64::try_from(seconds.div_euclid(86_400)).ok()?;
        if seconds.rem_euclid(86_400) != 0 || date_of(day).2 != 1 {
            return None;
        }
        (seconds, nanos) = (seconds - 1, 999_999_999);
    }
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}
