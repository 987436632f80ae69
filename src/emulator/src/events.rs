//! The audit log: the last events, oldest first.

use crate::ids::Ulids;
use crate::{Key, Randomness, Refusal};
use std::collections::VecDeque;
use vault_core::events::ListEvents;
use vault_core::json::Json;
use vault_core::objects::{Order, PAGE_DEFAULT};
use vault_core::time::Timestamp;
use vault_core::tree::Tree;

/// How many events are kept; the oldest go first, so memory does not grow with what was asked.
pub const EVENTS_KEPT: usize = 10_000;

struct Event {
    id: String,
    name: &'static str,
    at_ms: u64,
    data: Json,
}

impl Event {
    fn to_wire(&self) -> Json {
        Json::object([
            ("object", Json::text("event")),
            ("id", Json::text(&*self.id)),
            ("event", Json::text(self.name)),
            ("data", self.data.clone()),
            ("created_at", Json::text(Timestamp::from_unix_ms(self.at_ms).as_str())),
        ])
    }

    /// The organization that an event is about.
    fn organization(&self) -> Option<&str> {
        let data = &self.data;
        let direct = data.member("organization_id").text();
        direct.or_else(|| data.member("key_context").member("organization_id").text())
    }
}

/// Who did it, before what it was done to.
pub(crate) fn by(key: &Key, rest: Vec<(&str, Json)>) -> Json {
    let actor = [("actor_id", &key.id), ("actor_source", &String::from("api")), ("actor_name", &key.name)];
    let actor = actor.map(|(name, text)| (name.to_owned(), Json::text(text.as_str())));
    Json::Object(
        actor.into_iter().chain(rest.into_iter().map(|(name, value)| (name.into(), value))).collect(),
    )
}

#[derive(Default)]
pub(crate) struct EventLog {
    events: VecDeque<Event>,
    ids: Ulids,
}

impl EventLog {
    pub(crate) fn push(&mut self, name: &'static str, data: Json, at_ms: u64, random: &mut dyn Randomness) {
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
        }
        let id = self.ids.next("event_", at_ms, random);
        self.events.push_back(Event { id, name, at_ms, data });
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// A page. IDs grow with time, so a page goes on after an event that is no longer kept, too.
    pub(crate) fn list(&self, list: &ListEvents) -> Result<Json, Refusal> {
        let limit = usize::try_from(list.limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let after = list.after.as_ref().map(vault_core::names::Cursor::as_str);
        if after.is_some_and(|id| !id.starts_with("event_")) {
            return Err(Refusal::new(400, "after: not the ID of an event"));
        }
        let nanos =
            |text: &Option<String>| text.as_deref().and_then(Timestamp::parse).map(|at| at.unix_nanos());
        let (start, end) = (nanos(&list.range_start), nanos(&list.range_end));
        let newest_first = list.order == Some(Order::Desc);
        let matches = |event: &&Event| {
            let at = i128::from(event.at_ms) * 1_000_000;
            let past = after.is_none_or(|id| if newest_first { *event.id < *id } else { *event.id > *id });
            past && list.events.iter().any(|name| name == event.name)
                && start.is_none_or(|start| at > start)
                && end.is_none_or(|end| at < end)
                && list.organization_id.as_ref().is_none_or(|id| event.organization() == Some(id))
        };
        let mut found: Vec<&Event> = if newest_first {
            self.events.iter().rev().filter(matches).take(limit + 1).collect()
        } else {
            self.events.iter().filter(matches).take(limit + 1).collect()
        };
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map_or(Json::Null, |event| Json::text(&*event.id));
        Ok(Json::object([
            ("object", Json::text("list")),
            ("data", Json::Array(found.into_iter().map(Event::to_wire).collect())),
            ("list_metadata", Json::object([("before", Json::Null), ("after", next)])),
        ]))
    }
}
