//! A look into JSON-like data where it lies.
//!
//! The client reads JavaScript objects, the emulator reads parsed JSON. Both offer a [`Tree`], and core
//! decodes from that, so the shapes of the API are written down once and a string that core has no need to
//! inspect (an object's value, a mebibyte of it) never has to be copied to be passed on.

use alloc::string::String;
use alloc::vec::Vec;

/// What kind of thing a [`Tree`] node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Not there at all (JavaScript: `undefined`).
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text,
    /// A list.
    Array,
    /// A map.
    Object,
    /// Something that JSON has no word for (a function, a symbol, bytes), or that could not be read (a getter that threw, a
    /// string that is not valid Unicode), named for messages.
    Other(String),
}

impl Kind {
    /// How a message names what it found: `number 2`, `null`, `an array`.
    pub fn describe(&self) -> String {
        match self {
            Kind::Missing => "nothing".into(),
            Kind::Null => "null".into(),
            Kind::Bool(b) => if *b { "true" } else { "false" }.into(),
            Kind::Number(n) => number(*n).map_or_else(|| "a number".into(), |n| concat(&["number ", &n])),
            Kind::Text => "a string".into(),
            Kind::Array => "an array".into(),
            Kind::Object => "an object".into(),
            Kind::Other(what) => what.clone(),
        }
    }
}

/// A number in decimal, exactly, where three places are enough for that: what people pass by mistake. Far
/// smaller than the standard library's float printer.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp
)]
pub fn number(n: f64) -> Option<String> {
    if n.is_nan() {
        return Some("NaN".into());
    }
    let magnitude = n.abs();
    let thousandths = (magnitude * 1000.0 + 0.5) as u64;
    if magnitude >= 1e12 || thousandths as f64 / 1000.0 != magnitude {
        return None;
    }
    let mut out = String::new();
    if n < 0.0 {
        out.push('-');
    }
    out.push_str(&decimal(thousandths / 1000));
    let mut fraction = thousandths % 1000;
    if fraction > 0 {
        out.push('.');
        while fraction > 0 {
            out.push_str(&decimal(fraction / 100));
            fraction = fraction % 100 * 10;
        }
    }
    Some(out)
}

/// Texts, one after the other. `[&str]::concat` is a kilobyte of code.
pub(crate) fn concat(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
    }
    text
}

/// Texts with something between them.
pub(crate) fn list(parts: &[impl AsRef<str>], between: &str) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(part.as_ref());
    }
    text
}

/// An integer in decimal.
pub fn decimal(n: u64) -> String {
    let mut text = String::new();
    write_decimal(n, &mut text);
    text
}

fn write_decimal(n: u64, text: &mut String) {
    if n > 9 {
        write_decimal(n / 10, text);
    }
    text.push(char::from(b'0' + u8::try_from(n % 10).unwrap_or_default()));
}

/// A node of JSON-like data, as its host holds it.
pub trait Tree: Sized {
    /// A string of the host's, passed on without a look inside.
    type Text: Clone;

    /// What kind of node this is.
    fn kind(&self) -> Kind;
    /// The member of that name, [`Kind::Missing`] where there is none.
    fn member(&self, name: &str) -> Self;
    /// The names of a map's own members; `None` where this is no map or cannot be read.
    fn names(&self) -> Option<Vec<String>> {
        self.entries().map(|entries| entries.into_iter().map(|(name, _)| name).collect())
    }
    /// A map's own members in their order; `None` where this is no map or cannot be read. Names may repeat
    /// where the host keeps duplicates.
    fn entries(&self) -> Option<Vec<(String, Self)>>;
    /// A list's items in their order; `None` where this is no list.
    fn items(&self) -> Option<Vec<Self>>;
    /// The string, by handle.
    fn text(&self) -> Option<Self::Text>;
    /// The string, copied into core's memory.
    fn string(&self) -> Option<String>;
    /// A time as RFC 3339 text: such a string, exactly as it stands, or the host's own time.
    fn time_text(&self) -> Option<String>;

    /// Whether there is nothing here: missing or `null`.
    fn is_absent(&self) -> bool {
        matches!(self.kind(), Kind::Missing | Kind::Null)
    }
}

/// [`expected`] for what may be a secret: a number is not repeated.
pub fn expected_secret(what: &str, got: Kind) -> String {
    expected(what, if matches!(got, Kind::Number(_)) { Kind::Other("a number".into()) } else { got })
}

/// `expected a string, got number 2`.
pub fn expected(what: &str, got: Kind) -> String {
    match got {
        Kind::Missing => concat(&["expected ", what, ", but it is missing"]),
        got => concat(&["expected ", what, ", got ", &got.describe()]),
    }
}
