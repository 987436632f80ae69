//! Key contexts for JavaScript: checked, built step by step, explained.

// wasm-bindgen hands values over; what is not kept is dropped here.
#![allow(clippy::needless_pass_by_value)]

use crate::failure::{Failure, object};
use crate::tree::Node;
use js_sys::{Array, Object};
use vault_core::explain::{Explanation, explain};
use vault_core::strategy::{self, Rotation, rotation_period};
use vault_core::{Code, Error, KeyContext};
use wasm_bindgen::prelude::*;

fn context(value: &JsValue) -> Result<KeyContext, Failure> {
    Ok(KeyContext::from_tree(&Node::from(value.clone()))?)
}

/// Own properties even where a name is `__proto__`.
pub(crate) fn to_js(context: &KeyContext) -> Result<JsValue, JsValue> {
    let entries = Array::new();
    for (name, value) in context.iter() {
        entries.push(&Array::of2(&name.into(), &value.into()));
    }
    Object::from_entries(&entries).map(Into::into)
}

/// Checks a context and returns a plain copy of it.
#[wasm_bindgen(js_name = checkContext)]
pub fn check_context(value: JsValue) -> Result<JsValue, JsValue> {
    to_js(&context(&value)?)
}

/// A text that equal contexts share.
#[wasm_bindgen(js_name = canonicalContext)]
pub fn canonical_context(value: JsValue) -> Result<String, JsValue> {
    Ok(context(&value)?.canonical_json())
}

/// Adds items to a context, which may be `undefined`, and returns a plain copy.
#[wasm_bindgen(js_name = extendContext)]
pub fn extend_context(base: JsValue, names: Vec<JsValue>, values: Vec<JsValue>) -> Result<JsValue, JsValue> {
    let mut built = if base.is_undefined() { None } else { Some(context(&base)?) };
    for (name, value) in names.iter().zip(&values) {
        // One item alone is checked first, so that a wrong type is told under its name.
        let item = Object::from_entries(&Array::of1(&Array::of2(name, value)))?;
        let item = context(&item.into())?;
        let Some((name, text)) = item.iter().next() else { continue };
        built = Some(match built {
            Some(built) if name == strategy::ROTATION_PERIOD => {
                built.with_rotation(text).map_err(Failure::from)?
            }
            Some(built) => built.with(name, text).map_err(Failure::from)?,
            None => item,
        });
    }
    match built {
        Some(built) => to_js(&built),
        None => Ok(base),
    }
}

/// The rotation period of a date.
#[wasm_bindgen(js_name = rotationPeriod)]
pub fn rotation_period_of(date: JsValue, every: JsValue) -> Result<String, JsValue> {
    let wrong = |field: &str, message: &str| {
        JsValue::from(Failure::from(Error::about_field(Code::InvalidRequest, field, message)))
    };
    let every = match (every.is_undefined(), every.as_string().as_deref().and_then(Rotation::parse)) {
        (true, _) => Rotation::Quarter,
        (false, Some(every)) => every,
        (false, None) => return Err(wrong("every", "expected \"year\", \"quarter\" or \"month\"")),
    };
    #[allow(clippy::cast_possible_truncation)]
    let period = Node::from(date).date_ms().and_then(|ms| rotation_period(ms as i64, every));
    period.ok_or_else(|| wrong("date", "expected a valid Date in the years 0 to 9999"))
}

/// Explains a context.
#[wasm_bindgen(js_name = explainContext)]
pub fn explain_context(value: JsValue) -> Result<JsValue, JsValue> {
    let Explanation { keks, isolation, patterns, key_owner, lints } = explain(&context(&value)?);
    let text = |text: &str| JsValue::from_str(text);
    let keks = keks.iter().map(|kek| {
        object(&[
            ("name", text(&kek.name)),
            ("value", text(&kek.value)),
            ("customerKeyCanApply", kek.customer_key_can_apply.into()),
        ])
    });
    let lints = lints.iter().map(|lint| {
        object(&[
            ("level", text(lint.level.as_str())),
            ("code", text(lint.code)),
            ("field", text(&lint.field)),
            ("message", text(&lint.message)),
        ])
    });
    Ok(object(&[
        ("keks", keks.collect::<Array>().into()),
        ("isolation", text(isolation.as_str())),
        ("patterns", patterns.iter().map(|name| text(name)).collect::<Array>().into()),
        ("keyOwner", text(key_owner.as_str())),
        ("lints", lints.collect::<Array>().into()),
    ]))
}
