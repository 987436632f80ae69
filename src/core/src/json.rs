//! Wire data as an owned tree, for hosts that are not JavaScript: the emulator, tests, native programs.
//!
//! Unlike `serde_json::Value` it keeps the order of members and every duplicate, so that a key context that
//! names an item twice is seen to do so.

use crate::http::quote;
use crate::reader::Reader;
use crate::time::Timestamp;
use crate::tree::{Kind, Tree};
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use serde::de::{MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Not there. Never parsed, never written.
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list.
    Array(Vec<Json>),
    /// Members in order, duplicates included.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses JSON text. Nesting is limited to 128 levels.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Json::Text(text.into())
    }

    /// An object of these members, without those that are missing.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        let present = members.into_iter().filter(|(_, value)| *value != Json::Missing);
        Json::Object(present.map(|(name, value)| (name.into(), value)).collect())
    }

    /// Writes JSON text.
    pub fn write(&self, out: &mut String) {
        match self {
            Json::Missing | Json::Null => out.push_str("null"),
            Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            #[allow(clippy::cast_possible_truncation)]
            Json::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => out.push_str(&(*n as i64).to_string()),
            Json::Number(n) => write_fraction(*n, out),
            Json::Text(text) => quote(text, out),
            Json::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// A number in its shortest decimal form that is read as the same number, where that has at most 15 digits, and as many
/// places; what has more is cut off. A library for all doubles brings ten kilobytes of tables.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::float_cmp
)]
fn write_fraction(n: f64, out: &mut String) {
    if !n.is_finite() || n.abs() >= 9e15 {
        return out.push_str("null");
    }
    let (mut places, mut scale) = (0, 1.0);
    // Both are exact, so their quotient is what a reader makes of the digits.
    while scale < 1e15 && n.abs() * scale < 1e15 && (n * scale).round() / scale != n {
        (places, scale) = (places + 1, scale * 10.0);
    }
    let scaled = (n.abs() * scale).round() as u64;
    let unit = scale as u64;
    let sign = if n < 0.0 { "-" } else { "" };
    let text = format!("{sign}{}.{:0places$}", scaled / unit, scaled % unit);
    out.push_str(text.strip_suffix(".0").unwrap_or(&text));
}

/// What is not there.
const MISSING: &Json = &Json::Missing;

impl Json {
    fn members(&self) -> &[(String, Json)] {
        if let Json::Object(members) = self { members } else { &[] }
    }
}

impl<'a> Tree<'a> for &'a Json {
    fn kind(self) -> Kind {
        match self {
            Json::Missing => Kind::Missing,
            Json::Null => Kind::Null,
            Json::Bool(_) => Kind::Bool,
            Json::Number(_) => Kind::Number,
            Json::Text(_) => Kind::Text,
            Json::Array(_) => Kind::Array,
            Json::Object(_) => Kind::Object,
        }
    }

    fn describe(self) -> String {
        match self {
            Json::Missing => "nothing".into(),
            Json::Null => "null".into(),
            Json::Bool(b) => b.to_string(),
            Json::Number(n) => shown(*n).unwrap_or_else(|| "a number".into()),
            Json::Text(_) => "a string".into(),
            Json::Array(_) => "an array".into(),
            Json::Object(_) => "an object".into(),
        }
    }

    fn text(self) -> Option<&'a str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn whole(self) -> Option<u64> {
        match self {
            Json::Number(n) if (0.0..=9_007_199_254_740_992.0).contains(n) && n.fract() == 0.0 => {
                Some(*n as u64)
            }
            _ => None,
        }
    }

    fn time(self) -> Option<&'a str> {
        self.text().filter(|text| Timestamp::parse(text).is_some())
    }

    fn member(self, name: &str) -> Self {
        // The last one counts, as JavaScript has it.
        self.members().iter().rev().find(|(n, _)| n == name).map_or(MISSING, |(_, value)| value)
    }

    fn names(self) -> impl Iterator<Item = &'a str> {
        self.members().iter().map(|(name, _)| name.as_str())
    }

    fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.members().iter().map(|(name, value)| (name.as_str(), value))
    }

    fn items(self) -> impl Iterator<Item = Self> {
        if let Json::Array(items) = self { items.as_slice() } else { &[] }.iter()
    }
}

/// A number in decimal, where three places are enough to show it: what people pass by mistake.
#[allow(clippy::cast_possible_truncation)]
fn shown(n: f64) -> Option<String> {
    if n.is_nan() {
        return Some("number NaN".into());
    }
    let thousandths = (n.abs() * 1000.0).round();
    #[allow(clippy::float_cmp)] // It is that number, or it is not.
    if n.abs() >= 1e12 || thousandths / 1000.0 != n.abs() {
        return None;
    }
    let (sign, thousandths) = (if n < 0.0 { "-" } else { "" }, thousandths as i64);
    let text = format!("number {sign}{}.{:03}", thousandths / 1000, thousandths % 1000);
    Some(text.trim_end_matches('0').trim_end_matches('.').into())
}

/// Reads members of a JSON object.
pub type JsonReader<'a> = Reader<'a, &'a Json>;

impl JsonReader<'_> {
    /// A boolean that must be there.
    pub fn bool(&mut self, name: &str) -> Option<bool> {
        if let Json::Bool(b) = self.member(name) {
            return Some(*b);
        }
        self.wrong(name, "true or false");
        None
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Json, E> {
        Ok(Json::Bool(b))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Json, E> {
        Ok(Json::Number(n))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(Json::Number(n as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(Json::Number(n as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

impl<'de> serde::Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

impl serde::Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Missing | Json::Null => serializer.serialize_unit(),
            Json::Bool(b) => serializer.serialize_bool(*b),
            Json::Number(n) => serializer.serialize_f64(*n),
            Json::Text(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

mod wire {
    //! Results as the service writes them: results of [`crate::objects`] and [`crate::keys`].

    use super::Json;
    use crate::error::Error;
    use crate::keys::{DataKey, DataKeyPair};
    use crate::objects::{Object, ObjectMetadata, ObjectSummary, ObjectVersion, Page};
    use crate::time::Timestamp;
    use alloc::string::String;

    fn optional(text: Option<&String>) -> Json {
        text.map_or(Json::Null, |text| Json::text(text.as_str()))
    }

    fn context(items: &[(String, String)]) -> Json {
        Json::Object(items.iter().map(|(name, value)| (name.clone(), Json::text(value.as_str()))).collect())
    }

    /// A result that the service writes as JSON.
    pub trait ToWire {
        /// The JSON.
        fn to_wire(&self) -> Json;
    }

    impl ToWire for ObjectMetadata<String, Timestamp> {
        fn to_wire(&self) -> Json {
            let actor =
                [("id", Json::text(&*self.updated_by.id)), ("name", Json::text(&*self.updated_by.name))];
            Json::object([
                ("id", Json::text(&*self.id)),
                ("environment_id", Json::text(&*self.environment_id)),
                ("context", context(&self.context)),
                ("key_id", Json::text(&*self.key_id)),
                ("updated_at", Json::text(self.updated_at.as_str())),
                ("updated_by", Json::object(actor)),
                ("version_id", optional(self.version_id.as_ref())),
            ])
        }
    }

    impl ToWire for Object<String, Timestamp> {
        fn to_wire(&self) -> Json {
            Json::object([
                ("id", Json::text(&*self.id)),
                ("name", Json::text(&*self.name)),
                ("value", self.value.as_ref().map_or(Json::Missing, |value| Json::text(value.as_str()))),
                ("metadata", self.metadata.to_wire()),
            ])
        }
    }

    impl ToWire for ObjectSummary<String, Timestamp> {
        fn to_wire(&self) -> Json {
            let updated_at = self.updated_at.as_ref().map_or(Json::Null, |at| Json::text(at.as_str()));
            Json::object([
                ("id", Json::text(&*self.id)),
                ("name", Json::text(&*self.name)),
                ("updated_at", updated_at),
            ])
        }
    }

    impl ToWire for ObjectVersion<String, Timestamp> {
        #[allow(clippy::cast_precision_loss)]
        fn to_wire(&self) -> Json {
            Json::object([
                ("id", Json::text(&*self.id)),
                ("created_at", Json::text(self.created_at.as_str())),
                ("current_version", Json::Bool(self.current_version)),
                ("size", Json::Number(self.size as f64)),
                ("etag", Json::text(&*self.etag)),
            ])
        }
    }

    impl<R: ToWire> ToWire for Page<R, String> {
        fn to_wire(&self) -> Json {
            let cursors =
                [("before", optional(self.before.as_ref())), ("after", optional(self.after.as_ref()))];
            Json::object([
                ("data", Json::Array(self.data.iter().map(ToWire::to_wire).collect())),
                ("list_metadata", Json::object(cursors)),
            ])
        }
    }

    impl ToWire for DataKey<String> {
        fn to_wire(&self) -> Json {
            Json::object([("id", Json::text(&*self.id)), ("data_key", Json::text(&*self.key))])
        }
    }

    impl ToWire for DataKeyPair<String> {
        fn to_wire(&self) -> Json {
            Json::object([
                ("id", Json::text(&*self.data_key.id)),
                ("data_key", Json::text(&*self.data_key.key)),
                ("encrypted_keys", Json::text(&*self.encrypted_keys)),
                ("context", context(&self.context)),
            ])
        }
    }

    impl ToWire for Error {
        fn to_wire(&self) -> Json {
            Json::object([("error", Json::text(self.message()))])
        }
    }
}

pub use wire::ToWire;
