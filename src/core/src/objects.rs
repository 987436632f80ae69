//! Objects: named, versioned, encrypted values. Each operation is a type that reads its host's options (or,
//! in the emulator, the request) and makes a request; each result is a type that reads the answer.
//!
//! Shapes and limits: WorkOS's API description, v0.61.0, paths below `/vault/v1/kv`.

use crate::error::{Code, Error, Problem};
use crate::http::{Answer, Body, Field, Method, Operation, Query, Request};
use crate::key_context::KeyContext;
use crate::names::{Cursor, ObjectId, ObjectName, VersionId};
use crate::reader::Reader;
use crate::scope::Scope;
use crate::tree::{Kind, Tree, decimal, expected, expected_secret};

/// Most items a page of a list can have.
pub const PAGE_MAX: u64 = 100;
/// How many items a page has where the caller does not say.
pub const PAGE_DEFAULT: u64 = 10;

/// A value in a caller's options. Bytes, which the host has encoded already, are the other thing it may be.
fn value<T: Tree>(reader: &mut Reader<'_, T>) -> Option<T::Text> {
    let member = reader.member("value");
    let text = member.text();
    if text.is_none() && reader.is_map() {
        reader.problem("value", expected_secret("a string or a Uint8Array", member.kind()));
    }
    text
}

fn request<V>(operation: Operation, method: Method, target: String) -> Request<V> {
    Request { operation, method, target, body: None, repeatable: true }
}

/// `createObject`: encrypts a value under the context's keys and stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateObject<V> {
    /// Unique in the environment, 1 to 200 characters.
    pub name: ObjectName,
    /// What to encrypt.
    pub value: V,
    /// Which keys to encrypt it with; it cannot change later.
    pub context: KeyContext,
}

impl<V: Clone> CreateObject<V> {
    /// From `{name, value, context}`. `encoded` stands in for a value that is bytes ([`crate::value`]).
    pub fn from_options<T: Tree<Text = V>>(
        options: &T,
        encoded: Option<V>,
        scope: Option<&Scope>,
    ) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["name", "value", "context"]);
        let name = reader.checked("name", ObjectName::new);
        let value = encoded.or_else(|| value(&mut reader));
        let context = reader.scoped_context("context", scope);
        reader.finish(name.zip(value).zip(context).map(|((name, value), context)| CreateObject {
            name,
            value,
            context,
        }))
    }

    /// From the wire's `{name, value, key_context}`.
    pub fn from_wire<T: Tree<Text = V>>(body: &T) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let name = reader.checked("name", ObjectName::new);
        let value = reader.text("value");
        let context = reader.context("key_context");
        reader.finish(name.zip(value).zip(context).map(|((name, value), context)| CreateObject {
            name,
            value,
            context,
        }))
    }

    /// `POST /vault/v1/kv`.
    pub fn into_request(self) -> Request<V> {
        Request {
            body: Some(Body(vec![
                ("name", Field::Text(self.name.into_string())),
                ("key_context", Field::Context(self.context)),
                ("value", Field::Host(self.value)),
            ])),
            ..request(Operation::CreateObject, Method::Post, "/vault/v1/kv".into())
        }
    }
}

/// An object named by its ID: `readObject`, `describeObject`, `listObjectVersions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ById(pub ObjectId);

impl ById {
    /// From `{id}`; `more` are the other options that the operation takes.
    pub fn from_options(options: &impl Tree, more: &[&str]) -> Result<Self, Error> {
        if options.kind() == Kind::Text {
            let problem = Problem::new("options", "expected an object like { id }, got a string");
            return Err(Error::invalid(Code::InvalidRequest, vec![problem]));
        }
        let mut reader = Reader::options(options);
        reader.only(&[&["id"], more].concat());
        let id = reader.checked("id", ObjectId::new);
        reader.finish(id.map(ById))
    }

    /// `GET /vault/v1/kv/{id}`.
    pub fn read_request<V>(&self) -> Request<V> {
        request(Operation::ReadObject, Method::Get, self.0.path(""))
    }

    /// `GET /vault/v1/kv/{id}/metadata`.
    pub fn describe_request<V>(&self) -> Request<V> {
        request(Operation::DescribeObject, Method::Get, self.0.path("/metadata"))
    }

    /// `GET /vault/v1/kv/{id}/versions`.
    pub fn versions_request<V>(&self) -> Request<V> {
        request(Operation::ListObjectVersions, Method::Get, self.0.path("/versions"))
    }
}

/// `readObjectByName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadObjectByName(pub ObjectName);

impl ReadObjectByName {
    /// From a name, or `{name}`; `more` are the other options that the operation takes.
    pub fn from_options(options: &impl Tree, more: &[&str]) -> Result<Self, Error> {
        if options.kind() == Kind::Text {
            let name = options.string().unwrap_or_default();
            let name = ObjectName::in_url("name", name);
            return name.map(Self).map_err(|problem| Error::invalid(Code::InvalidRequest, vec![problem]));
        }
        let mut reader = Reader::options(options);
        reader.only(&[&["name"], more].concat());
        let name = reader.checked("name", ObjectName::in_url);
        reader.finish(name.map(Self))
    }

    /// `GET /vault/v1/kv/name/{name}`.
    pub fn into_request<V>(self) -> Request<V> {
        request(Operation::ReadObjectByName, Method::Get, self.0.path())
    }
}

/// `updateObject`: writes a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateObject<V> {
    /// Which object.
    pub id: ObjectId,
    /// Its new value.
    pub value: V,
    /// The version that must be current for the write to happen; without it the last writer wins.
    pub version_check: Option<VersionId>,
}

impl<V: Clone> UpdateObject<V> {
    /// From `{id, value, versionCheck?}`; `encoded` as in [`CreateObject::from_options`].
    pub fn from_options<T: Tree<Text = V>>(options: &T, encoded: Option<V>) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["id", "value", "versionCheck"]);
        let id = reader.checked("id", ObjectId::new);
        let value = encoded.or_else(|| value(&mut reader));
        let version_check = reader.optional("versionCheck", VersionId::new);
        reader.finish(id.zip(value).map(|(id, value)| UpdateObject { id, value, version_check }))
    }

    /// From the wire's `{value, version_check?}`.
    pub fn from_wire<T: Tree<Text = V>>(id: ObjectId, body: &T) -> Result<Self, Error> {
        let mut reader = Reader::body(body);
        let value = reader.text("value");
        let version_check = reader.optional("version_check", VersionId::new);
        reader.finish(value.map(|value| UpdateObject { id, value, version_check }))
    }

    /// `PUT /vault/v1/kv/{id}`.
    pub fn into_request(self) -> Request<V> {
        let mut fields = Vec::with_capacity(2);
        let repeatable = self.version_check.is_some();
        if let Some(version) = self.version_check {
            fields.push(("version_check", Field::Text(version.into_string())));
        }
        fields.push(("value", Field::Host(self.value)));
        Request {
            body: Some(Body(fields)),
            repeatable,
            ..request(Operation::UpdateObject, Method::Put, self.id.path(""))
        }
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

impl DeleteObject {
    /// From `{id, versionCheck?}`.
    pub fn from_options(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["id", "versionCheck"]);
        let id = reader.checked("id", ObjectId::new);
        let version_check = reader.optional("versionCheck", VersionId::new);
        reader.finish(id.map(|id| DeleteObject { id, version_check }))
    }

    /// `DELETE /vault/v1/kv/{id}?version_check`.
    pub fn into_request<V>(self) -> Request<V> {
        let mut query = Query::default();
        query.push("version_check", self.version_check.as_ref().map(VersionId::as_str));
        let target = query.onto(&self.id.path(""));
        request(Operation::DeleteObject, Method::Delete, target)
    }

    /// Reads `{name, success}`, or a success without a body.
    pub fn read_answer<T: Tree>(answer: &Answer<T>) -> Result<(), Error> {
        if answer.status == 204 {
            return Ok(());
        }
        let success = answer.read(Operation::DeleteObject, |body| body.bool("success"))?;
        if success {
            return Ok(());
        }
        let mut error = Error::new(Code::ServerError, "the service says that the deletion did not succeed");
        error.status = Some(answer.status);
        error.request_id.clone_from(&answer.request_id);
        Err(error)
    }
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

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Order::Asc => "asc",
            Order::Desc => "desc",
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
    /// From `{limit?, before?, after?, order?, search?, updatedAfter?}`, or nothing.
    pub fn from_options(options: &impl Tree) -> Result<Self, Error> {
        if options.is_absent() {
            return Ok(ListObjects::default());
        }
        let mut reader = Reader::options(options);
        reader.only(&["limit", "before", "after", "order", "search", "updatedAfter"]);
        let list = ListObjects {
            limit: if reader.member("limit").is_absent() { None } else { reader.whole("limit", 1, PAGE_MAX) },
            before: reader.optional("before", Cursor::new),
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            search: reader.optional_string("search").filter(|text| !text.is_empty()),
            updated_after: {
                let member = reader.member("updatedAfter");
                let text = member.time_text();
                if text.is_none() && !member.is_absent() {
                    let message =
                        expected("a valid Date, or a time like 2024-01-01T00:00:00Z", member.kind());
                    reader.problem("updatedAfter", message);
                }
                text
            },
        };
        list.finish(reader)
    }

    /// From the wire's query. Names that the API does not know are ignored, as servers do.
    pub fn from_query<T: Tree>(query: &T) -> Result<Self, Error> {
        let mut reader = Reader::options(query);
        let list = ListObjects {
            limit: reader.optional("limit", |field, text| limit_of_query(field, &text)),
            before: reader.optional("before", Cursor::new),
            after: reader.optional("after", Cursor::new),
            order: reader.optional("order", |field, text| Order::parse(field, &text)),
            search: reader.optional_string("search").filter(|text| !text.is_empty()),
            updated_after: {
                let member = reader.member("updatedAfter");
                if !member.is_absent() && member.time_text().is_none() {
                    reader.problem("updatedAfter", "expected an RFC 3339 time");
                }
                member.time_text()
            },
        };
        list.finish(reader)
    }

    fn finish<T: Tree>(self, mut reader: Reader<'_, T>) -> Result<Self, Error> {
        if self.before.is_some() && self.after.is_some() {
            reader.problem("before", "give before or after, not both");
        }
        reader.finish(Some(self))
    }

    /// `GET /vault/v1/kv`. The filter is `updatedAfter` on the wire, in camel case, as the API description
    /// has it; the official Node SDK 11.0.0 sends `updated_after`, which the API does not name.
    pub fn into_request<V>(self) -> Request<V> {
        let mut query = Query::default();
        query.push("limit", self.limit.map(decimal).as_deref());
        query.push("before", self.before.as_ref().map(Cursor::as_str));
        query.push("after", self.after.as_ref().map(Cursor::as_str));
        query.push("order", self.order.map(Order::as_str));
        query.push("search", self.search.as_deref());
        query.push("updatedAfter", self.updated_after.as_deref());
        request(Operation::ListObjects, Method::Get, query.onto("/vault/v1/kv"))
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

impl<S, D> ObjectMetadata<S, D> {
    fn read<T: Tree<Text = S, Time = D>>(reader: &mut Reader<'_, T>) -> Option<Self> {
        let (id, environment_id) = (reader.text("id"), reader.text("environment_id"));
        let (context, key_id) = (reader.string_map("context"), reader.text("key_id"));
        let (updated_at, version_id) = (reader.time("updated_at"), reader.optional_text("version_id"));
        let updated_by = reader.nested("updated_by", |actor| {
            let (id, name) = (actor.text("id"), actor.text("name"));
            Some(Actor { id: id?, name: name? })
        });
        Some(ObjectMetadata {
            id: id?,
            environment_id: environment_id?,
            context: context?,
            key_id: key_id?,
            updated_at: updated_at?,
            updated_by: updated_by?,
            version_id,
        })
    }

    /// Reads the answer to `createObject`.
    pub fn read_answer<T: Tree<Text = S, Time = D>>(answer: &Answer<T>) -> Result<Self, Error> {
        answer.read(Operation::CreateObject, Self::read)
    }
}

impl<T: Tree> Reader<'_, T> {
    pub(crate) fn page<R>(
        &mut self,
        read: impl FnMut(&mut Reader<'_, T>) -> Option<R>,
    ) -> Option<Page<R, T::Text>> {
        let data = self.list("data", read);
        let cursors = self.nested("list_metadata", |cursors| {
            Some((cursors.optional_text("before"), cursors.optional_text("after")))
        });
        let (before, after) = cursors?;
        Some(Page { data: data?, before, after })
    }
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

impl<S, D> Object<S, D> {
    /// Reads the answer to `readObject` or `readObjectByName` (with a value), `describeObject` or
    /// `updateObject` (without).
    pub fn read_answer<T: Tree<Text = S, Time = D>>(
        operation: Operation,
        answer: &Answer<T>,
    ) -> Result<Self, Error> {
        let has_value = matches!(operation, Operation::ReadObject | Operation::ReadObjectByName);
        answer.read(operation, |body| {
            let (id, name) = (body.text("id"), body.text("name"));
            let value = if has_value { body.text("value") } else { None };
            let metadata = body.nested("metadata", ObjectMetadata::read);
            Some(Object { id: id?, name: name?, value, metadata: metadata? })
        })
    }
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

impl<S, D> Page<ObjectSummary<S, D>, S> {
    /// Reads the answer to `listObjects`.
    pub fn read_answer<T: Tree<Text = S, Time = D>>(answer: &Answer<T>) -> Result<Self, Error> {
        answer.read(Operation::ListObjects, |body| {
            body.page(|item| {
                let (id, name) = (item.text("id"), item.text("name"));
                Some(ObjectSummary { updated_at: item.optional_time("updated_at"), id: id?, name: name? })
            })
        })
    }
}

impl<S, D> Page<ObjectVersion<S, D>, S> {
    /// Reads the answer to `listObjectVersions`.
    pub fn read_answer<T: Tree<Text = S, Time = D>>(answer: &Answer<T>) -> Result<Self, Error> {
        answer.read(Operation::ListObjectVersions, |body| {
            body.page(|item| {
                let (id, created_at) = (item.text("id"), item.time("created_at"));
                let (current_version, etag) = (item.bool("current_version"), item.text("etag"));
                let size = item.whole("size", 0, 1 << 53);
                Some(ObjectVersion {
                    id: id?,
                    created_at: created_at?,
                    current_version: current_version?,
                    size: size?,
                    etag: etag?,
                })
            })
        })
    }
}
