//! Objects: named, versioned, encrypted values: what the service is asked, and what it answers.
//!
//! Shapes and limits: WorkOS's API description, v0.61.0, paths below `/vault/v1/kv`.

use crate::error::{Error, Problem};
use crate::key_context::KeyContext;
use crate::names::{Cursor, ObjectId, ObjectName, VersionId};
use crate::reader::Reader;
use crate::tree::Tree;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// Most items a page of a list can have.
pub const PAGE_MAX: u64 = 100;
/// How many items a page has where the caller does not say.
pub const PAGE_DEFAULT: u64 = 10;

/// `createObject`: encrypts a value under the context's keys and stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateObject {
    /// Unique in the environment, 1 to 200 characters.
    pub name: ObjectName,
    /// What to encrypt.
    pub value: String,
    /// Which keys to encrypt it with; it cannot change later.
    pub context: KeyContext,
}

impl CreateObject {
    /// From `{name, value, context}`, as a program gives it.
    pub fn from_options<'a>(options: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["name", "value", "context"]);
        Self::read(reader, "context")
    }

    /// From the wire's `{name, value, key_context}`.
    pub fn from_wire<'a>(body: impl Tree<'a>) -> Result<Self, Error> {
        Self::read(Reader::body(body), "key_context")
    }

    fn read<'a>(mut reader: Reader<'a, impl Tree<'a>>, context: &str) -> Result<Self, Error> {
        let name = reader.checked("name", ObjectName::new);
        let value = reader.string("value").map(str::to_owned);
        let context = reader.context(context, None).map(KeyContext::into_owned);
        reader.finish(name.zip(value).zip(context).map(|((name, value), context)| CreateObject {
            name,
            value,
            context,
        }))
    }
}

/// `updateObject`: writes a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateObject {
    /// Which object.
    pub id: ObjectId,
    /// Its new value.
    pub value: String,
    /// The version that must be current for the write to happen; without it the last writer wins.
    pub version_check: Option<VersionId>,
}

impl UpdateObject {
    /// From the wire's `{value, version_check?}`.
    pub fn from_wire<'a>(id: ObjectId, body: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let value = reader.string("value").map(str::to_owned);
        let version_check = reader.optional("version_check", VersionId::new);
        reader.finish(value.map(|value| UpdateObject { id, value, version_check }))
    }
}

/// `deleteObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObject {
    /// Which object.
    pub id: ObjectId,
    /// The version that must be current for the deletion to happen.
    pub version_check: Option<VersionId>,
}

/// A page's size, in a query.
pub(crate) fn limit_of_query(field: &str, text: &str) -> Result<u64, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| Problem::new(field, "expected a whole number from 1 to 100"))
}

/// In which direction a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first, the default of a list of objects.
    #[default]
    Desc,
}

impl Order {
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        match text {
            "asc" => Ok(Order::Asc),
            "desc" => Ok(Order::Desc),
            _ => Err(Problem::new(field, "expected \"asc\" or \"desc\"")),
        }
    }
}

/// `listObjects`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListObjects {
    /// Items a page, 1 to 100; the service's default is 10.
    pub limit: Option<u64>,
    /// Items before this one.
    pub before: Option<Cursor>,
    /// Items after this one.
    pub after: Option<Cursor>,
    /// Newest or oldest first.
    pub order: Option<Order>,
    /// Part of a name.
    pub search: Option<String>,
    /// Only objects written after this RFC 3339 time, exact as given.
    pub updated_after: Option<String>,
}

impl ListObjects {
    /// From the wire's query. Names that the API does not know are ignored, as servers do.
    pub fn from_query<'a>(query: impl Tree<'a>) -> Result<Self, Error> {
        let mut reader = Reader::options(query);
        let list = ListObjects {
            limit: reader.optional("limit", |field, text| limit_of_query(field, &text)),
            before: reader.optional("before", Cursor::new),
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            search: reader.optional_string("search").filter(|text| !text.is_empty()).map(str::to_owned),
            updated_after: {
                let member = reader.member("updatedAfter");
                if !member.is_absent() && member.time().is_none() {
                    reader.problem("updatedAfter", "expected an RFC 3339 time");
                }
                member.time().map(str::to_owned)
            },
        };
        if list.before.is_some() && list.after.is_some() {
            reader.problem("before", "give before or after, not both");
        }
        reader.finish(Some(list))
    }
}

/// Who wrote an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor<S> {
    /// The API key's or user's ID.
    pub id: S,
    /// Its name.
    pub name: S,
}

/// What is known of an object besides its value. `S` is the host's string, `D` the host's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMetadata<S, D> {
    /// The object's ID.
    pub id: S,
    /// The environment it belongs to.
    pub environment_id: S,
    /// The context it was created with.
    pub context: Vec<(String, S)>,
    /// The key that encrypts it.
    pub key_id: S,
    /// When it was last written.
    pub updated_at: D,
    /// Who wrote it last.
    pub updated_by: Actor<S>,
    /// Its current version.
    pub version_id: Option<S>,
}

/// An object; `value` is `None` where the operation does not return it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<S, D> {
    /// Its ID.
    pub id: S,
    /// Its name.
    pub name: S,
    /// Its decrypted value.
    pub value: Option<S>,
    /// All else.
    pub metadata: ObjectMetadata<S, D>,
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSummary<S, D> {
    /// Its ID.
    pub id: S,
    /// Its name.
    pub name: S,
    /// When it was last written.
    pub updated_at: Option<D>,
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion<S, D> {
    /// The version's ID, as `versionCheck` takes it.
    pub id: S,
    /// When it was written.
    pub created_at: D,
    /// Whether it is the current one.
    pub current_version: bool,
    /// Its size in bytes.
    pub size: u64,
    /// A hash of the value.
    pub etag: S,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R, S> {
    /// The items.
    pub data: Vec<R>,
    /// The cursor of the page before, where there is one.
    pub before: Option<S>,
    /// The cursor of the page after, where there is one.
    pub after: Option<S>,
}
