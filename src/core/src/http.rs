//! Requests and answers as values, and how they are put into a URL and a body.

use crate::error::Error;
use crate::key_context::KeyContext;
use crate::reader::Reader;
use crate::tree::Tree;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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

/// A request, complete but for the base URL and the headers that the client adds. `V` is a string as the
/// host holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<V> {
    /// Which operation this is.
    pub operation: Operation,
    /// The HTTP method.
    pub method: Method,
    /// The path with its query, percent-encoded.
    pub target: String,
    /// The JSON body, where there is one.
    pub body: Option<Body<V>>,
    /// Whether sending it twice ends in the same state as sending it once: reads; POSTs, which carry one
    /// Idempotency-Key over all attempts; deletions, as an ID is never used again; and updates under a version
    /// lock, of which one can land at most. The answer to a deletion or an update may then be that of an earlier
    /// attempt's success: 404 or 409. An update without a lock would undo what another wrote in between.
    pub repeatable: bool,
}

/// A JSON object to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body<V>(pub(crate) Vec<(&'static str, Field<V>)>);

/// A member of a [`Body`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field<V> {
    /// Text that stays where the host holds it.
    Host(V),
    /// Text in core's memory.
    Text(String),
    /// A key context, in the order it was given.
    Context(KeyContext),
}

/// Where a [`Body`] is written to.
pub trait Sink<V> {
    /// A piece of finished JSON.
    fn json(&mut self, piece: &str);
    /// A string of the host's, to be written as a JSON string.
    fn text(&mut self, text: &V);
}

impl<V> Body<V> {
    /// Writes the body as JSON.
    pub fn write(&self, sink: &mut impl Sink<V>) {
        let mut piece = String::from("{");
        for (index, (name, field)) in self.0.iter().enumerate() {
            if index > 0 {
                piece.push(',');
            }
            quote(name, &mut piece);
            piece.push(':');
            match field {
                Field::Text(text) => quote(text, &mut piece),
                Field::Context(context) => quote_map(context.iter(), &mut piece),
                Field::Host(text) => {
                    sink.json(&piece);
                    piece.clear();
                    sink.text(text);
                }
            }
        }
        piece.push('}');
        sink.json(&piece);
    }
}

impl Sink<String> for String {
    fn json(&mut self, piece: &str) {
        self.push_str(piece);
    }
    fn text(&mut self, text: &String) {
        quote(text, self);
    }
}

/// A JSON string (RFC 8259, section 7).
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let byte = rest.as_bytes()[at];
        out.push_str(&rest[..at]);
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                for nibble in [control >> 4, control & 15] {
                    out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
                }
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// A JSON object of strings; there is at least one.
pub(crate) fn quote_map<'a>(items: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut String) {
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

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The HTTP status; 0 for a redirect that the runtime hides.
    pub status: u16,
    /// `X-Request-ID`.
    pub request_id: Option<String>,
    /// `Retry-After`, as milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// The body; `None` where it is not JSON.
    pub body: Option<T>,
}

impl<T: Tree> Answer<T> {
    /// Reads a success with `read`, or classifies the failure.
    pub(crate) fn read<R>(
        &self,
        operation: Operation,
        read: impl FnOnce(&mut Reader<'_, T>) -> Option<R>,
    ) -> Result<R, Error> {
        if !(200..300).contains(&self.status) {
            return Err(Error::from_answer(operation, self));
        }
        let Some(body) = &self.body else {
            return Err(Error::no_json(self));
        };
        let mut reader = Reader::body(body);
        let value = read(&mut reader);
        match value {
            Some(value) if reader.problems.is_empty() => Ok(value),
            _ => Err(Error::malformed(self, reader.problems)),
        }
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3) as milliseconds from `now_ms`: seconds, or an HTTP-date, which the host reads:
/// `date_ms` is given one that ends in `GMT`, as they all do.
pub fn retry_after_ms(header: &str, now_ms: u64, date_ms: impl FnOnce(&str) -> Option<u64>) -> Option<u64> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        // Ten digits are three centuries of seconds; more would only overflow.
        return header.get(..header.len().min(10))?.parse::<u64>().ok().map(|s| s.saturating_mul(1000));
    }
    if header.ends_with("GMT") { date_ms(header).map(|at_ms| at_ms.saturating_sub(now_ms)) } else { None }
}

/// RFC 3986's unreserved characters stay, all else is encoded. The same set serves a query's values.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a path segment or a query's value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).collect()
}

/// A query, built in order.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn push(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encode(value));
        }
    }

    pub(crate) fn onto(self, path: &str) -> String {
        [path, &self.0].concat()
    }
}
