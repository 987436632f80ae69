//! What goes into local encryption and what comes out: data, associated data, envelopes, as text or as bytes.

use crate::crypt::{Ciphers, RuntimeKey, broken};
use crate::failure::Failure;
use crate::transport;
use crate::tree::Node;
use js_sys::{Function, JsString, Object, Reflect, Uint8Array};
use std::rc::Rc;
use vault_core::cipher::{self, Key, NONCE_BYTES, TAG_BYTES};
use vault_core::envelope::{self, Layout, Parts};
use vault_core::tree::{Tree, expected, expected_secret};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// [`TAG_BYTES`], as JavaScript counts.
#[allow(clippy::cast_possible_truncation)]
const TAG_LENGTH: u32 = TAG_BYTES as u32;

#[wasm_bindgen]
extern "C" {
    type TextEncoder;
    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;
    #[wasm_bindgen(method)]
    fn encode(this: &TextEncoder, text: &JsString) -> Uint8Array;

    type TextDecoder;
    #[wasm_bindgen(constructor)]
    fn new(label: &str, options: &JsValue) -> TextDecoder;
    #[wasm_bindgen(method, catch)]
    fn decode(this: &TextDecoder, bytes: &Uint8Array) -> Result<JsString, JsValue>;
}

pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Error::invalid(Code::InvalidRequest, vec![Problem::new(field, message)]).into()
}

/// Most bytes at once: as text an envelope is a third longer, and a string of V8's has at most 2^29 characters.
const DATA_MAX: u32 = 1 << 27;

fn too_much(name: &str) -> Failure {
    let problem = Problem::limit(name, "more than 128 MiB at once; use encryptStream");
    Error::invalid(Code::InvalidRequest, vec![problem]).into()
}

/// Text or bytes, of a parameter of that name.
fn bytes_of(value: &Node, name: &str) -> Result<Uint8Array, Failure> {
    let bytes = match (value.bytes(), value.text()) {
        (Some(bytes), _) => bytes,
        (None, Some(text)) if text.unchecked_ref::<JsString>().length() <= DATA_MAX => {
            TextEncoder::new().encode(text.unchecked_ref())
        }
        (None, Some(_)) => return Err(too_much(name)),
        (None, None) => return Err(invalid(name, expected_secret("a string or a Uint8Array", value.kind()))),
    };
    if bytes.length() > DATA_MAX { Err(too_much(name)) } else { Ok(bytes) }
}

/// Associated data; nothing and no text are the same, as in the official SDKs.
pub(crate) fn associated(value: &Node) -> Result<Vec<u8>, Failure> {
    if value.is_absent() {
        Ok(Vec::new())
    } else {
        bytes_of(value, "associatedData").map(|bytes| bytes.to_vec())
    }
}

fn layout(options: &Node) -> Result<Layout, Failure> {
    let member = options.member("layout");
    if member.is_absent() {
        return Ok(Layout::Standard);
    }
    let named = member.string().and_then(|name| Layout::parse(&name));
    named.ok_or_else(|| invalid("layout", "expected \"standard\" or \"go\""))
}

/// How an envelope is made and given out.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    layout: Layout,
    as_bytes: bool,
    ciphers: Ciphers,
}

impl Output {
    pub(crate) fn read(options: &Node, as_bytes: bool, ciphers: Ciphers) -> Result<Self, Failure> {
        Ok(Output { layout: layout(options)?, as_bytes, ciphers })
    }
}

/// What is to be encrypted, checked.
pub(crate) struct Plain {
    data: Uint8Array,
    aad: Vec<u8>,
}

impl Plain {
    pub(crate) fn read(data: &Node, aad: &Node) -> Result<Self, Failure> {
        Ok(Plain { data: bytes_of(data, "data")?, aad: associated(aad)? })
    }

    /// How many bytes there are to encrypt.
    pub(crate) fn length(&self) -> u64 {
        u64::from(self.data.length())
    }
}

/// What is to be decrypted: bytes that have at least one reading, and what they were bound to.
pub(crate) struct Sealed {
    bytes: Vec<u8>,
    aad: Vec<u8>,
    ciphers: Ciphers,
}

impl Sealed {
    pub(crate) fn read(envelope: &Node, aad: &Node, ciphers: Ciphers) -> Result<Self, Failure> {
        let aad = associated(aad)?;
        let length = envelope.js().dyn_ref::<JsString>().map_or(0, JsString::length);
        if length > DATA_MAX * 2 {
            return Err(too_much("envelope"));
        }
        let bytes = match (envelope.bytes(), envelope.string()) {
            (Some(bytes), _) if bytes.length() > DATA_MAX * 2 => return Err(too_much("envelope")),
            (Some(bytes), _) => bytes.to_vec(),
            (None, Some(text)) => envelope::from_text(&text)?,
            (None, None) => {
                return Err(invalid("envelope", expected("a string or a Uint8Array", envelope.kind())));
            }
        };
        envelope::candidates(&bytes)?;
        Ok(Sealed { bytes, aad, ciphers })
    }

    /// The readings, the likeliest first.
    pub(crate) fn readings(&self) -> Vec<Parts<'_>> {
        envelope::candidates(&self.bytes).unwrap_or_default()
    }

    /// The plaintext by a key, if it fits this reading.
    pub(crate) async fn open(
        &self,
        key: &Key,
        parts: &Parts<'_>,
        as_bytes: bool,
    ) -> Result<Option<JsValue>, Failure> {
        let opened = if self.ciphers.opened_by_runtime(parts.ciphertext.len(), parts.nonce) {
            let sealed = join(&[], &Uint8Array::from(parts.ciphertext), parts.tag);
            RuntimeKey::import(key).await?.open(parts.nonce, &self.aad, &sealed).await?
        } else {
            let mut buffer = Zeroizing::new(parts.ciphertext.to_vec());
            let opened = cipher::open(key, parts.nonce, &self.aad, &mut buffer, parts.tag);
            opened.is_ok().then(|| Uint8Array::from(&buffer[..]))
        };
        match opened {
            None => Ok(None),
            Some(plaintext) if as_bytes => Ok(Some(plaintext.into())),
            Some(plaintext) => plain_text(&plaintext).map(Some),
        }
    }

    /// The plaintext by whichever reading opens. `key_of` is asked once for each distinct key blob, and has nothing
    /// for one that is not the service's.
    pub(crate) async fn open_with(
        &self,
        as_bytes: bool,
        mut key_of: impl AsyncFnMut(&[u8]) -> Result<Option<Rc<Key>>, Failure>,
    ) -> Result<JsValue, Failure> {
        let readings = self.readings();
        let mut known: Vec<(&[u8], Option<Rc<Key>>)> = Vec::with_capacity(2);
        for parts in &readings {
            if !known.iter().any(|(blob, _)| *blob == parts.keys) {
                known.push((parts.keys, key_of(parts.keys).await?));
            }
            let key = known.iter().find(|(blob, _)| *blob == parts.keys).and_then(|(_, key)| key.as_ref());
            let Some(key) = key else { continue };
            if let Some(plaintext) = self.open(key, parts, as_bytes).await? {
                return Ok(plaintext);
            }
        }
        Err(cipher::failed().into())
    }
}

/// A data key and its wrapped copies.
pub(crate) struct Pair {
    pub(crate) key: Rc<Key>,
    pub(crate) keys: Rc<[u8]>,
}

impl Pair {
    /// From `createDataKey`'s result.
    pub(crate) fn read(pair: &Node) -> Result<Self, Failure> {
        let key = supplied_key(&pair.member("dataKey"), "dataKey")?;
        let keys = pair.member("encryptedKeys").string().and_then(|text| envelope::from_text(&text).ok());
        let message = "expected base64, as createDataKey returned it";
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| invalid("encryptedKeys", message))?;
        Ok(Pair { key, keys: keys.into() })
    }

    /// An envelope under a fresh nonce.
    pub(crate) async fn seal(&self, plain: &Plain, output: Output) -> Result<JsValue, Failure> {
        let Plain { data, aad } = plain;
        let nonce: [u8; NONCE_BYTES] = transport::random()?;
        let envelope = if output.ciphers.by_runtime(data.length()) {
            let sealed = RuntimeKey::import(&self.key).await?.seal(&nonce, aad, data).await?;
            let length = sealed.length() - TAG_LENGTH;
            let mut tag = [0; TAG_BYTES];
            sealed.subarray(length, sealed.length()).copy_to(&mut tag);
            let (prefix, suffix) = envelope::frame(output.layout, &nonce, &tag, &self.keys)?;
            join(&prefix, &sealed.subarray(0, length), &suffix)
        } else {
            let mut buffer = Zeroizing::new(data.to_vec());
            let tag = cipher::seal(&self.key, &nonce, aad, &mut buffer)?;
            let (prefix, suffix) = envelope::frame(output.layout, &nonce, &tag, &self.keys)?;
            let envelope = [&prefix, &buffer[..], &suffix].concat();
            if !output.as_bytes {
                return Ok(envelope::to_text(&envelope).into());
            }
            Uint8Array::from(&envelope[..])
        };
        if output.as_bytes { Ok(envelope.into()) } else { text(&envelope) }
    }
}

/// A key that the caller has: `{key}`, or the base64 by itself.
pub(crate) fn supplied_key(given: &Node, field: &str) -> Result<Rc<Key>, Failure> {
    let member = if given.js().is_string() { given.clone() } else { given.member("key") };
    let text = Zeroizing::new(member.string().unwrap_or_default());
    let key = Key::from_base64(&text).map(Rc::new);
    key.ok_or_else(|| invalid(field, "expected 32 bytes in base64, as createDataKey returned them"))
}

/// An envelope of which nothing but the keys is another: text for text, bytes for bytes.
pub(crate) fn with_keys(parts: &Parts<'_>, keys: &[u8], as_bytes: bool) -> Result<JsValue, Failure> {
    let (prefix, suffix) = envelope::frame(parts.layout, parts.nonce, parts.tag, keys)?;
    let envelope = join(&prefix, &Uint8Array::from(parts.ciphertext), &suffix);
    if as_bytes { Ok(envelope.into()) } else { text(&envelope) }
}

fn join(prefix: &[u8], middle: &Uint8Array, suffix: &[u8]) -> Uint8Array {
    let (first, last) = (Uint8Array::from(prefix), Uint8Array::from(suffix));
    let joined = Uint8Array::new_with_length(first.length() + middle.length() + last.length());
    joined.set(&first, 0);
    joined.set(middle, first.length());
    joined.set(&last, first.length() + middle.length());
    joined
}

/// Base64 by the runtime where it can (ES2026 `Uint8Array.prototype.toBase64`), else here.
fn text(envelope: &Uint8Array) -> Result<JsValue, Failure> {
    match Reflect::get(envelope, &"toBase64".into()).map(JsCast::dyn_into::<Function>) {
        Ok(Ok(to_base64)) => to_base64.call0(envelope).map_err(broken),
        _ => Ok(envelope::to_text(&envelope.to_vec()).into()),
    }
}

fn plain_text(plaintext: &Uint8Array) -> Result<JsValue, Failure> {
    let options = Object::new();
    for name in ["fatal", "ignoreBOM"] {
        Reflect::set(&options, &name.into(), &JsValue::TRUE).map_err(broken)?;
    }
    let text = TextDecoder::new("utf-8", &options).decode(plaintext);
    text.map(Into::into)
        .map_err(|_| invalid("envelope", "it holds bytes that are not text; use decryptBytes"))
}
