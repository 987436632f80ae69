//! Requests, from the options that a caller gives: what each operation takes, and where in the request it goes. Shapes and
//! limits: WorkOS's API description, v0.61.0.
//!
//! One table for all operations rather than a type for each: what an edge worker ships counts by the byte.

use crate::error::Error;
use crate::events::{NAMES_MAX, NOT_SO_MANY, check_name};
use crate::http::{Method, Operation, encode, quote, quote_map};
use crate::key_context::KeyContext;
use crate::keys::check_wrapped_keys;
use crate::names;
use crate::objects::{Order, PAGE_MAX};
use crate::reader::Reader;
use crate::tree::{Kind, Tree, decimal, expected_secret};
use alloc::string::String;

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
    /// whatever it was. `scope`: see [`KeyContext::from_tree`]. Reports every problem at once.
    pub fn from_options<T: Tree<'a>>(
        operation: Operation,
        options: T,
        scope: Option<&KeyContext<&'a str>>,
    ) -> Result<Self, Error> {
        let mut request = Request {
            operation,
            target: operation.route().into(),
            body: String::new(),
            has_value: false,
            repeatable: operation != Operation::UpdateObject,
            context: None,
        };
        let mut reader = Reader::options(options);
        for (name, takes, to) in fields(operation) {
            match takes {
                Takes::Context => {
                    if let Some(context) = reader.context(name, scope) {
                        request.put_context(*to, context);
                    }
                }
                Takes::Value => {
                    request.has_value = true;
                    let member = reader.member(name);
                    if member.kind() != Kind::Text && reader.is_map() {
                        reader.problem(name, &expected_secret("a string or a Uint8Array", member));
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
        if request.has_value {
            request.named("value");
        } else if !request.body.is_empty() {
            request.body.push('}');
        }
        Ok(request)
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
            quote_map(&mut context.iter(), &mut self.body);
        }
        self.context = Some(context);
    }

    fn named(&mut self, name: &str) {
        self.body.push(if self.body.is_empty() { '{' } else { ',' });
        quote(name, &mut self.body);
        self.body.push(':');
    }
}

/// An option as it is sent; nothing where it is left out, or wrong.
fn text<'a, T: Tree<'a>>(reader: &mut Reader<'a, T>, name: &str, takes: Takes) -> Option<String> {
    if takes as u8 >= Takes::Version as u8 && reader.member(name).is_absent() {
        return None;
    }
    let text = match takes {
        Takes::Limit => return reader.whole(name, 1, PAGE_MAX).map(decimal),
        Takes::Events => return events(reader, name),
        Takes::Time | Takes::TimeInUtc => reader.time(name, takes == Takes::TimeInUtc)?,
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
    checked.map_err(|problem| reader.problems.push(problem)).ok().map(|()| text.into())
}

fn events<'a, T: Tree<'a>>(reader: &mut Reader<'a, T>, name: &str) -> Option<String> {
    let member = reader.member(name);
    if member.kind() != Kind::Array {
        reader.wrong(name, "a list of event names, such as [\"vault.data.read\"]");
        return None;
    }
    let (mut list, mut count) = (String::new(), 0);
    for item in member.items() {
        let Some(event) = item.text() else {
            reader.problem(name, "expected a list of strings, such as [\"vault.data.read\"]");
            return None;
        };
        if count > 0 {
            list.push(',');
        }
        list.push_str(event);
        count += 1;
        if !check_name(reader, name, event) {
            return None;
        }
    }
    if count == 0 || count > NAMES_MAX {
        reader.problem(name, NOT_SO_MANY);
    }
    Some(list)
}
