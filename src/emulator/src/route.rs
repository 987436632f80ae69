//! Which operation a method and a path mean, and its arguments, checked.

use crate::{Refusal, Request};
use percent_encoding::percent_decode_str;
use vault_core::error::{Error, Fault};
use vault_core::events::ListEvents;
use vault_core::http;
use vault_core::json::Json;
use vault_core::keys::{CreateRekey, DecryptDataKey};
use vault_core::names::{ObjectId, ObjectName, VersionId};
use vault_core::objects::{CreateObject, DeleteObject, ListObjects, UpdateObject};
use vault_core::tree::Tree;
use vault_core::{Code, KeyContext};

/// An operation, ready to run.
pub(crate) enum Operation {
    Create(CreateObject),
    List(ListObjects),
    Read(ObjectId),
    ReadByName(ObjectName),
    Describe(ObjectId),
    Versions(ObjectId),
    Update(UpdateObject),
    Delete(DeleteObject),
    CreateDataKey(KeyContext),
    DecryptDataKey(DecryptDataKey),
    Rekey(CreateRekey),
    ListEvents(ListEvents),
}

/// A path that exists: what each method means there, and the part of it that is an ID or a name.
pub(crate) struct Route {
    methods: &'static [(&'static str, http::Operation)],
    part: String,
    query: String,
}

/// The segments of a path, decoded, and its query, as it stands.
pub(crate) fn split(target: &str) -> Result<(Vec<String>, &str), Refusal> {
    let target = target.split_once('#').map_or(target, |(target, _)| target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments = path.strip_prefix('/').unwrap_or(path).split('/').map(decode);
    Ok((segments.collect::<Result<_, _>>()?, query))
}

impl Route {
    pub(crate) fn find(target: &str) -> Result<Self, Refusal> {
        use http::Operation as Is;
        let (segments, query) = split(target)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (methods, part): (&'static [_], &str) = match segments[..] {
            ["vault", "v1", "kv"] => (&[("GET", Is::ListObjects), ("POST", Is::CreateObject)], ""),
            ["vault", "v1", "kv", "name", name] => (&[("GET", Is::ReadObjectByName)], name),
            ["vault", "v1", "kv", id] => {
                (&[("GET", Is::ReadObject), ("PUT", Is::UpdateObject), ("DELETE", Is::DeleteObject)], id)
            }
            ["vault", "v1", "kv", id, "metadata"] => (&[("GET", Is::DescribeObject)], id),
            ["vault", "v1", "kv", id, "versions"] => (&[("GET", Is::ListObjectVersions)], id),
            ["vault", "v1", "keys", "data-key"] => (&[("POST", Is::CreateDataKey)], ""),
            ["vault", "v1", "keys", "decrypt"] => (&[("POST", Is::DecryptDataKey)], ""),
            ["vault", "v1", "keys", "rekey"] => (&[("POST", Is::CreateRekey)], ""),
            ["events"] => (&[("GET", Is::ListEvents)], ""),
            _ => return Err(Refusal::new(404, "Not Found")),
        };
        Ok(Route { methods, part: part.to_owned(), query: query.to_owned() })
    }

    /// The methods that there are, for an `Allow` header. Whatever can be read can be asked for its headers.
    pub(crate) fn allow(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| *method).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.push("OPTIONS");
        names.join(", ")
    }

    /// What a method means here.
    pub(crate) fn operation(&self, method: &str) -> Result<http::Operation, Refusal> {
        let found = self.methods.iter().find(|(known, _)| *known == method);
        found
            .map(|(_, operation)| *operation)
            .ok_or_else(|| Refusal { allow: Some(self.allow()), ..Refusal::new(405, "Method Not Allowed") })
    }

    /// Reads the arguments of an operation.
    pub(crate) fn read(
        &self,
        operation: http::Operation,
        request: &Request<'_>,
    ) -> Result<Operation, Refusal> {
        let id = || check(ObjectId::new("id", self.part.clone()));
        let query = || parse_query(&self.query);
        match operation {
            http::Operation::CreateObject => {
                CreateObject::from_wire(&body(request)?).map(Operation::Create).map_err(refuse)
            }
            http::Operation::ListObjects => {
                ListObjects::from_query(&query()?).map(Operation::List).map_err(refuse)
            }
            http::Operation::ReadObject => id().map(Operation::Read),
            http::Operation::ReadObjectByName => {
                check(ObjectName::new("name", self.part.clone())).map(Operation::ReadByName)
            }
            http::Operation::DescribeObject => id().map(Operation::Describe),
            http::Operation::ListObjectVersions => id().map(Operation::Versions),
            http::Operation::UpdateObject => {
                UpdateObject::from_wire(id()?, &body(request)?).map(Operation::Update).map_err(refuse)
            }
            http::Operation::DeleteObject => {
                let query = query()?;
                let version = query.member("version_check").text();
                let version = version.map(|version| check(VersionId::new("version_check", version.into())));
                Ok(Operation::Delete(DeleteObject { id: id()?, version_check: version.transpose()? }))
            }
            http::Operation::CreateDataKey => KeyContext::from_tree(body(request)?.member("context"), None)
                .map(|context| Operation::CreateDataKey(context.into_owned()))
                .map_err(refuse),
            http::Operation::DecryptDataKey => {
                DecryptDataKey::from_wire(&body(request)?).map(Operation::DecryptDataKey).map_err(refuse)
            }
            http::Operation::CreateRekey => {
                CreateRekey::from_wire(&body(request)?).map(Operation::Rekey).map_err(refuse)
            }
            http::Operation::ListEvents => {
                ListEvents::from_query(&query()?).map(Operation::ListEvents).map_err(refuse)
            }
        }
    }
}

fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Refusal::new(400, "the URL is not valid UTF-8"))
}

/// A query as an object of strings, `+` meaning a space as forms have it. A name that stands more than once is a
/// list, as one with commas is.
fn parse_query(query: &str) -> Result<Json, Refusal> {
    let mut members: Vec<(String, Json)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?);
        let name = name.strip_suffix("[]").map(str::to_owned).unwrap_or(name);
        match members.iter_mut().find(|(known, _)| *known == name && name == "events") {
            Some((_, Json::Text(text))) => {
                text.push(',');
                text.push_str(&value);
            }
            _ => members.push((name, Json::Text(value))),
        }
    }
    Ok(Json::Object(members))
}

/// The body as a JSON object.
pub(crate) fn body(request: &Request<'_>) -> Result<Json, Refusal> {
    if let Some(given) = request.content_type {
        let media = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media != "application/json" && !media.ends_with("+json") {
            return Err(Refusal::new(400, format!("content-type: expected application/json, got {media}")));
        }
    }
    let body = Json::parse(request.body)
        .map_err(|error| Refusal::new(400, format!("the body is not JSON: {error}")))?;
    if matches!(body, Json::Object(_)) {
        Ok(body)
    } else {
        Err(Refusal::new(400, "the body is not a JSON object"))
    }
}

fn check<T>(checked: Result<T, vault_core::Problem>) -> Result<T, Refusal> {
    checked.map_err(|problem| refuse(Error::invalid(Code::InvalidRequest, vec![problem])))
}

/// 400 for what is missing or of the wrong form, 422 for what is beyond a limit; the service's own sentences
/// where it has one.
#[allow(clippy::needless_pass_by_value)] // As `map_err` hands it over.
pub(crate) fn refuse(error: Error) -> Refusal {
    let form = error.problems.iter().any(|problem| problem.fault == Fault::Form);
    let status = if form { 400 } else { 422 };
    let non_string = error
        .problems
        .iter()
        .any(|p| p.field.starts_with("key_context.") && p.message.starts_with("expected a string"));
    match error.code {
        Code::KeyContextTooLarge => Refusal::new(status, "maximum key context size exceeded"),
        Code::InvalidKeyContext if non_string => {
            Refusal::new(status, ["invalid key context: non-string value: ", &error.message()].concat())
        }
        Code::InvalidKeyContext => Refusal::new(status, ["invalid key context: ", &error.message()].concat()),
        _ => Refusal::new(status, error.message()),
    }
}
