//! The envelope: what local encryption stores. Ciphertext, nonce and tag, and the data key's wrapped copies.
//!
//! Two layouts are in use, and neither has a mark of its own:
//!
//! ```text
//! standard  nonce (12) | tag (16) | length of keys | keys | ciphertext      Node, Python, Ruby, PHP, .NET, Kotlin SDKs
//! go        length of keys | keys | nonce (12) | ciphertext | tag (16)      Go SDK; some releases: nonce (32)
//! ```
//!
//! The length is unsigned LEB128 of at most 32 bits: 1 to 5 bytes, seven bits each, the lowest first, in as few
//! bytes as can be. `keys` is `encrypted_keys` of the API, decoded. As text an envelope is standard padded base64, which is
//! the host's trade.
//!
//! A reader takes every layout that parses and lets the tag decide.

use crate::cipher::{LONG_NONCE_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::error::{Code, Error};
use crate::tree::concat;
use alloc::vec::Vec;
use core::ops::Range;

/// What the service's key blobs begin with.
const KEYS_MAGIC: &[u8] = b"WOS.EKM.v1\0";

/// How an envelope's parts are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As every official SDK but Go's.
    Standard,
    /// As the Go SDK.
    Go,
}

/// The parts of an envelope under one reading of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Under which layout.
    pub layout: Layout,
    /// 12 bytes, or 32.
    pub nonce: &'a [u8],
    /// 16 bytes.
    pub tag: &'a [u8],
    /// The wrapped copies of the data key.
    pub keys: &'a [u8],
    /// As long as the plaintext.
    pub ciphertext: &'a [u8],
}

/// Where the parts of an envelope are under one reading of it, in bytes from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Under which layout.
    pub layout: Layout,
    /// 12 bytes, or 32.
    pub nonce: Range<u32>,
    /// 16 bytes.
    pub tag: Range<u32>,
    /// The wrapped copies of the data key.
    pub keys: Range<u32>,
    /// As long as the plaintext.
    pub ciphertext: Range<u32>,
}

/// So many of an envelope's first bytes tell where its parts are.
pub const HEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES + LENGTH_MAX + KEYS_MAGIC.len();
/// Most bytes of the length of keys.
const LENGTH_MAX: usize = 5;
const NONCE: u32 = small(NONCE_BYTES);
const LONG_NONCE: u32 = small(LONG_NONCE_BYTES);
const TAG: u32 = small(TAG_BYTES);

#[allow(clippy::cast_possible_truncation)]
const fn small(bytes: usize) -> u32 {
    bytes as u32
}

/// Every reading of an envelope that parses, the likeliest first: one whose keys begin as the service's do. Where none
/// does, [`Code::MalformedEnvelope`] says what is wrong with each. `head` is its first [`HEAD_BYTES`], or all of it,
/// and `length` how many it has.
pub fn readings(head: &[u8], length: u32) -> Result<Vec<Reading>, Error> {
    if length == 0 {
        return Err(malformed("it is empty"));
    }
    let (standard, go) = (standard(head, length), go(head, length));
    if let (Err(standard), Err(go)) = (&standard, &go) {
        let both = ["read as most SDKs write it, ", standard, "; read as the Go SDK writes it, ", go];
        return Err(malformed(&concat(&both)));
    }
    let likely = |reading: &Reading| begins(head, &reading.keys);
    let (standard, [go, long]) = (standard.ok(), go.unwrap_or_default());
    // Both readings as the Go SDK's have the same keys.
    let go_first = go.as_ref().is_some_and(likely) && !standard.as_ref().is_some_and(likely);
    let in_order = if go_first { [go, long, standard] } else { [standard, go, long] };
    let mut found = Vec::with_capacity(3);
    for reading in in_order {
        found.extend(reading);
    }
    Ok(found)
}

/// Whether keys begin as the service's do.
fn begins(head: &[u8], keys: &Range<u32>) -> bool {
    let at = usize::try_from(keys.start).unwrap_or(usize::MAX);
    head.get(at..).is_some_and(|bytes| bytes.starts_with(KEYS_MAGIC)) && keys.len() >= KEYS_MAGIC.len()
}

/// [`readings`] of an envelope at hand.
pub fn candidates(envelope: &[u8]) -> Result<Vec<Parts<'_>>, Error> {
    let length = u32::try_from(envelope.len()).map_err(|_| malformed("it is longer than 4 GiB"))?;
    let found = readings(envelope.get(..HEAD_BYTES).unwrap_or(envelope), length)?;
    let part = |range: Range<u32>| &envelope[range.start as usize..range.end as usize];
    let parts = found.into_iter().map(|Reading { layout, nonce, tag, keys, ciphertext }| Parts {
        layout,
        nonce: part(nonce),
        tag: part(tag),
        keys: part(keys),
        ciphertext: part(ciphertext),
    });
    Ok(parts.collect())
}

fn malformed(what: &str) -> Error {
    Error::new(Code::MalformedEnvelope, concat(&["envelope: ", what]))
}

const SHORT: &str = "it is cut off";

fn standard(head: &[u8], length: u32) -> Result<Reading, &'static str> {
    let (nonce, tag) = (0..NONCE, NONCE..NONCE + TAG);
    if length < tag.end {
        return Err(SHORT);
    }
    let keys = keys(head, tag.end, length)?;
    let ciphertext = keys.end..length;
    Ok(Reading { layout: Layout::Standard, nonce, tag, keys, ciphertext })
}

/// With a nonce of 12 bytes, and of 32 where there are as many.
fn go(head: &[u8], length: u32) -> Result<[Option<Reading>; 2], &'static str> {
    let keys = keys(head, 0, length)?;
    let end = length.checked_sub(TAG).filter(|end| *end >= keys.end).ok_or(SHORT)?;
    let with = |nonce| {
        let nonce = keys.end..keys.end.checked_add(nonce).filter(|at| *at <= end)?;
        let ciphertext = nonce.end..end;
        Some(Reading { layout: Layout::Go, nonce, tag: end..length, keys: keys.clone(), ciphertext })
    };
    let found = [with(NONCE), with(LONG_NONCE)];
    if found[0].is_none() { Err(SHORT) } else { Ok(found) }
}

/// A length and as many bytes.
fn keys(head: &[u8], at: u32, of: u32) -> Result<Range<u32>, &'static str> {
    let bytes = head.get(at as usize..).unwrap_or_default();
    let (length, rest) = length(bytes)?;
    if length == 0 {
        return Err("its keys have no bytes");
    }
    #[allow(clippy::cast_possible_truncation)] // At most five bytes were read.
    let start = at + (bytes.len() - rest.len()) as u32;
    let end = start.checked_add(length).filter(|end| *end <= of);
    end.map(|end| start..end).ok_or("its keys are longer than it is")
}

/// Unsigned LEB128 of at most 32 bits.
pub(crate) fn length(bytes: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(LENGTH_MAX) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if index > 0 && *byte == 0 {
                return Err("the length of its keys is not in its shortest form");
            }
            let value = u32::try_from(value).map_err(|_| "the length of its keys is beyond 32 bits")?;
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < LENGTH_MAX { SHORT } else { "the length of its keys has more than 5 bytes" })
}

/// What stands before the ciphertext: the layouts differ in nothing else, but that in the Go SDK's the tag comes last.
pub fn frame(layout: Layout, nonce: &[u8], tag: &[u8], keys: &[u8]) -> Result<Vec<u8>, Error> {
    let mut prefix = Vec::with_capacity(keys.len() + 40);
    if layout == Layout::Standard {
        prefix.extend_from_slice(nonce);
        prefix.extend_from_slice(tag);
    }
    write_keys(keys, &mut prefix)?;
    if layout == Layout::Go {
        prefix.extend_from_slice(nonce);
    }
    Ok(prefix)
}

/// Their length and the keys themselves.
pub(crate) fn write_keys(keys: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut left = u32::try_from(keys.len()).map_err(|_| malformed("its keys are too long"))?;
    while left > 0x7f {
        out.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap_or_default());
    out.extend_from_slice(keys);
    Ok(())
}
