//! Streams: headers, nonces, and what each chunk is bound to. The chunks themselves are TypeScript's
//! (`js/src/streams.ts`).

use crate::failure::Failure;
use std::cell::RefCell;
use vault_core::stream::{Chunks, Header, PREFIX_BYTES};
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;

/// A stream to seal or to open, chunk by chunk.
#[wasm_bindgen]
pub struct CoreStream {
    header: Header,
    bytes: Vec<u8>,
    aad: Vec<u8>,
    chunks: RefCell<Chunks>,
}

impl CoreStream {
    pub(crate) fn sealing(
        chunk_bytes: u32,
        nonce_prefix: &[u8],
        keys: &[u8],
        aad: &[u8],
    ) -> Result<Self, Failure> {
        // Of another length it would be no random part at all.
        let nonce_prefix = <[u8; PREFIX_BYTES]>::try_from(nonce_prefix)
            .map_err(|_| Error::new(Code::Internal, "a nonce's random part has 7 bytes"))?;
        let header = Header { chunk_bytes, nonce_prefix, keys: keys.to_vec() };
        let bytes = header.write()?;
        Ok(Self::new(header, bytes, aad))
    }

    fn new(header: Header, bytes: Vec<u8>, aad: &[u8]) -> Self {
        let (aad, chunks) = (header.aad(aad), RefCell::new(Chunks::new(&header)));
        CoreStream { header, bytes, aad, chunks }
    }
}

#[wasm_bindgen]
impl CoreStream {
    /// The stream that these bytes begin; nothing where its header goes on beyond them.
    pub fn read(bytes: &[u8], aad: &[u8]) -> Result<Option<CoreStream>, JsValue> {
        let read = Header::read(bytes).map_err(Failure::from)?;
        Ok(read.map(|(header, length)| Self::new(header, bytes[..length].to_vec(), aad)))
    }

    /// What the stream begins with.
    #[wasm_bindgen(getter)]
    pub fn header(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The wrapped copies of its key, in base64.
    #[wasm_bindgen(getter)]
    pub fn keys(&self) -> String {
        vault_core::envelope::to_text(&self.header.keys)
    }

    /// Bytes of plaintext in each chunk but the last.
    #[wasm_bindgen(getter, js_name = chunkBytes)]
    pub fn chunk_bytes(&self) -> u32 {
        self.header.chunk_bytes
    }

    /// What each chunk is bound to.
    #[wasm_bindgen(getter)]
    pub fn aad(&self) -> Vec<u8> {
        self.aad.clone()
    }

    /// The nonce of the next chunk to seal, of so many bytes of plaintext.
    #[wasm_bindgen(js_name = sealNonce)]
    pub fn seal_nonce(&self, length: usize, last: bool) -> Result<Vec<u8>, JsValue> {
        Ok(self.chunks.borrow_mut().seal(length, last).map_err(Failure::from)?.to_vec())
    }

    /// The nonce of the next chunk to open, of so many bytes with its tag, if it is one that belongs here.
    #[wasm_bindgen(js_name = openNonce)]
    pub fn open_nonce(&self, length: usize, last: bool) -> Result<Vec<u8>, JsValue> {
        Ok(self.chunks.borrow_mut().open(length, last).map_err(Failure::from)?.to_vec())
    }
}
