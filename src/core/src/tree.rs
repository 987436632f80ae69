//! A look into JSON-like data where it lies.
//!
//! The client reads what TypeScript wrote of a caller's options, the emulator reads parsed JSON. Both offer a [`Tree`], and
//! core decodes from that, so the shapes of the API are written down once, and no text is copied to be looked at.

use alloc::string::String;

/// What kind of thing a [`Tree`] node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not there at all (JavaScript: `undefined`).
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    Text,
    /// A list.
    Array,
    /// A map.
    Object,
    /// Something that JSON has no word for (a function, a symbol, bytes), or that could not be read (a getter that threw, a
    /// string that is not valid Unicode).
    Other,
}

/// A node of JSON-like data, as its host holds it.
pub trait Tree<'a>: Copy {
    /// What kind of node this is.
    fn kind(self) -> Kind;
    /// How a message names it: `number 2`, `null`, `an array`.
    fn describe(self) -> String;
    /// The string.
    fn text(self) -> Option<&'a str>;
    /// The number, where it is a whole one that is not negative.
    fn whole(self) -> Option<u64>;
    /// A time as RFC 3339 text: such a string, exactly as it stands, or the host's own time.
    fn time(self) -> Option<&'a str>;
    /// The member of that name, [`Kind::Missing`] where there is none.
    fn member(self, name: &str) -> Self;
    /// The names of a map's own members.
    fn names(self) -> impl Iterator<Item = &'a str>;
    /// A map's own members in their order. Names may repeat where the host keeps duplicates.
    fn entries(self) -> impl Iterator<Item = (&'a str, Self)>;
    /// A list's items in their order.
    fn items(self) -> impl Iterator<Item = Self>;

    /// Whether there is nothing here: missing or `null`.
    fn is_absent(self) -> bool {
        matches!(self.kind(), Kind::Missing | Kind::Null)
    }
}

/// Texts, one after the other. `[&str]::concat` is a kilobyte of code.
pub(crate) fn concat(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
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

/// `expected a string, got number 2`.
pub fn expected<'a>(what: &str, got: impl Tree<'a>) -> String {
    if got.kind() == Kind::Missing {
        return concat(&["expected ", what, ", but it is missing"]);
    }
    concat(&["expected ", what, ", got ", &got.describe()])
}

/// [`expected`] for what may be a secret: a number is not repeated.
pub fn expected_secret<'a>(what: &str, got: impl Tree<'a>) -> String {
    if got.kind() == Kind::Number {
        return concat(&["expected ", what, ", got a number"]);
    }
    expected(what, got)
}
