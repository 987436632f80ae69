//! Audit events: what happened in the Vault, oldest first.
//!
//! Shapes: WorkOS's API description, v0.61.0, `GET /events`, and the `vault.*` events of its documentation.

use crate::error::{Error, Problem};
use crate::http::{Answer, Method, Operation, Query, Request};
use crate::names::Cursor;
use crate::objects::{Order, PAGE_MAX, Page, limit_of_query};
use crate::reader::Reader;
use crate::tree::{Kind, Tree, expected};

/// The Vault's events.
pub const VAULT_EVENTS: [&str; 13] = [
    "vault.data.created",
    "vault.data.updated",
    "vault.data.read",
    "vault.data.deleted",
    "vault.names.listed",
    "vault.metadata.read",
    "vault.kek.created",
    "vault.kek.deleted",
    "vault.dek.read",
    "vault.dek.decrypted",
    "vault.dek.rekeyed",
    "vault.byok_key.verification_completed",
    "vault.byok_key.deleted",
];

/// Most events that one list may name.
const NAMES_MAX: usize = 100;

/// `listEvents`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEvents {
    /// Which events, at least one.
    pub events: Vec<String>,
    /// Events a page, 1 to 100; the service's default is 10.
    pub limit: Option<u64>,
    /// Events after the one with this ID.
    pub after: Option<Cursor>,
    /// Oldest first is the default.
    pub order: Option<Order>,
    /// Only events after this RFC 3339 time, in UTC, exact as given.
    pub range_start: Option<String>,
    /// Only events before this one.
    pub range_end: Option<String>,
    /// Only events of this organization.
    pub organization_id: Option<String>,
}

impl ListEvents {
    /// From `{events, limit?, after?, order?, rangeStart?, rangeEnd?, organizationId?}`.
    pub fn from_options(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["events", "limit", "after", "order", "rangeStart", "rangeEnd", "organizationId"]);
        let given = reader.member("events");
        let names = given.items().map(|items| items.iter().map(Tree::string).collect::<Option<Vec<_>>>());
        let events = match names {
            Some(Some(names)) => event_names(&mut reader, names),
            Some(None) => {
                reader.problem("events", "expected a list of strings, such as [\"vault.data.read\"]");
                Vec::new()
            }
            None => {
                reader.wrong("events", "a list of event names, such as [\"vault.data.read\"]", given.kind());
                Vec::new()
            }
        };
        let list = ListEvents {
            events,
            limit: if reader.member("limit").is_absent() { None } else { reader.whole("limit", 1, PAGE_MAX) },
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            range_start: time(&mut reader, "rangeStart"),
            range_end: time(&mut reader, "rangeEnd"),
            organization_id: reader.optional_string("organizationId").filter(|id| !id.is_empty()),
        };
        reader.finish(Some(list))
    }

    /// From the wire's query.
    pub fn from_query<T: Tree>(query: &T) -> Result<Self, Error> {
        let mut reader = Reader::options(query);
        let names = reader.optional_string("events").unwrap_or_default();
        let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let list = ListEvents {
            events: event_names(&mut reader, names),
            limit: reader.optional("limit", |field, text| limit_of_query(field, &text)),
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            range_start: time(&mut reader, "range_start"),
            range_end: time(&mut reader, "range_end"),
            organization_id: reader.optional_string("organization_id").filter(|id| !id.is_empty()),
        };
        reader.finish(Some(list))
    }

    /// `GET /events`.
    pub fn into_request<V>(self) -> Request<V> {
        let mut query = Query::default();
        query.push("events", Some(&self.events.join(",")));
        query.push("limit", self.limit.map(crate::tree::decimal).as_deref());
        query.push("after", self.after.as_ref().map(Cursor::as_str));
        query.push("order", self.order.map(Order::as_str));
        query.push("range_start", self.range_start.as_deref());
        query.push("range_end", self.range_end.as_deref());
        query.push("organization_id", self.organization_id.as_deref());
        Request {
            operation: Operation::ListEvents,
            method: Method::Get,
            target: query.onto("/events"),
            body: None,
            repeatable: true,
        }
    }
}

fn event_names<T: Tree>(reader: &mut Reader<'_, T>, names: Vec<String>) -> Vec<String> {
    if names.is_empty() || names.len() > NAMES_MAX {
        reader.problems.push(Problem::limit(&reader.path("events"), "expected 1 to 100 event names"));
    }
    let form = |name: &String| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b))
    };
    if let Some(wrong) = names.iter().find(|name| !form(name)) {
        let message = ["\"", wrong, "\" is no name of an event, such as \"vault.data.read\""].concat();
        reader.problem("events", message);
    }
    names
}

/// A time that may be absent. The service takes UTC with a `Z` only.
fn time<T: Tree>(reader: &mut Reader<'_, T>, name: &str) -> Option<String> {
    let member = reader.member(name);
    if member.is_absent() {
        return None;
    }
    let text = member.time_text().filter(|text| text.ends_with('Z'));
    if text.is_none() {
        let kind = member.kind();
        let got = if kind == Kind::Text { Kind::Other("another text") } else { kind };
        reader.problem(name, expected("a valid Date, or a time in UTC like 2024-01-01T00:00:00Z", got));
    }
    text
}

/// An event. What it tells is as its host holds it: each event has fields of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<S, T, D> {
    /// The event's ID, by which a list goes on.
    pub id: S,
    /// What happened: `vault.data.read`.
    pub event: S,
    /// When.
    pub created_at: T,
    /// To what, and by whom.
    pub data: D,
}

impl<S, T> Event<S, T, ()> {
    /// Reads a page of events.
    pub fn read_answer<D: Tree<Text = S, Time = T>>(
        answer: &Answer<D>,
    ) -> Result<Page<Event<S, T, D>, S>, Error> {
        answer.read(Operation::ListEvents, |body| {
            body.page(|item| {
                let data = item.member("data");
                if data.kind() != Kind::Object {
                    item.wrong("data", "an object", data.kind());
                }
                let (id, event, created_at) = (item.text("id"), item.text("event"), item.time("created_at"));
                Some(Event { id: id?, event: event?, created_at: created_at?, data })
            })
        })
    }
}
