//! Operations and their routes, and how texts are put into a URL and into JSON.

use alloc::string::String;

/// The operations of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Operation {
    CreateObject,
    ListObjects,
    ReadObject,
    ReadObjectByName,
    DescribeObject,
    ListObjectVersions,
    UpdateObject,
    DeleteObject,
    CreateDataKey,
    DecryptDataKey,
    CreateRekey,
    ListEvents,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 12] = [
        Operation::CreateObject,
        Operation::ListObjects,
        Operation::ReadObject,
        Operation::ReadObjectByName,
        Operation::DescribeObject,
        Operation::ListObjectVersions,
        Operation::UpdateObject,
        Operation::DeleteObject,
        Operation::CreateDataKey,
        Operation::DecryptDataKey,
        Operation::CreateRekey,
        Operation::ListEvents,
    ];

    /// The method's name in JavaScript, for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Operation::CreateObject => "createObject",
            Operation::ListObjects => "listObjects",
            Operation::ReadObject => "readObject",
            Operation::ReadObjectByName => "readObjectByName",
            Operation::DescribeObject => "describeObject",
            Operation::ListObjectVersions => "listObjectVersions",
            Operation::UpdateObject => "updateObject",
            Operation::DeleteObject => "deleteObject",
            Operation::CreateDataKey => "createDataKey",
            Operation::DecryptDataKey => "decryptDataKey",
            Operation::CreateRekey => "createRekey",
            Operation::ListEvents => "listEvents",
        }
    }

    /// The path with `{id}` and `{name}` for what differs from object to object: for hooks and traces.
    #[inline(never)]
    pub const fn route(self) -> &'static str {
        match self {
            Operation::CreateObject | Operation::ListObjects => "/vault/v1/kv",
            Operation::ReadObject | Operation::UpdateObject | Operation::DeleteObject => "/vault/v1/kv/{id}",
            Operation::ReadObjectByName => "/vault/v1/kv/name/{name}",
            Operation::DescribeObject => "/vault/v1/kv/{id}/metadata",
            Operation::ListObjectVersions => "/vault/v1/kv/{id}/versions",
            Operation::CreateDataKey => "/vault/v1/keys/data-key",
            Operation::DecryptDataKey => "/vault/v1/keys/decrypt",
            Operation::CreateRekey => "/vault/v1/keys/rekey",
            Operation::ListEvents => "/events",
        }
    }
}

impl Operation {
    /// The HTTP method.
    pub const fn method(self) -> Method {
        match self {
            Operation::CreateObject
            | Operation::CreateDataKey
            | Operation::DecryptDataKey
            | Operation::CreateRekey => Method::Post,
            Operation::UpdateObject => Method::Put,
            Operation::DeleteObject => Method::Delete,
            _ => Method::Get,
        }
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// A JSON string (RFC 8259, section 7).
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => {
                out.push_str("\\u00");
                hexadecimal(u8::try_from(character).unwrap_or_default(), b'a', out);
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// A JSON object of strings; there is at least one.
pub(crate) fn quote_map<'a>(items: &mut dyn Iterator<Item = (&'a str, &'a str)>, out: &mut String) {
    let mut separator = '{';
    for (name, value) in items {
        out.push(separator);
        quote(name, out);
        out.push(':');
        quote(value, out);
        separator = ',';
    }
    out.push('}');
}

/// Two digits; `ten` is the first letter.
fn hexadecimal(byte: u8, ten: u8, out: &mut String) {
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from(if nibble < 10 { b'0' + nibble } else { ten + nibble - 10 }));
    }
}

/// Percent-encodes a path segment or a query's value: RFC 3986's unreserved characters stay, all else is encoded.
pub fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            hexadecimal(byte, b'A', out);
        }
    }
}
