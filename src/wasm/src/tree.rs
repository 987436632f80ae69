//! JavaScript values as core sees them.

use js_sys::{Array, Date, Function, JsString, Reflect, Uint8Array};
use vault_core::tree::{Kind, Tree};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `Object.entries`, whose getters and proxies may throw.
    #[wasm_bindgen(js_namespace = Object, js_name = entries, catch)]
    fn object_entries(object: &JsValue) -> Result<Array, JsValue>;
}

/// A value, or the reason why it could not be read.
#[derive(Clone)]
pub(crate) enum Node {
    Value(JsValue),
    Unreadable(&'static str),
}

impl From<JsValue> for Node {
    fn from(value: JsValue) -> Self {
        Node::Value(value)
    }
}

const THREW: &str = "a property whose getter threw";
const LONE_SURROGATE: &str = "a string with half a character (a lone surrogate)";

impl Node {
    /// The value; `undefined` where it could not be read.
    pub(crate) fn js(&self) -> JsValue {
        match self {
            Node::Value(value) => value.clone(),
            Node::Unreadable(_) => JsValue::UNDEFINED,
        }
    }

    /// The bytes, where the value is some.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Node::Value(value) => value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
            Node::Unreadable(_) => None,
        }
    }

    /// What an object of its own class stands for: `KeyContext` and the like have a `toJSON`.
    fn plain(&self) -> Node {
        let Node::Value(value) = self else { return self.clone() };
        if !value.is_object() {
            return self.clone();
        }
        match Reflect::get(value, &"toJSON".into()) {
            Ok(method) => match method.dyn_ref::<Function>() {
                Some(method) => method.call0(value).map_or(Node::Unreadable("an object whose toJSON threw"), Node::Value),
                None => self.clone(),
            },
            Err(_) => Node::Unreadable(THREW),
        }
    }
}

fn is_whole(text: &str, value: &JsValue) -> bool {
    // A lone surrogate became U+FFFD on its way here; only then is the slow check worth its while.
    !text.contains('\u{fffd}') || value.unchecked_ref::<JsString>().is_valid_utf16()
}

impl Tree for Node {
    type Text = JsValue;
    type Time = Date;

    fn kind(&self) -> Kind {
        let value = match self {
            Node::Value(value) => value,
            Node::Unreadable(why) => return Kind::Unreadable(why),
        };
        if value.is_undefined() {
            Kind::Missing
        } else if value.is_null() {
            Kind::Null
        } else if value.is_string() {
            match value.as_string() {
                Some(text) if !is_whole(&text, value) => Kind::Unreadable(LONE_SURROGATE),
                _ => Kind::Text,
            }
        } else if let Some(b) = value.as_bool() {
            Kind::Bool(b)
        } else if let Some(n) = value.as_f64() {
            Kind::Number(n)
        } else if Array::is_array(value) {
            Kind::Array
        } else if value.is_function() {
            Kind::Other("a function")
        } else if value.is_symbol() {
            Kind::Other("a symbol")
        } else if value.is_bigint() {
            Kind::Other("a bigint; write it as a string")
        } else if value.is_instance_of::<Date>() {
            Kind::Other("a Date")
        } else if value.is_instance_of::<Uint8Array>() {
            Kind::Other("bytes")
        } else if value.is_instance_of::<js_sys::Map>() {
            Kind::Other("a Map; pass Object.fromEntries(map)")
        } else {
            Kind::Object
        }
    }

    fn member(&self, name: &str) -> Self {
        match self {
            Node::Value(value) if value.is_object() => {
                Reflect::get(value, &name.into()).map_or(Node::Unreadable(THREW), Node::Value)
            }
            Node::Value(_) => Node::Value(JsValue::UNDEFINED),
            Node::Unreadable(_) => self.clone(),
        }
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let Node::Value(value) = self.plain() else { return None };
        let entries = object_entries(&value).ok()?;
        let mut out = Vec::with_capacity(entries.length() as usize);
        for entry in entries.iter() {
            let entry: &Array = entry.unchecked_ref();
            let (name, value) = (entry.get(0), entry.get(1));
            let text = name.as_string()?;
            let value = if is_whole(&text, &name) { Node::Value(value) } else { Node::Unreadable(LONE_SURROGATE) };
            out.push((text, value));
        }
        Some(out)
    }

    fn items(&self) -> Option<Vec<Self>> {
        let Node::Value(value) = self else { return None };
        value.dyn_ref::<Array>().map(|items| items.iter().map(Node::Value).collect())
    }

    fn text(&self) -> Option<JsValue> {
        match self {
            Node::Value(value) if value.is_string() => Some(value.clone()),
            _ => None,
        }
    }

    fn string(&self) -> Option<String> {
        let Node::Value(value) = self else { return None };
        let text = value.as_string()?;
        is_whole(&text, value).then_some(text)
    }

    fn time(&self) -> Option<Date> {
        let date = Date::new(&self.text()?);
        (!date.get_time().is_nan()).then_some(date)
    }

    fn time_text(&self) -> Option<String> {
        let Node::Value(value) = self else { return None };
        if let Some(date) = value.dyn_ref::<Date>() {
            // `toISOString` throws on an invalid Date.
            return (!date.get_time().is_nan()).then(|| date.to_iso_string().into());
        }
        self.time()?;
        let text = self.string()?;
        // `Date` also parses "1 June 2024"; the service wants RFC 3339.
        let bytes = text.as_bytes();
        let rfc3339 = bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':';
        rfc3339.then_some(text)
    }
}
