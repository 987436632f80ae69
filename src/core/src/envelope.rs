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
//! bytes as can be. `keys` is `encrypted_keys` of the API, decoded. As text an envelope is standard padded
//! base64; when read, URL-safe and unpadded base64 is taken too.
//!
//! A reader takes every layout that parses and lets the tag decide.

use crate::cipher::{LONG_NONCE_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::error::{Code, Error};
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

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

impl Layout {
    /// `standard` or `go`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "standard" => Some(Layout::Standard),
            "go" => Some(Layout::Go),
            _ => None,
        }
    }
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

/// Every reading of an envelope that parses, the likeliest first: one whose keys begin as the service's do.
/// Where none does, [`Code::MalformedEnvelope`] says what is wrong with each.
pub fn candidates(envelope: &[u8]) -> Result<Vec<Parts<'_>>, Error> {
    if envelope.is_empty() {
        return Err(malformed("it is empty"));
    }
    let (standard, go) = (standard(envelope), go(envelope));
    if let (Err(standard), Err(go)) = (&standard, &go) {
        let both = ["read as most SDKs write it, ", standard, "; read as the Go SDK writes it, ", go];
        return Err(malformed(&both.concat()));
    }
    let mut found: Vec<_> = standard.into_iter().chain(go.into_iter().flatten()).collect();
    found.sort_by_key(|parts| !parts.keys.starts_with(KEYS_MAGIC));
    Ok(found)
}

fn malformed(what: &str) -> Error {
    Error::new(Code::MalformedEnvelope, ["envelope: ", what].concat())
}

type Reading<T> = Result<T, &'static str>;

const SHORT: &str = "it is cut off";

fn split(bytes: &[u8], at: usize) -> Reading<(&[u8], &[u8])> {
    bytes.split_at_checked(at).ok_or(SHORT)
}

fn standard(envelope: &[u8]) -> Reading<Parts<'_>> {
    let (nonce, rest) = split(envelope, NONCE_BYTES)?;
    let (tag, rest) = split(rest, TAG_BYTES)?;
    let (keys, ciphertext) = keys(rest)?;
    Ok(Parts { layout: Layout::Standard, nonce, tag, keys, ciphertext })
}

/// With a nonce of 12 bytes, and of 32 where there are as many.
fn go(envelope: &[u8]) -> Reading<Vec<Parts<'_>>> {
    let (keys, rest) = keys(envelope)?;
    let body = rest.len().checked_sub(TAG_BYTES).ok_or(SHORT)?;
    let (sealed, tag) = rest.split_at(body);
    let with = |length| {
        let (nonce, ciphertext) = sealed.split_at_checked(length)?;
        Some(Parts { layout: Layout::Go, nonce, tag, keys, ciphertext })
    };
    let found: Vec<_> = [NONCE_BYTES, LONG_NONCE_BYTES].into_iter().filter_map(with).collect();
    if found.is_empty() { Err(SHORT) } else { Ok(found) }
}

/// A length and as many bytes.
fn keys(bytes: &[u8]) -> Reading<(&[u8], &[u8])> {
    let (length, rest) = length(bytes)?;
    if length == 0 {
        return Err("its keys have no bytes");
    }
    let length = usize::try_from(length).map_err(|_| SHORT)?;
    rest.split_at_checked(length).ok_or("its keys are longer than it is")
}

/// Unsigned LEB128 of at most 32 bits.
pub(crate) fn length(bytes: &[u8]) -> Reading<(u32, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if index > 0 && *byte == 0 {
                return Err("the length of its keys is not in its shortest form");
            }
            let value = u32::try_from(value).map_err(|_| "the length of its keys is beyond 32 bits")?;
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < 5 { SHORT } else { "the length of its keys has more than 5 bytes" })
}

/// What stands before the ciphertext, and after it: the layouts differ in nothing else.
pub fn frame(layout: Layout, nonce: &[u8], tag: &[u8], keys: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut prefix = Vec::with_capacity(keys.len() + 40);
    if layout == Layout::Standard {
        prefix.extend_from_slice(nonce);
        prefix.extend_from_slice(tag);
    }
    write_keys(keys, &mut prefix)?;
    if layout == Layout::Standard {
        return Ok((prefix, Vec::new()));
    }
    prefix.extend_from_slice(nonce);
    Ok((prefix, tag.to_vec()))
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

/// An envelope as text.
pub fn to_text(envelope: &[u8]) -> String {
    STANDARD.encode(envelope)
}

/// An envelope from text.
pub fn from_text(text: &str) -> Result<Vec<u8>, Error> {
    const INDIFFERENT: GeneralPurpose = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let decoded = if text.contains(['-', '_']) {
        INDIFFERENT.decode(text.replace('-', "+").replace('_', "/"))
    } else {
        INDIFFERENT.decode(text)
    };
    decoded.map_err(|_| malformed("it is not base64"))
}
