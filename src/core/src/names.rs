//! Newtypes for what could be mixed up: an object's ID, its name, a version, a cursor.

use crate::error::Problem;
use crate::http::encode;
use crate::tree::decimal;

/// Most characters in an object's name (API description: `CreateObjectRequest.name.maxLength`).
pub const NAME_MAX: usize = 200;
/// Most characters in an ID, a version or a cursor. The API names no limit; this keeps a mistaken argument
/// (a value where an ID belongs) out of a URL.
const ID_MAX: usize = 256;

fn check(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    let length = text.chars().count();
    if length == 0 {
        return Err(Problem::limit(
            field,
            ["expected 1 to ", &decimal(max as u64), " characters, got none"].concat(),
        ));
    }
    if length > max {
        let (max, length) = (decimal(max as u64), decimal(length as u64));
        return Err(Problem::limit(
            field,
            ["expected at most ", &max, " characters, got ", &length].concat(),
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

impl ObjectId {
    /// Checks an ID; `field` is what a problem is reported under.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check(field, &text, ID_MAX)?;
        segment(field, &text)?;
        if text == "name" {
            // `/vault/v1/kv/name/metadata` is the object whose name is "metadata".
            return Err(Problem::new(field, "\"name\" is no ID; to read by name there is readObjectByName"));
        }
        Ok(ObjectId(text))
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        ["/vault/v1/kv/", &encode(&self.0), rest].concat()
    }
}

impl ObjectName {
    /// Checks a name.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check(field, &text, NAME_MAX)?;
        Ok(ObjectName(text))
    }

    /// Checks a name that is to be part of a URL: not `.` or `..` either. Such an object can be read by ID.
    pub fn in_url(field: &str, text: String) -> Result<Self, Problem> {
        segment(field, &text).map_err(|mut problem| {
            problem.message.push_str("; read this object by its ID");
            problem
        })?;
        ObjectName::new(field, text)
    }

    pub(crate) fn path(&self) -> String {
        ["/vault/v1/kv/name/", &encode(&self.0)].concat()
    }
}

impl VersionId {
    /// Checks a version's ID.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check(field, &text, ID_MAX)?;
        Ok(VersionId(text))
    }
}

impl Cursor {
    /// Checks a cursor.
    pub fn new(field: &str, text: String) -> Result<Self, Problem> {
        check(field, &text, ID_MAX)?;
        Ok(Cursor(text))
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
