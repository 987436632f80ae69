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

use crate::error::{Error, Fault, Problem};
use crate::http::quote_map;
use crate::names::characters;
use crate::tree::{Kind, Tree, concat, decimal, expected};
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
pub(crate) const PATH: &str = "key_context";

/// A valid key context. Keeps the order it was given in; two contexts with the same items are equal. `S` is a string,
/// or one that lies elsewhere.
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
pub struct KeyContext<S = String>(Vec<(S, S)>);

impl<S: AsRef<str>> KeyContext<S> {
    /// From names and values. Reports every problem at once.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (S, S)>) -> Result<Self, Error> {
        let mut draft = Draft::new();
        for (name, value) in pairs {
            draft.push(name, value);
        }
        draft.finish().map_err(Error::refused)
    }

    /// The same context with one more item; the same item again changes nothing, another value for a name
    /// that is there is an error.
    pub fn with(&self, name: S, value: S) -> Result<Self, Error>
    where
        S: Clone,
    {
        if self.get(name.as_ref()) == Some(value.as_ref()) {
            return Ok(self.clone());
        }
        KeyContext::from_pairs(self.0.iter().cloned().chain([(name, value)]))
    }

    /// Items in the order they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
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

    /// The same with strings of its own.
    pub fn into_owned(self) -> KeyContext {
        KeyContext(self.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Items sorted by name, by Unicode code points.
    pub fn canonical(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut last: Option<&str> = None;
        // There are ten at most: the library's sort would be most of this module's code.
        core::iter::from_fn(move || {
            let mut next: Option<(&str, &str)> = None;
            for item in self.iter() {
                let is_left = last.is_none_or(|last| item.0 > last);
                if is_left && next.is_none_or(|next| item.0 < next.0) {
                    next = Some(item);
                }
            }
            last = Some(next?.0);
            next
        })
    }

    /// A JSON object, in the order that was given.
    pub fn json(&self) -> String {
        let mut out = String::new();
        quote_map(&mut self.iter(), &mut out);
        out
    }

    /// A text that two contexts share exactly if they are equal: a JSON object with sorted names. Meant for
    /// cache keys.
    pub fn canonical_json(&self) -> String {
        let mut out = String::new();
        quote_map(&mut self.canonical(), &mut out);
        out
    }
}

impl<'a> KeyContext<&'a str> {
    /// From JSON-like data, within a scope, where there is one: a tenant's items, which every context of theirs carries.
    /// They stand first, and may be left out, as the whole context may then; another value for one of them is
    /// [`crate::Code::ContextMismatch`]. Reports every problem at once.
    pub fn from_tree(tree: impl Tree<'a>, scope: Option<&Self>) -> Result<Self, Error> {
        Self::read(tree, scope).map_err(Error::refused)
    }

    pub(crate) fn read(tree: impl Tree<'a>, scope: Option<&Self>) -> Result<Self, Vec<Problem>> {
        let may_be_absent = scope.is_some() && tree.is_absent();
        if tree.kind() != Kind::Object && !may_be_absent {
            return Err(vec![Problem::new(PATH, &expected("an object of strings", tree))]);
        }
        let mut draft = Draft::new();
        if let Some(scope) = scope {
            draft.seen = scope.len();
            draft.items.extend_from_slice(&scope.0);
        }
        for (name, value) in tree.entries() {
            let scoped = scope.and_then(|scope| scope.get(name));
            match (value.text(), scoped) {
                (Some(value), Some(scoped)) if value == scoped => {}
                // A variable that is not set, say, is no other tenant's.
                (Some(value), Some(_)) if !draft.check_value(name, value) => {}
                (Some(_), Some(scoped)) => {
                    let message = concat(&["this client is scoped to \"", scoped, "\""]);
                    draft.problem(Fault::Scope, name, &message);
                }
                (Some(value), None) => draft.push(name, value),
                (None, _) => {
                    if scoped.is_none() {
                        draft.check_name(name);
                    }
                    let message = concat(&[&expected("a string", value), &advice(value)]);
                    draft.problem(Fault::Form, name, &message);
                }
            }
        }
        draft.finish()
    }
}

impl<S: AsRef<str>> PartialEq for KeyContext<S> {
    fn eq(&self, other: &Self) -> bool {
        self.canonical().eq(other.canonical())
    }
}

impl<S: AsRef<str>> Eq for KeyContext<S> {}

impl<S: AsRef<str>> Hash for KeyContext<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().for_each(|item| item.hash(state));
    }
}

struct Draft<S> {
    items: Vec<(S, S)>,
    seen: usize,
    problems: Vec<Problem>,
}

impl<S: AsRef<str>> Draft<S> {
    fn new() -> Self {
        Draft { items: Vec::new(), seen: 0, problems: Vec::new() }
    }

    fn problem(&mut self, fault: Fault, name: &str, message: &str) {
        self.problems.push(Problem::of(fault, &concat(&[PATH, ".", name]), message));
    }

    /// Refuses more characters than there may be.
    fn check(&mut self, name: &str, what: &str, text: &str, max: usize) {
        let length = characters(text);
        if length > max {
            let (max, length) = (decimal(max as u64), decimal(length as u64));
            let message = [what, " has at most ", &max, " characters, this one has ", &length];
            self.problem(Fault::Limit, name, &concat(&message));
        }
    }

    /// Counts an item, and checks its name.
    fn check_name(&mut self, name: &str) {
        self.seen += 1;
        if name.is_empty() {
            self.problem(Fault::Limit, name, "a name has at least 1 character, this one is empty");
        }
        self.check(name, "a name", name, NAME_MAX);
    }

    /// Whether a value is in order; if not, that is told.
    fn check_value(&mut self, name: &str, value: &str) -> bool {
        let before = self.problems.len();
        self.check(name, "a value", value, VALUE_MAX);
        if name == ORGANIZATION_ID && value.is_empty() {
            self.problem(Fault::Form, name, "no organization has an empty ID; is a variable not set?");
        }
        self.problems.len() == before
    }

    fn push(&mut self, name: S, value: S) {
        let (its, text) = (name.as_ref(), value.as_ref());
        self.check_name(its);
        self.check_value(its, text);
        if self.items.iter().any(|(known, _)| known.as_ref() == its) {
            self.problem(Fault::Form, its, "this name stands twice; each name may have one value");
        }
        // Memory stays bounded whatever comes in; what is past the limit is only counted.
        if self.items.len() <= ITEMS_MAX {
            self.items.push((name, value));
        }
    }

    fn finish(mut self) -> Result<KeyContext<S>, Vec<Problem>> {
        if self.seen == 0 {
            self.problems.push(Problem::limit(PATH, "expected 1 to 10 items, got none"));
        }
        if self.seen > ITEMS_MAX {
            let message = concat(&["at most 10 items are allowed, got ", &decimal(self.seen as u64)]);
            self.problems.push(Problem::of(Fault::Items, PATH, &message));
        }
        if self.problems.is_empty() { Ok(KeyContext(self.items)) } else { Err(self.problems) }
    }
}

/// How to turn what was found into a string.
fn advice<'a>(found: impl Tree<'a>) -> String {
    let described = found.describe();
    let shown = described.strip_prefix("number ").unwrap_or(&described);
    match found.kind() {
        Kind::Bool => concat(&["; write \"", shown, "\""]),
        // Infinities and what is no number are no text that anybody wants.
        Kind::Number if shown.bytes().all(|byte| !byte.is_ascii_alphabetic()) => {
            concat(&["; write \"", shown, "\""])
        }
        Kind::Number => "; write it as a string".into(),
        Kind::Array | Kind::Object => {
            "; join its parts into one string, or give each an item of its own".into()
        }
        Kind::Null => "; leave the item out, or give it a value".into(),
        Kind::Missing => "; is a variable not set?".into(),
        _ => String::new(),
    }
}
