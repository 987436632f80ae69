//! Which operation a method and a path mean, with its arguments checked.

use crate::{Refusal, Request};
use percent_encoding::percent_decode_str;
use vault_core::error::{Error, Fault};
use vault_core::json::Json;
use vault_core::keys::{CreateRekey, DecryptDataKey};
use vault_core::names::{ObjectId, ObjectName, VersionId};
use vault_core::objects::{CreateObject, DeleteObject, ListObjects, UpdateObject};
use vault_core::tree::Tree;
use vault_core::{Code, KeyContext};

/// An operation, ready to run.
pub(crate) enum Operation {
    Create(CreateObject<String>),
    List(ListObjects),
    Read(ObjectId),
    ReadByName(ObjectName),
    Describe(ObjectId),
    Versions(ObjectId),
    Update(UpdateObject<String>),
    Delete(DeleteObject),
    CreateDataKey(KeyContext),
    DecryptDataKey(DecryptDataKey),
    Rekey(CreateRekey),
}

pub(crate) fn route(request: &Request<'_>) -> Result<Operation, Refusal> {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let mut segments = Vec::new();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        segments.push(decode(segment)?);
    }
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method;
    match segments[..] {
        ["vault", "v1", "kv"] => match method {
            "POST" => Ok(Operation::Create(CreateObject::from_wire(&body(request)?).map_err(refuse)?)),
            "GET" => Ok(Operation::List(ListObjects::from_query(&parse_query(query)?).map_err(refuse)?)),
            _ => Err(not_allowed("GET, POST")),
        },
        ["vault", "v1", "kv", "name", name] => match method {
            "GET" => Ok(Operation::ReadByName(check(ObjectName::new("name", name.to_owned()))?)),
            _ => Err(not_allowed("GET")),
        },
        ["vault", "v1", "kv", id] => {
            let id = check(ObjectId::new("id", id.to_owned()))?;
            match method {
                "GET" => Ok(Operation::Read(id)),
                "PUT" => Ok(Operation::Update(UpdateObject::from_wire(id, &body(request)?).map_err(refuse)?)),
                "DELETE" => {
                    let version = parse_query(query)?.member("version_check").string();
                    let version_check = match version.filter(|version| !version.is_empty()) {
                        Some(version) => Some(check(VersionId::new("version_check", version))?),
                        None => None,
                    };
                    Ok(Operation::Delete(DeleteObject { id, version_check }))
                }
                _ => Err(not_allowed("GET, PUT, DELETE")),
            }
        }
        ["vault", "v1", "kv", id, rest @ ("metadata" | "versions")] => {
            let id = check(ObjectId::new("id", id.to_owned()))?;
            match (method, rest) {
                ("GET", "metadata") => Ok(Operation::Describe(id)),
                ("GET", _) => Ok(Operation::Versions(id)),
                _ => Err(not_allowed("GET")),
            }
        }
        ["vault", "v1", "keys", operation @ ("data-key" | "decrypt" | "rekey")] => {
            if method != "POST" {
                return Err(not_allowed("POST"));
            }
            let body = body(request)?;
            match operation {
                "data-key" => KeyContext::from_tree(&body.member("context"))
                    .map(Operation::CreateDataKey)
                    .map_err(refuse),
                "decrypt" => DecryptDataKey::from_wire(&body).map(Operation::DecryptDataKey).map_err(refuse),
                _ => CreateRekey::from_wire(&body).map(Operation::Rekey).map_err(refuse),
            }
        }
        _ => Err(Refusal::new(404, "Not Found")),
    }
}

fn not_allowed(allow: &'static str) -> Refusal {
    Refusal { allow: Some(allow), ..Refusal::new(405, "Method Not Allowed") }
}

fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Refusal::new(400, "the URL is not valid UTF-8"))
}

/// A query as an object of strings, `+` meaning a space as forms have it.
fn parse_query(query: &str) -> Result<Json, Refusal> {
    let mut members = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(&value.replace('+', " "))?;
        members.push((decode(&name.replace('+', " "))?, Json::Text(value)));
    }
    Ok(Json::Object(members))
}

fn body(request: &Request<'_>) -> Result<Json, Refusal> {
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
fn refuse(error: Error) -> Refusal {
    let form = error.problems.iter().any(|problem| problem.fault == Fault::Form);
    let status = if form { 400 } else { 422 };
    let non_string = error
        .problems
        .iter()
        .any(|p| p.field.starts_with("key_context.") && p.message.starts_with("expected a string"));
    match error.code {
        Code::KeyContextTooLarge => Refusal::new(status, "maximum key context size exceeded"),
        Code::InvalidKeyContext if non_string => {
            Refusal::new(status, ["invalid key context: non-string value: ", &error.message].concat())
        }
        Code::InvalidKeyContext => Refusal::new(status, ["invalid key context: ", &error.message].concat()),
        _ => Refusal::new(status, error.message),
    }
}
