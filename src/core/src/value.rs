//! Bytes as an object's value. The API stores text; bytes are stored as a `data:` URL (RFC 2397), which
//! says of itself what it is and which every language can read:
//!
//! ```text
//! data:application/octet-stream;base64,3q2+7w==
//! ```
//!
//! The prefix is exact, the base64 is standard and padded (RFC 4648, section 4). A value that is text is
//! stored as it is.

use crate::error::{Code, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands before the base64.
pub const PREFIX: &str = "data:application/octet-stream;base64,";

/// Bytes as a value.
pub fn encode_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(PREFIX.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(PREFIX);
    STANDARD.encode_string(bytes, &mut text);
    text
}

/// A value as bytes: what [`encode_bytes`] was given, or the UTF-8 of any other text.
pub fn decode_bytes(value: &str) -> Result<Vec<u8>, Error> {
    let Some(encoded) = value.strip_prefix(PREFIX) else {
        return Ok(value.as_bytes().to_vec());
    };
    STANDARD.decode(encoded).map_err(|_| {
        Error::new(Code::MalformedEnvelope, "value: it begins like stored bytes, but its base64 is damaged")
    })
}
