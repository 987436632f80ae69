//! A caller's values as TypeScript wrote them (`js/src/engine/flat.ts`): a letter for what it is, how many bytes it has, a
//! colon, and what is in it.
//!
//! ```text
//! u, z, b, #, x   missing, null, a boolean, a number, anything else: how a message names it
//! t, T            a string; one that is an RFC 3339 time
//! d               a `Date`, as such a time
//! a               a list: its items
//! o               a map: for each member its name, and its value
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
        let mut bytes = self.0.bytes();
        let letter = bytes.next()?;
        let (mut from, mut length) = (2, 0_usize);
        for digit in bytes.take_while(u8::is_ascii_digit) {
            from += 1;
            // No text is so long that this would matter.
            length = length.wrapping_mul(10).wrapping_add(usize::from(digit - b'0'));
        }
        let (content, rest) = self.0.get(from..)?.split_at_checked(length)?;
        self.0 = rest;
        Some(Node { letter, content })
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
        for digit in digits.bytes() {
            // Beyond that, JavaScript's numbers are not exact, and nothing here is so large.
            if !digit.is_ascii_digit() || whole > 1 << 53 {
                return None;
            }
            whole = whole * 10 + u64::from(digit - b'0');
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
        self.entries().map(|(name, _)| name)
    }

    fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        let mut members = self.within(b'o');
        core::iter::from_fn(move || Some((members.next()?.content, members.next()?)))
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.within(b'a')
    }
}
