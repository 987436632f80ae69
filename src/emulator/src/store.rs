//! Objects, their versions, and lists of them.

use crate::Refusal;
use crate::ids::Cursors;
use std::collections::HashMap;
use vault_core::KeyContext;
use vault_core::cipher::{NONCE_BYTES, TAG_BYTES};
use vault_core::objects::{ListObjects, ObjectSummary, Order, PAGE_DEFAULT, Page};
use vault_core::time::Timestamp;

/// A value as it is held: encrypted, with the blob that holds its data key.
pub(crate) struct Sealed {
    pub(crate) encrypted_keys: Vec<u8>,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) tag: [u8; TAG_BYTES],
    pub(crate) ciphertext: Vec<u8>,
}

/// What is kept of each version. Only the current one's value can be read, so only that is held.
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) created_at_ms: u64,
    pub(crate) size: u64,
    pub(crate) etag: String,
}

pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) context: KeyContext,
    pub(crate) key_id: String,
    pub(crate) updated_by: (String, String),
    /// Oldest first, never empty.
    pub(crate) versions: Vec<Version>,
    pub(crate) sealed: Sealed,
    /// Where it stands among all objects, in the order of their creation.
    pub(crate) place: u64,
}

impl Object {
    pub(crate) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    fn summary(&self) -> ObjectSummary<String, Timestamp> {
        let updated_at = self.current().map(|version| Timestamp::from_unix_ms(version.created_at_ms));
        ObjectSummary { id: self.id.clone(), name: self.name.clone(), updated_at }
    }
}

pub(crate) struct Store {
    /// In the order of their places.
    #[allow(clippy::vec_box)] // One that is removed moves all behind it.
    objects: Vec<Box<Object>>,
    by_id: HashMap<String, u64>,
    by_name: HashMap<String, u64>,
    /// Names of deleted objects and the time until which each stays taken.
    pending: HashMap<String, u64>,
    /// The time of the first of them to be over.
    pending_until: u64,
    next: u64,
    cursors: Cursors,
}

impl Store {
    pub(crate) fn new(cursors: Cursors) -> Self {
        Store {
            objects: Vec::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            pending: HashMap::new(),
            pending_until: u64::MAX,
            next: 0,
            cursors,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether a new object may have this name.
    pub(crate) fn name_is_free(&self, name: &str, now_ms: u64) -> Result<(), Refusal> {
        if self.by_name.contains_key(name) {
            return Err(Refusal::new(409, "an object with this name already exists"));
        }
        match self.pending.get(name) {
            Some(until) if now_ms < *until => Err(Refusal::new(409, "object marked for deletion")),
            _ => Ok(()),
        }
    }

    /// Forgets the names whose time is over, and says which.
    pub(crate) fn purge(&mut self, now_ms: u64) -> Vec<String> {
        if now_ms < self.pending_until {
            return Vec::new();
        }
        let over: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, until)| **until <= now_ms)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &over {
            self.pending.remove(name);
        }
        self.pending_until = self.pending.values().min().copied().unwrap_or(u64::MAX);
        over
    }

    /// Where the next object stands.
    pub(crate) fn next_place(&self) -> u64 {
        self.next
    }

    pub(crate) fn insert(&mut self, object: Box<Object>) {
        let place = object.place;
        self.next = self.next.max(place + 1);
        self.by_id.insert(object.id.clone(), place);
        self.by_name.insert(object.name.clone(), place);
        match self.index(place) {
            Ok(at) => self.objects[at] = object,
            Err(at) => self.objects.insert(at, object),
        }
    }

    /// Where the object of a place is, or would be.
    fn index(&self, place: u64) -> Result<usize, usize> {
        self.objects.binary_search_by_key(&place, |object| object.place)
    }

    pub(crate) fn by_id(&self, id: &str) -> Result<&Object, Refusal> {
        self.by_id.get(id).and_then(|place| self.at(*place)).ok_or_else(not_found)
    }

    pub(crate) fn by_id_mut(&mut self, id: &str) -> Result<&mut Object, Refusal> {
        let at = self.by_id.get(id).and_then(|place| self.index(*place).ok()).ok_or_else(not_found)?;
        self.objects.get_mut(at).map(|object| &mut **object).ok_or_else(not_found)
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<&Object, Refusal> {
        self.by_name.get(name).and_then(|place| self.at(*place)).ok_or_else(not_found)
    }

    pub(crate) fn at(&self, place: u64) -> Option<&Object> {
        self.objects.get(self.index(place).ok()?).map(|object| &**object)
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().map(|object| &**object)
    }

    /// Until when a deleted object's name stays taken.
    pub(crate) fn pending(&self, name: &str) -> Option<u64> {
        self.pending.get(name).copied()
    }

    pub(crate) fn pending_names(&self) -> impl Iterator<Item = &String> {
        self.pending.keys()
    }

    pub(crate) fn set_pending(&mut self, name: String, until_ms: u64) {
        self.pending_until = self.pending_until.min(until_ms);
        self.pending.insert(name, until_ms);
    }

    /// Removes an object; its name stays taken until `pending_until_ms`.
    pub(crate) fn remove(
        &mut self,
        id: &str,
        now_ms: u64,
        pending_until_ms: u64,
    ) -> Result<Box<Object>, Refusal> {
        let place = self.by_id.remove(id).ok_or_else(not_found)?;
        let object = self.objects.remove(self.index(place).map_err(|_| not_found())?);
        self.by_name.remove(&object.name);
        if pending_until_ms > now_ms {
            self.set_pending(object.name.clone(), pending_until_ms);
        }
        Ok(object)
    }

    /// A page, in order of creation.
    pub(crate) fn list(
        &self,
        list: &ListObjects,
    ) -> Result<Page<ObjectSummary<String, Timestamp>, String>, Refusal> {
        let limit = usize::try_from(list.limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let search = list.search.as_deref();
        if search.is_some_and(|search| search.trim_start().starts_with('{')) {
            return Err(Refusal::new(400, "search: the emulator searches names only, not structured JSON"));
        }
        let updated_after =
            list.updated_after.as_deref().and_then(Timestamp::parse).map(|at| at.unix_nanos());
        let matches = |object: &&Object| {
            let name = search.is_none_or(|search| has(&object.name, search));
            let at = object.current().map_or(0, |version| i128::from(version.created_at_ms) * 1_000_000);
            name && updated_after.is_none_or(|after| at > after)
        };
        // "Forward" runs as the list does. A page before a cursor is collected backward, then turned round.
        let newest_first = list.order.unwrap_or_default() == Order::Desc;
        let from = |cursor: Option<u64>, forward: bool| -> Box<dyn Iterator<Item = &Object>> {
            let newest = forward == newest_first;
            let within = match cursor.map(|place| self.index(place)) {
                None => &self.objects[..],
                Some(Ok(at) | Err(at)) if newest => &self.objects[..at],
                Some(Ok(at)) => &self.objects[at + 1..],
                Some(Err(at)) => &self.objects[at..],
            };
            let within = within.iter().map(|object| &**object);
            if newest { Box::new(within.rev()) } else { Box::new(within) }
        };
        let place = |cursor: &vault_core::names::Cursor, name: &str| {
            let place = self.cursors.read(cursor.as_str());
            place.ok_or_else(|| Refusal::new(400, format!("{name}: not a cursor of this list")))
        };
        let page: Vec<&Object> = match (&list.before, &list.after) {
            (Some(before), _) => {
                let start = place(before, "before")?;
                let mut page: Vec<_> = from(Some(start), false).filter(matches).take(limit).collect();
                page.reverse();
                page
            }
            (None, Some(after)) => {
                let start = place(after, "after")?;
                from(Some(start), true).filter(matches).take(limit).collect()
            }
            (None, None) => from(None, true).filter(matches).take(limit).collect(),
        };
        let more = |object: Option<&&Object>, forward: bool| {
            let place = object.map(|object| object.place)?;
            from(Some(place), forward).find(matches).map(|_| self.cursors.write(place))
        };
        Ok(Page {
            before: more(page.first(), false),
            after: more(page.last(), true),
            data: page.into_iter().map(Object::summary).collect(),
        })
    }
}

/// Whether a name has a part, letters A to Z of either case.
fn has(name: &str, part: &str) -> bool {
    name.as_bytes().windows(part.len().max(1)).any(|found| found.eq_ignore_ascii_case(part.as_bytes()))
}

fn not_found() -> Refusal {
    Refusal::new(404, "Not Found")
}
