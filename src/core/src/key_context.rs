//! The key context: a small flat map of strings that chooses the keys.
//!
//! Each item (a name and its value) has a key-encrypting key (KEK) of its own, made when the item is first
//! seen. A value's data key (DEK) is wrapped once by each item's KEK.
//!
//! # Limits
//! | what | limit | source |
//! |---|---|---|
//! | items | 1 to 10 | API description, `maxProperties`; an empty context would choose no key |
//! | a name | 1 to 120 characters | Vault documentation, "Key context" |
//! | a value | 0 to 500 characters | API description, `maxLength` |
//!
//! Characters are Unicode code points, neither bytes nor UTF-16 units: `maxLength` is JSON Schema's, which
//! counts "characters as defined by RFC 8259" (JSON Schema Validation 2020-12, section 6.3.1). An emoji that
//! JavaScript's `length` counts as 2 is 1 here.
//!
//! Names and values are case-sensitive and taken as they are: nothing is trimmed or normalized, because the
//! service would take ` a` and `a` for two keys.

use crate::error::{Code, Error, Problem};
use crate::http::quote_map;
use crate::names::characters;
use crate::tree::{Kind, Tree, concat, decimal, expected, number};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// Most items in a context.
pub const ITEMS_MAX: usize = 10;
/// Most characters in an item's name.
pub const NAME_MAX: usize = 120;
/// Most characters in an item's value.
pub const VALUE_MAX: usize = 500;

/// The item that selects a customer-managed key where the organization has one.
pub const ORGANIZATION_ID: &str = "organization_id";

/// The path that problems are reported under.
const PATH: &str = "key_context";

/// A valid key context. Keeps the order it was given in; two contexts with the same items are equal.
///
/// ```
/// use vault_core::KeyContext;
///
/// let context = KeyContext::from_pairs([("organization_id", "org_123")])?.with("user_id", "user_456")?;
/// assert_eq!(context.get("user_id"), Some("user_456"));
/// assert_eq!(context, KeyContext::from_pairs([("user_id", "user_456"), ("organization_id", "org_123")])?);
/// # Ok::<(), vault_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyContext(Vec<(String, String)>);

impl KeyContext {
    /// From names and values. Reports every problem at once.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut draft = Draft::default();
        for (name, value) in pairs {
            draft.push(name.into(), Ok(value.into()));
        }
        draft.finish().map_err(invalid)
    }

    /// From JSON-like data. Reports every problem at once.
    pub fn from_tree(tree: &impl Tree) -> Result<Self, Error> {
        Self::read(tree).map_err(invalid)
    }

    pub(crate) fn read(tree: &impl Tree) -> Result<Self, Vec<Problem>> {
        let Some(entries) = tree.entries() else {
            let message = expected("an object of strings", tree.kind());
            return Err(vec![Problem::new(PATH, message)]);
        };
        let mut draft = Draft::default();
        for (name, value) in entries {
            let value = value.string().ok_or_else(|| value.kind());
            draft.push(name, value);
        }
        draft.finish()
    }

    /// The same context with one more item; the same item again changes nothing, another value for a name
    /// that is there is an error.
    pub fn with(&self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, Error> {
        let (name, value) = (name.into(), value.into());
        if self.get(&name) == Some(value.as_str()) {
            return Ok(self.clone());
        }
        KeyContext::from_pairs(self.0.iter().cloned().chain([(name, value)]))
    }

    /// Items in the order they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// How many items there are: 1 to 10.
    #[allow(clippy::len_without_is_empty)] // A context is never empty.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Items sorted by name, by Unicode code points.
    pub fn canonical(&self) -> Vec<(&str, &str)> {
        let mut items: Vec<(&str, &str)> = self.iter().collect();
        // There are ten at most: the library's sort would be most of this module's code.
        for end in 1..items.len() {
            for at in (0..end).rev() {
                if items[at] > items[at + 1] {
                    items.swap(at, at + 1);
                }
            }
        }
        items
    }

    /// A JSON object, in the order that was given.
    pub fn json(&self) -> String {
        let mut out = String::new();
        quote_map(self.iter(), &mut out);
        out
    }

    /// A text that two contexts share exactly if they are equal: a JSON object with sorted names. Meant for
    /// cache keys.
    pub fn canonical_json(&self) -> String {
        let mut out = String::new();
        quote_map(self.canonical(), &mut out);
        out
    }
}

impl PartialEq for KeyContext {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for KeyContext {}

impl Hash for KeyContext {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

/// One error for all problems, under the code of the gravest: a context that is only too large has a code of
/// its own, as the service's answer does.
pub(crate) fn invalid(problems: Vec<Problem>) -> Error {
    let too_large = |problem: &Problem| problem.field == PATH && problem.message.starts_with(TOO_LARGE);
    let only_too_large = problems.iter().all(too_large);
    let code = if only_too_large { Code::KeyContextTooLarge } else { Code::InvalidKeyContext };
    Error::invalid(code, problems)
}

const TOO_LARGE: &str = "at most 10 items";

#[derive(Default)]
struct Draft {
    items: Vec<(String, String)>,
    seen: usize,
    problems: Vec<Problem>,
}

impl Draft {
    fn push(&mut self, name: String, value: Result<String, Kind>) {
        self.seen += 1;
        let field = concat(&[PATH, ".", &name]);
        let mut limit = |message: String| self.problems.push(Problem::limit(&field, message));
        if name.is_empty() {
            limit("a name has at least 1 character, this one is empty".into());
        }
        let length = characters(&name);
        if length > NAME_MAX {
            limit(too_long("a name", NAME_MAX, length));
        }
        match value {
            Err(kind) => {
                let advice = advice(&kind);
                let message = concat(&[&expected("a string", kind), &advice]);
                self.problems.push(Problem::new(&field, message));
            }
            Ok(value) => {
                let length = characters(&value);
                if length > VALUE_MAX {
                    limit(too_long("a value", VALUE_MAX, length));
                }
                if name == ORGANIZATION_ID && value.is_empty() {
                    let message = "no organization has an empty ID; is a variable not set?";
                    self.problems.push(Problem::new(&field, message));
                }
                if self.items.iter().any(|(n, _)| *n == name) {
                    let message = "this name stands twice; each name may have one value";
                    self.problems.push(Problem::new(&field, message));
                }
                // Memory stays bounded whatever comes in; what is past the limit is only counted.
                if self.items.len() <= ITEMS_MAX {
                    self.items.push((name, value));
                }
            }
        }
    }

    fn finish(mut self) -> Result<KeyContext, Vec<Problem>> {
        if self.seen == 0 {
            self.problems.push(Problem::limit(PATH, "expected 1 to 10 items, got none"));
        }
        if self.seen > ITEMS_MAX {
            let message = concat(&[TOO_LARGE, " are allowed, got ", &decimal(self.seen as u64)]);
            self.problems.push(Problem::limit(PATH, message));
        }
        if self.problems.is_empty() { Ok(KeyContext(self.items)) } else { Err(self.problems) }
    }
}

fn too_long(what: &str, max: usize, got: usize) -> String {
    concat(&[what, " has at most ", &decimal(max as u64), " characters, this one has ", &decimal(got as u64)])
}

/// How to turn what was found into a string.
fn advice(kind: &Kind) -> String {
    match kind {
        Kind::Number(n) => match number(*n).filter(|_| n.is_finite()) {
            Some(n) => concat(&["; write \"", &n, "\""]),
            None => "; write it as a string".into(),
        },
        Kind::Bool(_) => concat(&["; write \"", &kind.describe(), "\""]),
        Kind::Array | Kind::Object => {
            "; join its parts into one string, or give each an item of its own".into()
        }
        Kind::Null => "; leave the item out, or give it a value".into(),
        Kind::Missing => "; is a variable not set?".into(),
        _ => String::new(),
    }
}
