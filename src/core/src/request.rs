//! Requests, from the options that a caller gives: what each operation takes, and where in the request it goes. Shapes and
//! limits: WorkOS's API description, v0.61.0.
//!
//! One table for all operations rather than a type for each: what an edge worker ships counts by the byte.

use crate::error::{Code, Error};
use crate::events::check_event_names;
use crate::http::{Method, Operation, encode, quote, quote_map};
use crate::key_context::KeyContext;
use crate::keys::check_wrapped_keys;
use crate::names;
use crate::objects::{Order, PAGE_MAX};
use crate::reader::Reader;
use crate::scope::Scope;
use crate::tree::{Kind, Tree, decimal, expected_secret};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A request, complete but for the base URL, the headers that the client adds, and the object's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Which operation this is.
    pub operation: Operation,
    /// The path with its query, percent-encoded.
    pub target: String,
    /// The JSON body: empty where there is none, and where there is a value all of it that stands before the value. Behind
    /// that there is a `}`.
    pub body: String,
    /// Whether there is a value: the host quotes it, and it is nowhere here.
    pub has_value: bool,
    /// Whether sending it twice ends in the same state as sending it once: reads; POSTs, which carry one
    /// Idempotency-Key over all attempts; deletions, as an ID is never used again; and updates under a version
    /// lock, of which one can land at most. The answer to a deletion or an update may then be that of an earlier
    /// attempt's success: 404 or 409. An update without a lock would undo what another wrote in between.
    pub repeatable: bool,
    /// The context whose keys encrypt it, where there is one.
    pub context: Option<KeyContext<&'a str>>,
}

/// What an option may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Id,
    Name,
    NameInUrl,
    Keys,
    Context,
    Value,
    Events,
    // From here on what may be left out.
    Version,
    Cursor,
    Limit,
    Order,
    Text,
    Time,
    TimeInUtc,
}

/// Where it goes.
#[derive(Clone, Copy)]
enum To {
    Path,
    Query(&'static str),
    Body(&'static str),
}

type Field = (&'static str, Takes, To);

const ID: Field = ("id", Takes::Id, To::Path);
const VALUE: Field = ("value", Takes::Value, To::Body("value"));
const CONTEXT: Field = ("context", Takes::Context, To::Body("context"));
const LIMIT: Field = ("limit", Takes::Limit, To::Query("limit"));
const AFTER: Field = ("after", Takes::Cursor, To::Query("after"));
const ORDER: Field = ("order", Takes::Order, To::Query("order"));

/// What an operation takes, in the order in which problems are told, and in which it is sent but for the value, which comes
/// last.
const fn fields(operation: Operation) -> &'static [Field] {
    match operation {
        Operation::CreateObject => &[
            ("name", Takes::Name, To::Body("name")),
            VALUE,
            ("context", Takes::Context, To::Body("key_context")),
        ],
        // The filter is `updatedAfter` on the wire, as the API description has it; the official Node SDK 11.0.0 sends
        // `updated_after`, which the API does not name.
        Operation::ListObjects => &[
            LIMIT,
            ("before", Takes::Cursor, To::Query("before")),
            AFTER,
            ORDER,
            ("search", Takes::Text, To::Query("search")),
            ("updatedAfter", Takes::Time, To::Query("updatedAfter")),
        ],
        Operation::ReadObject | Operation::DescribeObject | Operation::ListObjectVersions => &[ID],
        Operation::ReadObjectByName => &[("name", Takes::NameInUrl, To::Path)],
        Operation::UpdateObject => &[ID, VALUE, ("versionCheck", Takes::Version, To::Body("version_check"))],
        Operation::DeleteObject => &[ID, ("versionCheck", Takes::Version, To::Query("version_check"))],
        Operation::CreateDataKey => &[CONTEXT],
        Operation::DecryptDataKey => &[("keys", Takes::Keys, To::Body("keys"))],
        Operation::CreateRekey => &[("encryptedKeys", Takes::Keys, To::Body("encrypted_keys")), CONTEXT],
        Operation::ListEvents => &[
            ("events", Takes::Events, To::Query("events")),
            LIMIT,
            AFTER,
            ORDER,
            ("rangeStart", Takes::TimeInUtc, To::Query("range_start")),
            ("rangeEnd", Takes::TimeInUtc, To::Query("range_end")),
            ("organizationId", Takes::Text, To::Query("organization_id")),
        ],
    }
}

impl<'a> Request<'a> {
    /// Of an operation with these options; others are the host's. A value that the host found in order is a text here,
    /// whatever it was. Within a scope what that adds may be left out of a context, and what contradicts it is refused.
    /// Reports every problem at once.
    pub fn from_options<T: Tree<'a>>(
        operation: Operation,
        options: T,
        scope: Option<&Scope<'a>>,
    ) -> Result<Self, Error> {
        let mut request = Request {
            operation,
            target: operation.route().into(),
            body: String::new(),
            has_value: false,
            repeatable: operation != Operation::UpdateObject,
            context: None,
        };
        match (operation, options.kind()) {
            (Operation::ListObjects, Kind::Missing | Kind::Null) => return Ok(request),
            (Operation::CreateDataKey, Kind::Missing | Kind::Null) => {
                if let Some(scope) = scope {
                    request.put_context(To::Body("context"), scope.context().clone());
                    return Ok(request.closed());
                }
            }
            (Operation::ReadObjectByName, Kind::Text) => {
                let name = options.text().unwrap_or_default();
                return match names::check_in_url("name", name) {
                    Ok(()) => {
                        request.put(To::Path, name);
                        Ok(request)
                    }
                    Err(problem) => Err(Error::invalid(Code::InvalidRequest, vec![problem])),
                };
            }
            (
                Operation::ReadObject | Operation::DescribeObject | Operation::ListObjectVersions,
                Kind::Text,
            ) => {
                return Err(Error::about_field(
                    Code::InvalidRequest,
                    "options",
                    "expected an object like { id }, got a string",
                ));
            }
            _ => {}
        }
        let mut reader = Reader::options(options);
        for (name, takes, to) in fields(operation) {
            match takes {
                Takes::Context => {
                    if let Some(context) = reader.scoped_context(name, scope) {
                        request.put_context(*to, context);
                    }
                }
                Takes::Value => {
                    request.has_value = true;
                    let member = reader.member(name);
                    if member.kind() != Kind::Text && reader.is_map() {
                        reader.problem(name, expected_secret("a string or a Uint8Array", member));
                    }
                }
                _ => {
                    if let Some(text) = text(&mut reader, name, *takes) {
                        request.put(*to, &text);
                    }
                }
            }
        }
        if operation == Operation::ListObjects
            && reader.problems.is_empty()
            && !reader.member("before").is_absent()
            && !reader.member("after").is_absent()
        {
            reader.problem("before", "give before or after, not both");
        }
        reader.done()?;
        Ok(request.closed())
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.operation.method()
    }

    fn put(&mut self, to: To, text: &str) {
        match to {
            To::Path => {
                self.target.clear();
                let mut is_place = false;
                for character in self.operation.route().chars() {
                    match character {
                        '{' => is_place = true,
                        '}' => {
                            is_place = false;
                            encode(text, &mut self.target);
                        }
                        _ if is_place => {}
                        _ => self.target.push(character),
                    }
                }
            }
            To::Query(name) => {
                self.target.push(if self.target.bytes().any(|byte| byte == b'?') { '&' } else { '?' });
                self.target.push_str(name);
                self.target.push('=');
                encode(text, &mut self.target);
            }
            To::Body(name) => {
                self.named(name);
                quote(text, &mut self.body);
                // An update's lock is all that its body has.
                self.repeatable = true;
            }
        }
    }

    fn put_context(&mut self, to: To, context: KeyContext<&'a str>) {
        if let To::Body(name) = to {
            self.named(name);
            quote_map(context.iter(), &mut self.body);
        }
        self.context = Some(context);
    }

    fn named(&mut self, name: &str) {
        self.body.push(if self.body.is_empty() { '{' } else { ',' });
        quote(name, &mut self.body);
        self.body.push(':');
    }

    fn closed(mut self) -> Self {
        if self.has_value {
            self.named("value");
        } else if !self.body.is_empty() {
            self.body.push('}');
        }
        self
    }
}

/// An option as it is sent; nothing where it is left out, or wrong.
fn text<'a, T: Tree<'a>>(reader: &mut Reader<'a, T>, name: &str, takes: Takes) -> Option<Cow<'a, str>> {
    if takes as u8 >= Takes::Version as u8 && reader.member(name).is_absent() {
        return None;
    }
    let text = match takes {
        Takes::Limit => return reader.whole(name, 1, PAGE_MAX).map(decimal).map(Cow::Owned),
        Takes::Time | Takes::TimeInUtc => {
            return reader.time(name, takes == Takes::TimeInUtc).map(Cow::Borrowed);
        }
        Takes::Events => return events(reader, name).map(Cow::Owned),
        _ => reader.string(name)?,
    };
    let path = reader.path(name);
    let checked = match takes {
        Takes::Id => names::check_id(&path, text),
        Takes::Name => names::check_name(&path, text),
        Takes::NameInUrl => names::check_in_url(&path, text),
        Takes::Keys => check_wrapped_keys(&path, text),
        Takes::Version | Takes::Cursor => names::check_opaque(&path, text),
        Takes::Order => Order::parse(&path, text).map(drop),
        _ if text.is_empty() => return None,
        _ => Ok(()),
    };
    match checked {
        Ok(()) => Some(Cow::Borrowed(text)),
        Err(problem) => {
            reader.problems.push(problem);
            None
        }
    }
}

fn events<'a, T: Tree<'a>>(reader: &mut Reader<'a, T>, name: &str) -> Option<String> {
    let member = reader.member(name);
    if member.kind() != Kind::Array {
        reader.wrong(name, "a list of event names, such as [\"vault.data.read\"]");
        return None;
    }
    let mut names = Vec::new();
    let mut list = String::new();
    for item in member.items() {
        let Some(event) = item.text() else {
            reader.problem(name, "expected a list of strings, such as [\"vault.data.read\"]");
            return None;
        };
        if !names.is_empty() {
            list.push(',');
        }
        list.push_str(event);
        names.push(event);
    }
    check_event_names(reader, &names);
    Some(list)
}
