//! Local encryption: data under a data key of its own, in an envelope that every official SDK reads.
//!
//! Two ciphers make the same bytes. Below [`WEB_CRYPTO_FROM`] AES-GCM runs in this module: no key import, no
//! promise. From there on it is the runtime's WebCrypto, which has the processor's AES instructions but costs an
//! import of the key and two promises. `encryptWith` as a whole, this build, Node 20 on two cores, microseconds,
//! medians of 400 in each of two runs, the threshold then at 4,096:
//!
//! | bytes | here | WebCrypto |
//! |---|---|---|
//! | 16 | 16, 31 | |
//! | 1,024 | 31, 31 | |
//! | 2,048 | 46, 46 | |
//! | 4,095 | 82, 82 | |
//! | 4,096 | | 143, 159 |
//! | 8,192 | | 142, 183 |
//! | 65,536 | | 256, 315 |
//!
//! So here it is 17 µs a KiB and some 13 µs a call, and they cross at about 8 KiB.

use crate::call::Call;
use crate::client::Inner;
use crate::failure::Failure;
use crate::transport;
use crate::tree::Node;
use js_sys::{Array, ArrayBuffer, Function, JsString, Object, Promise, Reflect, Uint8Array};
use vault_core::cipher::{self, KEY_BYTES, Key, NONCE_BYTES, TAG_BYTES};
use vault_core::envelope::{self, Layout, Parts};
use vault_core::http::Operation;
use vault_core::keys::{CreateDataKey, CreateRekey, DataKey, DataKeyPair, DecryptDataKey};
use vault_core::tree::{Tree, expected, expected_secret};
use vault_core::{Code, Error, KeyContext, Problem};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

/// From how many bytes on WebCrypto is the quicker cipher.
const WEB_CRYPTO_FROM: u32 = 8192;
/// [`TAG_BYTES`], as JavaScript counts.
#[allow(clippy::cast_possible_truncation)]
const TAG_LENGTH: u32 = TAG_BYTES as u32;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = encrypt, catch)]
    fn subtle_encrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = decrypt, catch)]
    fn subtle_decrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;

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

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Error::invalid(Code::InvalidRequest, vec![Problem::new(field, message)]).into()
}

fn internal(cause: JsValue) -> Failure {
    let error = Error::new(Code::Internal, "the runtime's crypto does not work here");
    Failure::Vault { error, cause: Some(cause) }
}

/// Most bytes at once: as text an envelope is a third longer, and a string of V8's has at most 2^29 characters.
const DATA_MAX: u32 = 1 << 27;

fn too_much(name: &str) -> Failure {
    let problem = Problem::limit(name, "more than 128 MiB at once; encrypt it in parts");
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
fn associated(value: &Node) -> Result<Vec<u8>, Failure> {
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

/// A data key from its base64, which the answer's reader has checked.
fn key_of(data_key: &DataKey<JsValue>) -> Result<Key, Failure> {
    let text = Zeroizing::new(data_key.key.as_string().unwrap_or_default());
    let bytes = Zeroizing::new(envelope::from_text(&text)?);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() != KEY_BYTES {
        return Err(Error::new(Code::MalformedResponse, "data_key: expected 32 bytes in base64").into());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// How an envelope is given out.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) layout: Layout,
    pub(crate) as_bytes: bool,
}

impl Output {
    pub(crate) fn read(options: &Node, as_bytes: bool) -> Result<Self, Failure> {
        Ok(Output { layout: layout(options)?, as_bytes })
    }
}

/// What is to be encrypted, checked.
pub(crate) struct Plain {
    data: Uint8Array,
    aad: Vec<u8>,
}

impl Plain {
    /// How many bytes there are to encrypt.
    pub(crate) fn length(&self) -> u64 {
        u64::from(self.data.length())
    }

    pub(crate) fn read(data: &Node, aad: &Node) -> Result<Self, Failure> {
        Ok(Plain { data: bytes_of(data, "data")?, aad: associated(aad)? })
    }
}

/// What is to be decrypted: bytes that have at least one reading, and what they were bound to.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    aad: Vec<u8>,
}

impl Sealed {
    pub(crate) fn read(envelope: &Node, aad: &Node) -> Result<Self, Failure> {
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
        Ok(Sealed { bytes, aad })
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
        match open(key, parts, &self.aad).await? {
            None => Ok(None),
            Some(plaintext) if as_bytes => Ok(Some(plaintext.into())),
            Some(plaintext) => plain_text(&plaintext).map(Some),
        }
    }
}

/// A data key and its wrapped copies.
pub(crate) struct Pair {
    key: Key,
    keys: Vec<u8>,
}

impl Pair {
    pub(crate) fn of(key: Key, keys: Vec<u8>) -> Self {
        Pair { key, keys }
    }

    pub(crate) fn into_parts(self) -> (Key, Vec<u8>) {
        (self.key, self.keys)
    }

    /// From `createDataKey`'s result.
    pub(crate) fn read(pair: &Node) -> Result<Self, Failure> {
        let key = supplied_key(&pair.member("dataKey"), "dataKey")?;
        let keys = pair.member("encryptedKeys").string().and_then(|text| envelope::from_text(&text).ok());
        let message = "expected base64, as createDataKey returned it";
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| invalid("encryptedKeys", message))?;
        Ok(Pair { key, keys })
    }

    /// An envelope under a fresh nonce.
    pub(crate) async fn seal(&self, plain: &Plain, output: Output) -> Result<JsValue, Failure> {
        let Plain { data, aad } = plain;
        let nonce: [u8; NONCE_BYTES] = transport::random()?;
        let envelope = if data.length() < WEB_CRYPTO_FROM {
            let mut buffer = Zeroizing::new(data.to_vec());
            let tag = cipher::seal(&self.key, &nonce, aad, &mut buffer)?;
            let (prefix, suffix) = envelope::frame(output.layout, &nonce, &tag, &self.keys)?;
            let envelope = [&prefix, &buffer[..], &suffix].concat();
            if !output.as_bytes {
                return Ok(envelope::to_text(&envelope).into());
            }
            Uint8Array::from(&envelope[..])
        } else {
            let sealed = web_crypto(&self.key, &nonce, aad, data, "encrypt").await?;
            let length = sealed.length() - TAG_LENGTH;
            let mut tag = [0; TAG_BYTES];
            sealed.subarray(length, sealed.length()).copy_to(&mut tag);
            let (prefix, suffix) = envelope::frame(output.layout, &nonce, &tag, &self.keys)?;
            join(&prefix, &sealed.subarray(0, length), &suffix)
        };
        if output.as_bytes { Ok(envelope.into()) } else { text(&envelope) }
    }
}

/// A key that the caller has: `{key}`, or the base64 by itself.
pub(crate) fn supplied_key(given: &Node, field: &str) -> Result<Key, Failure> {
    let member = if given.js().is_string() { given.clone() } else { given.member("key") };
    let text = Zeroizing::new(member.string().unwrap_or_default());
    let bytes = Zeroizing::new(envelope::from_text(&text).unwrap_or_default());
    let key = <[u8; KEY_BYTES]>::try_from(&bytes[..]).map(Zeroizing::new);
    key.map_err(|_| invalid(field, "expected 32 bytes in base64, as createDataKey returned them"))
}

impl Inner {
    /// A fresh data key for a context.
    pub(crate) async fn fresh_pair(&self, create: CreateDataKey, call: &Call) -> Result<Pair, Failure> {
        let answer = self.send(&create.into_request(), call).await?;
        self.check_context(&answer)?;
        let pair = DataKeyPair::read_answer(Operation::CreateDataKey, &answer)?;
        let keys = envelope::from_text(&pair.encrypted_keys.as_string().unwrap_or_default())?;
        Ok(Pair { key: key_of(&pair.data_key)?, keys })
    }

    /// An envelope of data under a data key of its own.
    pub(crate) async fn encrypt(
        &self,
        plain: &Plain,
        create: CreateDataKey,
        output: Output,
        call: &Call,
    ) -> Result<JsValue, Failure> {
        let pair = self.fresh_pair(create, call).await?;
        call.cut.race(pair.seal(plain, output)).await?
    }

    /// The plaintext of an envelope.
    pub(crate) async fn decrypt(
        &self,
        sealed: &Sealed,
        call: &Call,
        as_bytes: bool,
    ) -> Result<JsValue, Failure> {
        let mut known: Vec<(&[u8], Option<Key>)> = Vec::with_capacity(2);
        for parts in sealed.readings() {
            // One call for a key blob, whatever becomes of it.
            if !known.iter().any(|(keys, _)| *keys == parts.keys) {
                known.push((parts.keys, self.unwrap_key(parts.keys, call).await?));
            }
            let key = known.iter().find(|(keys, _)| *keys == parts.keys).and_then(|(_, key)| key.as_ref());
            let Some(key) = key else { continue };
            if let Some(plaintext) = call.cut.race(sealed.open(key, &parts, as_bytes)).await?? {
                return Ok(plaintext);
            }
        }
        Err(cipher::failed().into())
    }

    /// The same envelope with its data key wrapped for another context. Which reading is right is for the
    /// service to say: the first whose keys it takes.
    pub(crate) async fn rekey(
        &self,
        sealed: &Sealed,
        context: &KeyContext,
        call: &Call,
        as_bytes: bool,
    ) -> Result<JsValue, Failure> {
        for parts in sealed.readings() {
            let rekey =
                CreateRekey { encrypted_keys: envelope::to_text(parts.keys), context: context.clone() };
            let answer = match self.send(&rekey.into_request(), call).await {
                Err(failure) if is_refusal(&failure) => continue,
                answer => answer?,
            };
            let pair = DataKeyPair::read_answer(Operation::CreateRekey, &answer)?;
            let keys = envelope::from_text(&pair.encrypted_keys.as_string().unwrap_or_default())?;
            let (prefix, suffix) = envelope::frame(parts.layout, parts.nonce, parts.tag, &keys)?;
            let envelope = join(&prefix, &Uint8Array::from(parts.ciphertext), &suffix);
            return if as_bytes { Ok(envelope.into()) } else { text(&envelope) };
        }
        Err(cipher::failed().into())
    }

    /// The data key of a blob, or nothing where the service does not take the blob for one of its own: then it
    /// was another reading's.
    pub(crate) async fn unwrap_key(&self, keys: &[u8], call: &Call) -> Result<Option<Key>, Failure> {
        let request = DecryptDataKey(envelope::to_text(keys)).into_request();
        match self.send(&request, call).await {
            Ok(answer) => key_of(&DataKey::read_answer(&answer)?).map(Some),
            Err(failure) if is_refusal(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether the service does not take a key blob for one of its own.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.code(), Some(Code::InvalidRequest | Code::NotFound | Code::ValidationFailed))
}

/// The plaintext where the tag fits.
async fn open(key: &Key, parts: &Parts<'_>, aad: &[u8]) -> Result<Option<Uint8Array>, Failure> {
    if parts.ciphertext.len() < WEB_CRYPTO_FROM as usize {
        let mut buffer = Zeroizing::new(parts.ciphertext.to_vec());
        let opened = cipher::open(key, parts.nonce, aad, &mut buffer, parts.tag);
        return Ok(opened.is_ok().then(|| Uint8Array::from(&buffer[..])));
    }
    let sealed = join(&[], &Uint8Array::from(parts.ciphertext), parts.tag);
    match web_crypto(key, parts.nonce, aad, &sealed, "decrypt").await {
        Ok(plaintext) => Ok(Some(plaintext)),
        // WebCrypto's word for a tag that does not fit; anything else is the runtime's trouble.
        Err(Failure::Vault { cause: Some(cause), .. })
            if Node::from(cause.clone()).member("name").string().as_deref() == Some("OperationError") =>
        {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// AES-GCM by the runtime (Web Cryptography API, section 29): ciphertext and tag from plaintext, or back.
async fn web_crypto(
    key: &Key,
    nonce: &[u8],
    aad: &[u8],
    data: &Uint8Array,
    usage: &str,
) -> Result<Uint8Array, Failure> {
    let raw = Uint8Array::from(&key[..]);
    let imported = import_key("raw", &raw, "AES-GCM", false, &Array::of1(&usage.into()));
    // The import copies the key before it returns.
    raw.fill(0, 0, raw.length());
    let imported = JsFuture::from(imported.map_err(internal)?).await.map_err(internal)?;
    let algorithm = Object::new();
    let set = |name: &str, value: &JsValue| Reflect::set(&algorithm, &name.into(), value).map_err(internal);
    set("name", &"AES-GCM".into())?;
    set("iv", &Uint8Array::from(nonce))?;
    if !aad.is_empty() {
        set("additionalData", &Uint8Array::from(aad))?;
    }
    let done = if usage == "encrypt" {
        subtle_encrypt(&algorithm, &imported, data)
    } else {
        subtle_decrypt(&algorithm, &imported, data)
    };
    let buffer = JsFuture::from(done.map_err(internal)?).await.map_err(internal)?;
    Ok(Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()))
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
        Ok(Ok(to_base64)) => to_base64.call0(envelope).map_err(internal),
        _ => Ok(envelope::to_text(&envelope.to_vec()).into()),
    }
}

fn plain_text(plaintext: &Uint8Array) -> Result<JsValue, Failure> {
    let options = Object::new();
    for name in ["fatal", "ignoreBOM"] {
        Reflect::set(&options, &name.into(), &JsValue::TRUE).map_err(internal)?;
    }
    let text = TextDecoder::new("utf-8", &options).decode(plaintext);
    text.map(Into::into)
        .map_err(|_| invalid("envelope", "it holds bytes that are not text; use decryptBytes"))
}
