//! The forms of envelopes and streams.

use crate::failure::thrown;
use alloc::vec::Vec;
use vault_core::envelope::{self, Layout};
use vault_core::stream::Header;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;

/// What stands before the ciphertext in an envelope with these keys. Behind it stands nothing, or in the Go SDK's layout
/// the tag.
#[wasm_bindgen]
pub fn frame(keys: &[u8], go: bool, nonce: &[u8], tag: &[u8]) -> Result<Vec<u8>, JsValue> {
    let layout = if go { Layout::Go } else { Layout::Standard };
    envelope::frame(layout, nonce, tag, keys).map_err(thrown)
}

/// Where the parts of an envelope are, from its first [`envelope::HEAD_BYTES`] and its length: for each reading, the
/// likeliest first, whether it has the Go SDK's layout, then where nonce, tag, keys and ciphertext begin and end.
#[wasm_bindgen]
pub fn readings(head: &[u8], length: u32) -> Result<Vec<u32>, JsValue> {
    let found = envelope::readings(head, length).map_err(thrown)?;
    let mut out = Vec::with_capacity(found.len() * 9);
    for reading in found {
        out.push(u32::from(reading.layout == Layout::Go));
        for part in [reading.nonce, reading.tag, reading.keys, reading.ciphertext] {
            out.push(part.start);
            out.push(part.end);
        }
    }
    Ok(out)
}

/// What a stream begins with.
#[wasm_bindgen(js_name = streamHeader)]
pub fn stream_header(chunk_bytes: u32, nonce_prefix: &[u8], keys: &[u8]) -> Result<Vec<u8>, JsValue> {
    // Of another length it would be no random part at all.
    let nonce_prefix = nonce_prefix
        .try_into()
        .map_err(|_| thrown(Error::new(Code::Internal, "a nonce's random part has 7 bytes")))?;
    Header { chunk_bytes, nonce_prefix, keys: keys.to_vec() }.write().map_err(thrown)
}

/// The header of the stream that these bytes begin: how many bytes of plaintext a chunk has, and where its keys begin and
/// end, which is where the header ends. Nothing where it goes on beyond them.
#[wasm_bindgen(js_name = readStreamHeader)]
pub fn read_stream_header(bytes: &[u8]) -> Result<Option<Vec<u32>>, JsValue> {
    let read = Header::read(bytes).map_err(thrown)?;
    let end = |end: usize| u32::try_from(end).unwrap_or_default();
    Ok(read
        .map(|(header, length)| [header.chunk_bytes, end(length - header.keys.len()), end(length)].to_vec()))
}
