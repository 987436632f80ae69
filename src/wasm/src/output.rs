//! Core's results as plain JavaScript objects: camelCase, `Date`s, as the official SDK has them.

use crate::failure::as_number;
use crate::tree::Node;
use js_sys::{Array, Date, Object, Reflect};
use vault_core::events::Event;
use vault_core::keys::{DataKey, DataKeyPair};
use vault_core::objects::{Object as VaultObject, ObjectMetadata, ObjectSummary, ObjectVersion, Page};
use wasm_bindgen::JsValue;

/// A plain object under construction.
pub(crate) struct Out(Object);

impl Out {
    pub(crate) fn new() -> Self {
        Out(Object::new())
    }

    /// Sets an own property of a fresh plain object, which cannot fail.
    pub(crate) fn set(self, name: &str, value: impl Into<JsValue>) -> Self {
        let _ = Reflect::set(&self.0, &name.into(), &value.into());
        self
    }
}

impl From<Out> for JsValue {
    fn from(out: Out) -> Self {
        out.0.into()
    }
}

/// A map of strings. `Object.fromEntries` makes own properties even of `__proto__`.
fn map(items: Vec<(String, JsValue)>) -> JsValue {
    let entries = Array::new();
    for (name, value) in items {
        entries.push(&Array::of2(&name.into(), &value));
    }
    Object::from_entries(&entries).map_or(JsValue::UNDEFINED, Into::into)
}

pub(crate) fn metadata(metadata: ObjectMetadata<JsValue, Date>) -> JsValue {
    Out::new()
        .set("id", metadata.id)
        .set("environmentId", metadata.environment_id)
        .set("context", map(metadata.context))
        .set("keyId", metadata.key_id)
        .set("updatedAt", metadata.updated_at)
        .set("updatedBy", Out::new().set("id", metadata.updated_by.id).set("name", metadata.updated_by.name))
        .set("versionId", metadata.version_id.unwrap_or(JsValue::NULL))
        .into()
}

/// An object; `value` is there, and `undefined`, where the operation does not return it.
pub(crate) fn object(object: VaultObject<JsValue, Date>) -> JsValue {
    Out::new()
        .set("id", object.id)
        .set("name", object.name)
        .set("value", object.value.unwrap_or(JsValue::UNDEFINED))
        .set("metadata", metadata(object.metadata))
        .into()
}

pub(crate) fn summaries(page: Page<ObjectSummary<JsValue, Date>, JsValue>) -> JsValue {
    let data: Array = page
        .data
        .into_iter()
        .map(|item| {
            let updated_at = item.updated_at.map_or(JsValue::NULL, Into::into);
            JsValue::from(Out::new().set("id", item.id).set("name", item.name).set("updatedAt", updated_at))
        })
        .collect();
    list(data, page.before, page.after)
}

fn list(data: Array, before: Option<JsValue>, after: Option<JsValue>) -> JsValue {
    let cursors = Out::new()
        .set("before", before.unwrap_or(JsValue::NULL))
        .set("after", after.unwrap_or(JsValue::NULL));
    Out::new().set("data", data).set("listMetadata", cursors).into()
}

pub(crate) fn events(page: Page<Event<JsValue, Date, Node>, JsValue>) -> JsValue {
    let data: Array = page
        .data
        .into_iter()
        .map(|event| {
            let out = Out::new().set("id", event.id).set("event", event.event);
            JsValue::from(out.set("createdAt", event.created_at).set("data", event.data.js()))
        })
        .collect();
    list(data, page.before, page.after)
}

pub(crate) fn versions(page: Page<ObjectVersion<JsValue, Date>, JsValue>) -> JsValue {
    let versions: Array = page
        .data
        .into_iter()
        .map(|version| {
            JsValue::from(
                Out::new()
                    .set("id", version.id)
                    .set("createdAt", version.created_at)
                    .set("currentVersion", version.current_version)
                    .set("size", as_number(version.size))
                    .set("etag", version.etag),
            )
        })
        .collect();
    versions.into()
}

pub(crate) fn data_key(key: DataKey<JsValue>) -> Out {
    Out::new().set("key", key.key).set("id", key.id)
}

/// `createDataKey`'s shape: the key as a `{key, id}`.
pub(crate) fn pair(pair: DataKeyPair<JsValue>) -> JsValue {
    Out::new()
        .set("context", map(pair.context))
        .set("dataKey", data_key(pair.data_key))
        .set("encryptedKeys", pair.encrypted_keys)
        .into()
}

/// `createRekey`'s shape: the key as a string, its ID beside it.
pub(crate) fn rekeyed(pair: DataKeyPair<JsValue>) -> JsValue {
    Out::new()
        .set("context", map(pair.context))
        .set("dataKey", pair.data_key.key)
        .set("encryptedKeys", pair.encrypted_keys)
        .set("id", pair.data_key.id)
        .into()
}
