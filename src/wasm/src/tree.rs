//! JavaScript values as core sees them. Whatever a getter, a proxy or a foreign object throws is caught here: an
//! exception that runs through Rust would leave a call without an end.

use js_sys::{Array, ArrayBuffer, Date, Function, JsString, Map, Promise, Reflect, Uint8Array};
use vault_core::tree::{Kind, Tree};
use wasm_bindgen::prelude::*;
use web_sys::Headers;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Object, js_name = entries, catch)]
    fn object_entries(object: &JsValue) -> Result<Array, JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = keys, catch)]
    fn object_keys(object: &JsValue) -> Result<Array, JsValue>;
    /// A `Uint8Array` made of another: throws for one whose buffer is gone.
    #[wasm_bindgen(js_name = Uint8Array)]
    type Copied;
    #[wasm_bindgen(constructor, js_class = "Uint8Array", catch)]
    fn new(bytes: &JsValue) -> Result<Copied, JsValue>;
    /// Throws for a revoked proxy.
    #[wasm_bindgen(js_namespace = Array, js_name = isArray, catch)]
    fn is_array(value: &JsValue) -> Result<bool, JsValue>;
}

/// A value, or the reason why it could not be read.
#[derive(Clone)]
pub(crate) enum Node {
    /// What a caller gave: looked at with suspicion.
    Given(JsValue),
    /// What `JSON.parse` made: plain data.
    Parsed(JsValue),
    Unreadable(&'static str),
}

impl From<JsValue> for Node {
    fn from(value: JsValue) -> Self {
        Node::Given(value)
    }
}

const THREW: &str = "a property whose getter threw";
const LONE_SURROGATE: &str = "a string with half a character (a lone surrogate)";

impl Node {
    fn value(&self) -> Option<&JsValue> {
        match self {
            Node::Given(value) | Node::Parsed(value) => Some(value),
            Node::Unreadable(_) => None,
        }
    }

    /// A value of the same origin.
    fn like(&self, value: JsValue) -> Node {
        if matches!(self, Node::Parsed(_)) { Node::Parsed(value) } else { Node::Given(value) }
    }

    /// The value; `undefined` where it could not be read.
    pub(crate) fn js(&self) -> JsValue {
        self.value().cloned().unwrap_or(JsValue::UNDEFINED)
    }

    /// A copy of the bytes, where the value is some: what the caller does with theirs afterwards does not count.
    pub(crate) fn bytes(&self) -> Option<Uint8Array> {
        let value = self.value().filter(|value| value.is_instance_of::<Uint8Array>())?;
        Copied::new(value).ok().map(JsCast::unchecked_into)
    }

    /// What a method of the value returns; nothing where there is none or it throws.
    fn call(&self, name: &str) -> Option<JsValue> {
        let value = self.value()?;
        let method: Function = Reflect::get(value, &name.into()).ok()?.dyn_into().ok()?;
        method.call0(value).ok()
    }

    /// The milliseconds of a valid `Date`.
    pub(crate) fn date_ms(&self) -> Option<f64> {
        self.value().filter(|value| value.is_instance_of::<Date>())?;
        self.call("getTime")?.as_f64().filter(|ms| !ms.is_nan())
    }

    /// What an object of its own class stands for: `KeyContext` and the like have a `toJSON`.
    fn plain(&self) -> Node {
        let Node::Given(value) = self else { return self.clone() };
        match Reflect::get(value, &"toJSON".into()) {
            Ok(method) => match method.dyn_ref::<Function>() {
                Some(method) => {
                    method.call0(value).map_or(Node::Unreadable("an object whose toJSON threw"), Node::Given)
                }
                None => self.clone(),
            },
            Err(_) => Node::Unreadable(THREW),
        }
    }
}

impl Tree for Node {
    type Text = JsValue;
    type Time = Date;

    fn kind(&self) -> Kind {
        let value = match self {
            Node::Given(value) | Node::Parsed(value) => value,
            Node::Unreadable(why) => return Kind::Unreadable(why),
        };
        if value.is_undefined() {
            Kind::Missing
        } else if value.is_null() {
            Kind::Null
        } else if value.is_string() {
            if self.text().is_some() { Kind::Text } else { Kind::Unreadable(LONE_SURROGATE) }
        } else if let Some(b) = value.as_bool() {
            Kind::Bool(b)
        } else if value.is_bigint() {
            Kind::Other("a bigint; write it as a string")
        } else if let Some(n) = value.as_f64() {
            Kind::Number(n)
        } else if value.is_function() {
            Kind::Other("a function")
        } else if value.is_symbol() {
            Kind::Other("a symbol")
        } else {
            match is_array(value) {
                Ok(true) => Kind::Array,
                Ok(false) if matches!(self, Node::Parsed(_)) => Kind::Object,
                Ok(false) => class(value),
                Err(_) => Kind::Unreadable("a proxy that was revoked"),
            }
        }
    }

    fn member(&self, name: &str) -> Self {
        match self.value() {
            Some(value) if value.is_object() => {
                Reflect::get(value, &name.into()).map_or(Node::Unreadable(THREW), |member| self.like(member))
            }
            Some(_) => self.like(JsValue::UNDEFINED),
            None => self.clone(),
        }
    }

    fn names(&self) -> Option<Vec<String>> {
        let names = object_keys(self.value().filter(|value| value.is_object())?).ok()?;
        Some(names.iter().filter_map(|name| name.as_string()).collect())
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let plain = self.plain();
        if plain.kind() != Kind::Object {
            return None;
        }
        let entries = object_entries(plain.value()?).ok()?;
        let mut out = Vec::with_capacity(entries.length() as usize);
        for entry in entries.iter() {
            let entry: &Array = entry.unchecked_ref();
            let (name, value) = (self.like(entry.get(0)), self.like(entry.get(1)));
            out.push(match name.string() {
                Some(name) => (name, value),
                None => (
                    String::from('\u{fffd}'),
                    Node::Unreadable("a name with half a character (a lone surrogate)"),
                ),
            });
        }
        Some(out)
    }

    fn items(&self) -> Option<Vec<Self>> {
        if self.kind() != Kind::Array {
            return None;
        }
        let items: &Array = self.value()?.unchecked_ref();
        Some(items.iter().map(|item| self.like(item)).collect())
    }

    fn text(&self) -> Option<JsValue> {
        let value = self.value()?;
        // On its way into this module a lone surrogate would silently become U+FFFD.
        let whole = || matches!(self, Node::Parsed(_)) || value.unchecked_ref::<JsString>().is_well_formed();
        (value.is_string() && whole()).then(|| value.clone())
    }

    fn string(&self) -> Option<String> {
        self.text()?.as_string()
    }

    fn time(&self) -> Option<Date> {
        let date = Date::new(&self.text()?);
        (!date.get_time().is_nan()).then_some(date)
    }

    fn time_text(&self) -> Option<String> {
        if self.value()?.is_instance_of::<Date>() {
            self.date_ms()?;
            return self.call("toISOString")?.as_string();
        }
        self.time()?;
        let text = self.string()?;
        // `Date` also parses "1 June 2024"; the service wants RFC 3339.
        let bytes = text.as_bytes();
        let rfc3339 = bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':';
        rfc3339.then_some(text)
    }
}

/// What an object is that is no array. Those that keep what they hold elsewhere than in properties would
/// otherwise pass for empty.
fn class(value: &JsValue) -> Kind {
    if value.is_instance_of::<Date>() {
        Kind::Other("a Date")
    } else if value.is_instance_of::<Uint8Array>() {
        Kind::Other("bytes, or bytes whose buffer is gone")
    } else if value.is_instance_of::<ArrayBuffer>() {
        Kind::Other("an ArrayBuffer; pass new Uint8Array of it")
    } else if value.is_instance_of::<Promise>() {
        Kind::Other("a Promise; await it first")
    } else if value.is_instance_of::<Map>() || value.is_instance_of::<Headers>() {
        Kind::Other("a Map or Headers; pass Object.fromEntries of it")
    } else {
        Kind::Object
    }
}
