//! Data keys: what is sealed and opened by them in this module, and where the parts of an envelope are.

use crate::failure::{Failure, invalid};
use crate::request::handed;
use crate::stream::CoreStream;
use crate::tree::Node;
use js_sys::{JsString, Uint8Array};
use std::cell::RefCell;
use vault_core::cipher::{self, Key};
use vault_core::envelope::{self, Layout};
use vault_core::keyring::{Active, Bounds, Choice};
use vault_core::keys::{DecryptDataKey, decode_keys};
use vault_core::tree::Tree;
use vault_core::{Code, Error, value};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// A data key in this module's memory, with its wrapped copies, where they are known. Freeing it wipes it.
#[wasm_bindgen]
pub struct CoreKey(RefCell<Active>);

impl CoreKey {
    fn new(key: Key, keys: Vec<u8>, now_ms: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now_ms = now_ms.max(0.0) as u64;
        CoreKey(RefCell::new(Active::new(key, keys, now_ms)))
    }
}

#[wasm_bindgen]
impl CoreKey {
    /// From an answer of the service's; nothing where it is not what the API describes.
    #[wasm_bindgen(js_name = ofAnswer)]
    pub fn of_answer(data_key: &JsValue, encrypted_keys: Option<String>, now_ms: f64) -> Option<CoreKey> {
        let text = Zeroizing::new(data_key.as_string()?);
        let keys = match encrypted_keys {
            Some(keys) => decode_keys(&keys)?,
            None => Vec::new(),
        };
        Some(CoreKey::new(Key::from_base64(&text)?, keys, now_ms))
    }

    /// From a caller's `{key}` or base64, and from `encryptedKeys`, where they are to be there.
    #[wasm_bindgen(js_name = given)]
    pub fn given(data_key: JsValue, encrypted_keys: JsValue, paired: bool) -> Result<CoreKey, JsValue> {
        let given = Node::from(data_key);
        let member = if given.js().is_string() { given } else { given.member("key") };
        let text = Zeroizing::new(member.string().unwrap_or_default());
        let message = "expected 32 bytes in base64, as createDataKey returned them";
        let key = Key::from_base64(&text).ok_or_else(|| invalid("dataKey", message))?;
        if !paired {
            return Ok(CoreKey::new(key, Vec::new(), 0.0));
        }
        let keys = Node::from(encrypted_keys).string().and_then(|text| envelope::from_text(&text).ok());
        let message = "expected base64, as createDataKey returned it";
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| invalid("encryptedKeys", message))?;
        Ok(CoreKey::new(key, keys, 0.0))
    }

    /// What to do for a message of so many bytes: 0 use the key, 1 use it and fetch the next, 2 fetch the next.
    pub fn choice(&self, max_age_ms: f64, max_messages: f64, max_bytes: f64, now_ms: f64, bytes: f64) -> u8 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let [max_age_ms, max_messages, max_bytes, now_ms, bytes] =
            [max_age_ms, max_messages, max_bytes, now_ms, bytes].map(|number| number.max(0.0) as u64);
        let bounds = Bounds { max_age_ms, max_messages, max_bytes, max_opened: 0, max_contexts: 1 };
        match self.0.borrow().choice(&bounds, now_ms, bytes) {
            Choice::Use => 0,
            Choice::UseAndRenew => 1,
            Choice::Renew => 2,
        }
    }

    /// Counts a message, before it is encrypted.
    pub fn count(&self, bytes: u32) {
        self.0.borrow_mut().count(u64::from(bytes));
    }

    /// A copy for the runtime's cipher; whoever asks for it wipes it.
    pub fn expose(&self) -> Result<Uint8Array, JsValue> {
        Ok(Uint8Array::from(&self.0.borrow().key.bytes()[..]))
    }

    /// The wrapped copies, in base64.
    #[wasm_bindgen(getter)]
    pub fn keys(&self) -> String {
        envelope::to_text(&self.0.borrow().keys)
    }

    /// Ciphertext and tag.
    pub fn seal(&self, nonce: &[u8], aad: &[u8], data: &Uint8Array) -> Result<Uint8Array, JsValue> {
        let nonce = nonce
            .try_into()
            .map_err(|_| Error::new(Code::Internal, "a nonce has 12 bytes"))
            .map_err(Failure::from)?;
        let mut buffer = Zeroizing::new(data.to_vec());
        let tag = cipher::seal(&self.0.borrow().key, nonce, aad, &mut buffer).map_err(Failure::from)?;
        let length = data.length();
        let sealed = Uint8Array::new_with_length(length + u32::try_from(tag.len()).unwrap_or_default());
        sealed.subarray(0, length).copy_from(&buffer);
        sealed.subarray(length, sealed.length()).copy_from(&tag);
        Ok(sealed)
    }

    /// The plaintext, where the tag fits.
    pub fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        ciphertext: &Uint8Array,
        tag: &[u8],
    ) -> Result<JsValue, JsValue> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let opened = cipher::open(&self.0.borrow().key, nonce, aad, &mut buffer, tag);
        Ok(opened.map_or(JsValue::UNDEFINED, |()| Uint8Array::from(&buffer[..]).into()))
    }

    /// [`frame`] with its keys.
    pub fn frame(&self, go: bool, nonce: &[u8], tag: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(framed(&self.0.borrow().keys, go, nonce, tag)?)
    }

    /// A stream to be sealed.
    pub fn stream(&self, chunk_bytes: u32, nonce_prefix: &[u8], aad: &[u8]) -> Result<CoreStream, JsValue> {
        Ok(CoreStream::sealing(chunk_bytes, nonce_prefix, &self.0.borrow().keys, aad)?)
    }
}

/// What stands before the ciphertext in an envelope with these keys, given in base64. Behind it stands nothing, or in the
/// Go SDK's layout the tag.
#[wasm_bindgen]
pub fn frame(keys: &str, go: bool, nonce: &[u8], tag: &[u8]) -> Result<Vec<u8>, JsValue> {
    let keys =
        decode_keys(keys).ok_or_else(|| Error::new(Code::MalformedResponse, "encrypted_keys: not base64"));
    Ok(framed(&keys.map_err(Failure::from)?, go, nonce, tag)?)
}

fn framed(keys: &[u8], go: bool, nonce: &[u8], tag: &[u8]) -> Result<Vec<u8>, Failure> {
    let layout = if go { Layout::Go } else { Layout::Standard };
    Ok(envelope::frame(layout, nonce, tag, keys)?.0)
}

/// Where the parts of an envelope are, from its first [`envelope::HEAD_BYTES`] and its length: for each reading, the
/// likeliest first, whether it has the Go SDK's layout, then where nonce, tag, keys and ciphertext begin and end.
#[wasm_bindgen]
pub fn readings(head: &[u8], length: u32) -> Result<Vec<u32>, JsValue> {
    let found = envelope::readings(head, length).map_err(Failure::from)?;
    let mut out = Vec::with_capacity(found.len() * 9);
    for reading in found {
        out.push(u32::from(reading.layout == Layout::Go));
        for part in [reading.nonce, reading.tag, reading.keys, reading.ciphertext] {
            out.extend([part.start, part.end]);
        }
    }
    Ok(out)
}

/// An envelope from text, checked character by character: where the runtime's own base64 is missing, or not sure.
#[wasm_bindgen(js_name = decodeEnvelope)]
pub fn decode_envelope(text: &str) -> Result<Vec<u8>, JsValue> {
    Ok(envelope::from_text(text).map_err(Failure::from)?)
}

/// Standard base64, where the runtime has none.
#[wasm_bindgen]
pub fn encode(bytes: &Uint8Array) -> Result<JsValue, JsValue> {
    let bytes = Zeroizing::new(bytes.to_vec());
    Ok(JsValue::from_str(&Zeroizing::new(envelope::to_text(&bytes))))
}

/// The bytes that an object's value stands for.
#[wasm_bindgen(js_name = decodeValue)]
pub fn decode_value(text: JsString) -> Result<Uint8Array, JsValue> {
    let text = Zeroizing::new(String::from(text));
    let bytes = Zeroizing::new(value::decode_bytes(&text).map_err(Failure::from)?);
    Ok(Uint8Array::from(&bytes[..]))
}

/// The request that unwraps a key blob, given in base64.
#[wasm_bindgen(js_name = unwrapRequest)]
pub fn unwrap_request(keys: String) -> Result<JsValue, JsValue> {
    Ok(handed(&DecryptDataKey(keys).into_request(), false)?)
}
