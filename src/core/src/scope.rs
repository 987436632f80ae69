//! One tenant's view: a part of a key context that every call must carry.

use crate::error::{Code, Error, Problem};
use crate::key_context::KeyContext;
use crate::tree::{Kind, Tree, concat};
use alloc::vec::Vec;

/// The items that a scoped client adds to every context and looks for in every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a>(KeyContext<&'a str>);

impl<'a> Scope<'a> {
    /// A scope of these items.
    pub fn new(context: KeyContext<&'a str>) -> Self {
        Scope(context)
    }

    /// Its items.
    pub fn context(&self) -> &KeyContext<&'a str> {
        &self.0
    }

    /// Whether a context is left out: not there, or without an item. The scope's own stands in for it then.
    pub(crate) fn stands_in_for<'b>(context: impl Tree<'b>) -> bool {
        context.is_absent() || context.kind() == Kind::Object && context.entries().next().is_none()
    }

    /// The scope's items followed by the context's own. A context that gives a scoped name another value is
    /// [`Code::ContextMismatch`].
    pub fn merge(&self, context: &KeyContext<&'a str>) -> Result<KeyContext<&'a str>, Error> {
        let mut contradictions = Vec::new();
        let mut items = Vec::new();
        for (name, value) in self.0.items() {
            items.push((*name, *value));
            if context.get(name).is_some_and(|given| given != *value) {
                contradictions.push(outside(name, value));
            }
        }
        if !contradictions.is_empty() {
            return Err(Error::invalid(Code::ContextMismatch, contradictions));
        }
        for item in context.items() {
            if self.0.get(item.0).is_none() {
                items.push(*item);
            }
        }
        KeyContext::from_pairs(items)
    }
}

fn outside(name: &str, value: &str) -> Problem {
    Problem::new(&concat(&["key_context.", name]), concat(&["this client is scoped to \"", value, "\""]))
}
