//! Newtypes for what could be mixed up: an object's ID, its name, a version, a cursor.

use crate::error::Problem;
use crate::tree::{concat, decimal};
use alloc::string::String;

/// Most characters in an object's name (API description: `CreateObjectRequest.name.maxLength`).
pub const NAME_MAX: usize = 200;
/// Most characters in an ID, a version or a cursor. The API names no limit; this keeps a mistaken argument
/// (a value where an ID belongs) out of a URL.
const ID_MAX: usize = 256;

/// How many Unicode code points a text has. `chars().count()` is quicker for long texts, and forty times the code.
pub(crate) fn characters(text: &str) -> usize {
    // Of each, the first byte.
    text.bytes().filter(|byte| byte & 0xc0 != 0x80).count()
}

fn check(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    let length = characters(text);
    if length == 0 {
        return Err(Problem::limit(
            field,
            &concat(&["expected 1 to ", &decimal(max as u64), " characters, got none"]),
        ));
    }
    if length > max {
        let (max, length) = (decimal(max as u64), decimal(length as u64));
        return Err(Problem::limit(
            field,
            &concat(&["expected at most ", &max, " characters, got ", &length]),
        ));
    }
    Ok(())
}

/// A URL cannot hold a path segment `.` or `..`, encoded or not: every parser takes it as a step in the path
/// (WHATWG URL, "single-dot path segment").
fn segment(field: &str, text: &str) -> Result<(), Problem> {
    if text == "." || text == ".." {
        return Err(Problem::new(field, "\".\" and \"..\" cannot be part of a URL"));
    }
    Ok(())
}

macro_rules! newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }
    };
}

newtype!(
    /// An object's ID: 1 to 256 characters, not `.`, `..` or `name`.
    ObjectId
);
newtype!(
    /// An object's name: 1 to 200 characters (Unicode code points, as JSON Schema's `maxLength` counts),
    /// unique in its environment.
    ObjectName
);
newtype!(
    /// A version's ID. Opaque: compare for equality, never order.
    VersionId
);
newtype!(
    /// A place in a list, as the service gave it.
    Cursor
);

/// Checks an ID; `field` is what a problem is reported under.
pub(crate) fn check_id(field: &str, text: &str) -> Result<(), Problem> {
    check(field, text, ID_MAX)?;
    segment(field, text)?;
    if text == "name" {
        // `/vault/v1/kv/name/metadata` is the object whose name is "metadata".
        return Err(Problem::new(field, "\"name\" is no ID; to read by name there is readObjectByName"));
    }
    Ok(())
}

/// Checks a name.
pub(crate) fn check_name(field: &str, text: &str) -> Result<(), Problem> {
    check(field, text, NAME_MAX)
}

/// Checks a name that is to be part of a URL: not `.` or `..` either. Such an object can be read by ID.
pub(crate) fn check_in_url(field: &str, text: &str) -> Result<(), Problem> {
    segment(field, text).map_err(|mut problem| {
        problem.message.push_str("; read this object by its ID");
        problem
    })?;
    check_name(field, text)
}

/// Checks a version's ID, or a cursor.
pub(crate) fn check_opaque(field: &str, text: &str) -> Result<(), Problem> {
    check(field, text, ID_MAX)
}

impl ObjectId {
    /// Checks an ID; `field` is what a problem is reported under.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check_id(field, &text).map(|()| ObjectId(text))
    }
}

impl ObjectName {
    /// Checks a name.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check_name(field, &text).map(|()| ObjectName(text))
    }

    /// Checks a name that is to be part of a URL.
    pub fn in_url(field: &str, text: String) -> Result<Self, Problem> {
        check_in_url(field, &text).map(|()| ObjectName(text))
    }
}

impl VersionId {
    /// Checks a version's ID.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check_opaque(field, &text).map(|()| VersionId(text))
    }
}

impl Cursor {
    /// Checks a cursor.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check_opaque(field, &text).map(|()| Cursor(text))
    }
}

/// A UUID (RFC 9562, version 4) of 16 random bytes.
pub fn uuid_v4(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    hyphenated(&random)
}

/// 16 bytes in the grouping of a UUID: 8-4-4-4-12 hexadecimal digits.
pub fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|n| char::from(b"0123456789abcdef"[usize::from(n)])));
    }
    text
}
