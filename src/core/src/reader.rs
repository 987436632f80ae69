//! Reading a map's members, collecting every problem under its full path.

use crate::error::{Error, Problem};
use crate::key_context::KeyContext;
use crate::tree::{Kind, Tree, concat, decimal, expected};
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;

/// Reads members of one map and collects what is wrong with them, each under its full path.
pub struct Reader<'a, T> {
    tree: T,
    path: String,
    /// What was wrong so far.
    pub problems: Vec<Problem>,
    lies: PhantomData<&'a str>,
}

impl<'a, T: Tree<'a>> Reader<'a, T> {
    /// Over the map of a call's options; anything else is a problem of its own.
    pub fn options(tree: T) -> Self {
        Self::over(tree, "", "options")
    }

    /// Over the map that a body is.
    pub fn body(tree: T) -> Self {
        Self::over(tree, "", "body")
    }

    /// Over a map at a path within another.
    pub fn at(tree: T, path: &str) -> Self {
        Self::over(tree, path, path)
    }

    fn over(tree: T, path: &str, called: &str) -> Self {
        let mut reader = Reader { tree, path: path.into(), problems: Vec::new(), lies: PhantomData };
        if !reader.is_map() {
            reader.problems.push(Problem::new(called, &expected("an object", tree)));
        }
        reader
    }

    /// Refuses names that are none of these: an option that is misspelled would silently not be used.
    pub fn only(&mut self, names: &[&str]) {
        for given in self.tree.names() {
            if names.contains(&given) {
                continue;
            }
            let squeezed = squeeze(given);
            let is_near = |name: &str| {
                let name = squeeze(name);
                name == squeezed
                    || name.len() > 3
                        && squeezed.len() > 3
                        && (name.starts_with(&squeezed) || squeezed.ends_with(&name))
            };
            let mut message = String::from("there is no such option");
            if let Some(near) = names.iter().find(|name| is_near(name)) {
                message.push_str("; did you mean ");
                message.push_str(near);
                message.push('?');
            } else {
                let mut between = ", only ";
                for name in names {
                    message.push_str(between);
                    message.push_str(name);
                    between = ", ";
                }
            }
            self.problem(given, &message);
        }
    }

    /// The full path of a member.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { concat(&[&self.path, ".", name]) }
    }

    /// Whether there is a map to look into. If not, that is told already.
    pub fn is_map(&self) -> bool {
        self.tree.kind() == Kind::Object
    }

    /// The map itself.
    pub fn tree(&self) -> T {
        self.tree
    }

    /// A member, whatever it is.
    pub fn member(&self, name: &str) -> T {
        self.tree.member(name)
    }

    /// Adds a problem with a member.
    pub fn problem(&mut self, name: &str, message: &str) {
        let field = self.path(name);
        self.problems.push(Problem::new(&field, message));
    }

    /// Adds a problem with what kind of thing a member is.
    pub fn wrong(&mut self, name: &str, what: &str) {
        if self.is_map() {
            self.problem(name, &expected(what, self.member(name)));
        }
    }

    /// A string that must be there.
    pub fn string(&mut self, name: &str) -> Option<&'a str> {
        let string = self.member(name).text();
        if string.is_none() {
            self.wrong(name, "a string");
        }
        string
    }

    /// A string that may be absent or `null`.
    pub fn optional_string(&mut self, name: &str) -> Option<&'a str> {
        if self.member(name).is_absent() { None } else { self.string(name) }
    }

    /// A time that may be absent or `null`, exactly as it was given; `in_utc` wants a `Z` at its end, as the service does of
    /// events.
    pub fn time(&mut self, name: &str, in_utc: bool) -> Option<&'a str> {
        let member = self.member(name);
        if member.is_absent() {
            return None;
        }
        let time = member.time();
        if time.is_some_and(|time| !in_utc || time.ends_with('Z')) {
            return time;
        }
        let what = if in_utc {
            "a valid Date, or a time in UTC like 2024-01-01T00:00:00Z"
        } else {
            "a valid Date, or a time like 2024-01-01T00:00:00Z"
        };
        if in_utc && member.kind() == Kind::Text {
            self.problem(name, &concat(&["expected ", what, ", got another text"]));
        } else {
            self.wrong(name, what);
        }
        None
    }

    /// A whole number that must be there, between two bounds, both included.
    pub fn whole(&mut self, name: &str, low: u64, high: u64) -> Option<u64> {
        let whole = self.member(name).whole().filter(|n| *n >= low && *n <= high);
        if whole.is_none() {
            self.wrong(name, &concat(&["a whole number from ", &decimal(low), " to ", &decimal(high)]));
        }
        whole
    }

    /// A string that must be there and pass a check.
    pub fn checked<R>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str, String) -> Result<R, Problem>,
    ) -> Option<R> {
        let text = self.string(name)?;
        check(&self.path(name), text.into()).map_err(|problem| self.problems.push(problem)).ok()
    }

    /// A string that may be absent or `null` and else passes a check.
    pub fn optional<R>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str, String) -> Result<R, Problem>,
    ) -> Option<R> {
        if self.member(name).is_absent() { None } else { self.checked(name, check) }
    }

    /// A key context, within a scope, where there is one; what is wrong with it is reported under `key_context`.
    pub fn context(
        &mut self,
        name: &str,
        scope: Option<&KeyContext<&'a str>>,
    ) -> Option<KeyContext<&'a str>> {
        if !self.is_map() {
            return None; // That is told already.
        }
        let read = KeyContext::read(self.member(name), scope);
        read.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// A map within the map.
    pub fn nested<R>(&mut self, name: &str, read: impl FnOnce(&mut Reader<'a, T>) -> Option<R>) -> Option<R> {
        if !self.is_map() {
            return None; // That is told already.
        }
        let mut reader = Reader::at(self.member(name), &self.path(name));
        let value = read(&mut reader);
        self.problems.append(&mut reader.problems);
        value
    }

    /// A list of maps.
    pub fn list<R>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Reader<'a, T>) -> Option<R>,
    ) -> Option<Vec<R>> {
        let member = self.member(name);
        if member.kind() != Kind::Array {
            self.wrong(name, "an array");
            return None;
        }
        let mut list = Vec::new();
        for (index, item) in member.items().enumerate() {
            let path = concat(&[&self.path(name), "[", &decimal(index as u64), "]"]);
            let mut reader = Reader::at(item, &path);
            list.extend(read(&mut reader));
            self.problems.append(&mut reader.problems);
            if self.problems.len() > 10 {
                break; // Enough to see what is wrong with them all.
            }
        }
        Some(list)
    }

    /// The finished value, or everything that was wrong.
    pub fn finish<R>(self, value: Option<R>) -> Result<R, Error> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Error::refused(self.problems)),
        }
    }

    /// Fails where something was wrong.
    pub fn done(self) -> Result<(), Error> {
        self.finish(Some(()))
    }
}

/// A name without what people spell in different ways.
fn squeeze(name: &str) -> Vec<u8> {
    let mut squeezed = Vec::new();
    for byte in name.bytes() {
        if byte != b'_' {
            squeezed.push(byte.to_ascii_lowercase());
        }
    }
    squeezed
}
