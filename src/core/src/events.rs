//! Audit events: what happened in the Vault, oldest first.
//!
//! Shapes: WorkOS's API description, v0.61.0, `GET /events`, and the `vault.*` events of its documentation.

use crate::error::{Error, Problem};
use crate::names::Cursor;
use crate::objects::{Order, limit_of_query};
use crate::reader::Reader;
use crate::tree::{Tree, concat};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

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
pub(crate) const NAMES_MAX: usize = 100;
pub(crate) const NOT_SO_MANY: &str = "expected 1 to 100 event names";

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
    /// From the wire's query.
    pub fn from_query<'a>(query: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::options(query);
        let names = reader.optional_string("events").unwrap_or_default();
        let names: Vec<_> = names.split(',').filter(|name| !name.is_empty()).collect();
        if names.is_empty() || names.len() > NAMES_MAX {
            reader.problems.push(Problem::limit("events", NOT_SO_MANY));
        }
        // One that is wrong is enough to be told of.
        let _ = names.iter().all(|name| check_name(&mut reader, "events", name));
        let list = ListEvents {
            events: names.into_iter().map(str::to_owned).collect(),
            limit: reader.optional("limit", |field, text| limit_of_query(field, &text)),
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            range_start: reader.time("range_start", true).map(str::to_owned),
            range_end: reader.time("range_end", true).map(str::to_owned),
            organization_id: reader
                .optional_string("organization_id")
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
        };
        reader.finish(Some(list))
    }
}

/// Whether it is the name of an event; if not, that is told.
pub(crate) fn check_name<'a, T: Tree<'a>>(reader: &mut Reader<'a, T>, field: &str, name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'.' || byte == b'_';
    let is_one = !name.is_empty() && name.bytes().all(is_name);
    if !is_one {
        reader
            .problem(field, &concat(&["\"", name, "\" is no name of an event, such as \"vault.data.read\""]));
    }
    is_one
}
