//! A caller's values as TypeScript wrote them (`js/src/engine/flat.ts`): a letter for what it is, how long it is (in UTF-16
//! units, as JavaScript counts), a colon, and what is in it.
//!
//! ```text
//! u, z, b, #, x   missing, null, a boolean, a number, anything else: how a message names it
//! t, T            a string; one that is an RFC 3339 time
//! d               a `Date`, as such a time
//! a               a list: its items
//! o               a map: for each member its name, and its value. The name is a `t`, or `i` where the map inherits it
//! ```

use alloc::string::String;
use vault_core::tree::{Kind, Tree};

/// A value.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    letter: u8,
    pub(crate) content: &'a str,
}

/// Values, one after the other.
pub(crate) struct Nodes<'a>(pub(crate) &'a str);

const MISSING: Node<'_> = Node { letter: b'u', content: "nothing" };

impl<'a> Nodes<'a> {
    /// The next one; what is missing, where there is none.
    pub(crate) fn at_hand(&mut self) -> Node<'a> {
        self.next().unwrap_or(MISSING)
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let mut characters = self.0.chars();
        let letter = characters.next()? as u8;
        let mut units = 0_usize;
        for digit in characters.by_ref() {
            let Some(digit) = digit.to_digit(10) else { break };
            // No text is so long that this would matter.
            units = units.wrapping_mul(10).wrapping_add(digit as usize);
        }
        let from = characters.as_str();
        while let Some(left) = units.checked_sub(1) {
            units = left.saturating_sub(characters.next()?.len_utf16() - 1);
        }
        self.0 = characters.as_str();
        Some(Node { letter, content: from.get(..from.len() - self.0.len())? })
    }
}

impl<'a> Node<'a> {
    fn within(self, letter: u8) -> Nodes<'a> {
        Nodes(if self.letter == letter { self.content } else { "" })
    }
}

impl<'a> Tree<'a> for Node<'a> {
    fn kind(self) -> Kind {
        match self.letter {
            b'u' => Kind::Missing,
            b'z' => Kind::Null,
            b'b' => Kind::Bool,
            b'#' => Kind::Number,
            b't' | b'T' => Kind::Text,
            b'a' => Kind::Array,
            b'o' => Kind::Object,
            _ => Kind::Other,
        }
    }

    fn describe(self) -> String {
        match self.letter {
            b't' | b'T' => "a string",
            b'a' => "an array",
            b'o' => "an object",
            b'd' => "a Date",
            _ => self.content,
        }
        .into()
    }

    fn text(self) -> Option<&'a str> {
        (self.kind() == Kind::Text).then_some(self.content)
    }

    fn whole(self) -> Option<u64> {
        let digits = self.content.strip_prefix("number ")?;
        let mut whole = 0_u64;
        for digit in digits.chars() {
            whole = whole.checked_mul(10)?.checked_add(digit.to_digit(10)?.into())?;
        }
        (self.letter == b'#').then_some(whole)
    }

    fn time(self) -> Option<&'a str> {
        matches!(self.letter, b'T' | b'd').then_some(self.content)
    }

    fn member(self, name: &str) -> Self {
        self.entries().find(|(its, _)| *its == name).map_or(MISSING, |(_, value)| value)
    }

    fn names(self) -> impl Iterator<Item = &'a str> {
        let mut members = self.within(b'o');
        core::iter::from_fn(move || {
            loop {
                let name = members.next()?;
                members.next();
                if name.letter == b't' {
                    return Some(name.content);
                }
            }
        })
    }

    fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        let mut members = self.within(b'o');
        core::iter::from_fn(move || Some((members.next()?.content, members.next()?)))
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.within(b'a')
    }
}
