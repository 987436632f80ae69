//! One tenant's view: a part of a key context that every call must carry.

use crate::error::{Code, Error, Problem};
use crate::key_context::KeyContext;
use crate::tree::{Tree, concat};
use alloc::vec::Vec;

/// The items that a scoped client adds to every context and looks for in every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(KeyContext);

impl Scope {
    /// A scope of these items.
    pub fn new(context: KeyContext) -> Self {
        Scope(context)
    }

    /// Its items.
    pub fn context(&self) -> &KeyContext {
        &self.0
    }

    /// Whether a context is left out: not there, or without an item. The scope's own stands in for it then.
    pub(crate) fn stands_in_for(context: &impl Tree) -> bool {
        context.is_absent() || context.entries().is_some_and(|entries| entries.is_empty())
    }

    /// The scope's items followed by the context's own. A context that gives a scoped name another value is
    /// [`Code::ContextMismatch`].
    pub fn merge(&self, context: &KeyContext) -> Result<KeyContext, Error> {
        let mut contradictions = Vec::new();
        let mut items = Vec::new();
        for (name, value) in self.0.iter() {
            items.push((name, value));
            if context.get(name).is_some_and(|given| given != value) {
                contradictions.push(outside(name, value));
            }
        }
        if !contradictions.is_empty() {
            return Err(Error::invalid(Code::ContextMismatch, contradictions));
        }
        for item in context.iter() {
            if self.0.get(item.0).is_none() {
                items.push(item);
            }
        }
        KeyContext::from_pairs(items)
    }
}

fn outside(name: &str, value: &str) -> Problem {
    Problem::new(&concat(&["key_context.", name]), concat(&["this client is scoped to \"", value, "\""]))
}
