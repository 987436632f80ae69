//! Streams: the key of one, and its chunks sealed or opened. What cuts the bytes into chunks is TypeScript's
//! (`js/src/streams.ts`), so that those which WebCrypto encrypts never enter this module's memory.

use crate::call::{Call, CallOptions, whole};
use crate::client::{Inner, Promised, call, run};
use crate::crypt::{Ciphers, RuntimeKey};
use crate::failure::Failure;
use crate::key_source::KeySource;
use crate::local::associated;
use crate::transport;
use crate::tree::Node;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use vault_core::cipher::{self, Key, NONCE_BYTES, TAG_BYTES};
use vault_core::keys::CreateDataKey;
use vault_core::stream::{CHUNK_DEFAULT, CHUNK_MAX, CHUNK_MIN, Chunks, Header};
use vault_core::tree::Tree;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

enum StreamKey {
    Here(Rc<Key>),
    Runtime(RuntimeKey),
}

struct Stream {
    header: Vec<u8>,
    chunk_bytes: u32,
    aad: Vec<u8>,
    chunks: RefCell<Chunks>,
    key: StreamKey,
}

/// A stream to seal or to open, chunk by chunk.
#[wasm_bindgen]
pub struct CoreStream(Rc<Stream>);

impl CoreStream {
    async fn new(header: &Header, key: Rc<Key>, aad: &[u8], ciphers: Ciphers) -> Result<Self, Failure> {
        let key = if ciphers.by_runtime(header.chunk_bytes) {
            StreamKey::Runtime(RuntimeKey::import(&key).await?)
        } else {
            StreamKey::Here(key)
        };
        Ok(CoreStream(Rc::new(Stream {
            header: header.write()?,
            chunk_bytes: header.chunk_bytes,
            aad: header.aad(aad),
            chunks: RefCell::new(Chunks::new(header)),
            key,
        })))
    }
}

#[wasm_bindgen]
impl CoreStream {
    /// What the stream begins with.
    #[wasm_bindgen(getter)]
    pub fn header(&self) -> Result<Uint8Array, JsValue> {
        Ok(Uint8Array::from(&self.0.header[..]))
    }

    /// Bytes of plaintext in each chunk but the last.
    #[wasm_bindgen(getter, js_name = chunkBytes)]
    pub fn chunk_bytes(&self) -> u32 {
        self.0.chunk_bytes
    }

    /// The next chunk, sealed: ciphertext and tag.
    pub fn seal(&self, plaintext: Uint8Array, last: bool) -> Promised {
        let stream = self.0.clone();
        Ok(run(async move {
            let nonce = stream.chunks.borrow_mut().seal(plaintext.length() as usize, last)?;
            match &stream.key {
                StreamKey::Runtime(key) => Ok(key.seal(&nonce, &stream.aad, &plaintext).await?.into()),
                StreamKey::Here(key) => {
                    let mut buffer = Zeroizing::new(plaintext.to_vec());
                    let tag = cipher::seal(key, &nonce, &stream.aad, &mut buffer)?;
                    Ok(Uint8Array::from(&[&buffer[..], &tag].concat()[..]).into())
                }
            }
        }))
    }

    /// The next chunk, opened, if it is the one that belongs here.
    pub fn open(&self, sealed: Uint8Array, last: bool) -> Promised {
        let stream = self.0.clone();
        Ok(run(async move {
            let nonce = stream.chunks.borrow_mut().open(sealed.length() as usize, last)?;
            let opened = stream.open(&nonce, &sealed).await?;
            let error = || Error::new(Code::DecryptionFailed, "the stream could not be decrypted");
            Ok(opened.ok_or_else(error)?.into())
        }))
    }
}

impl Stream {
    async fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        sealed: &Uint8Array,
    ) -> Result<Option<Uint8Array>, Failure> {
        match &self.key {
            StreamKey::Runtime(key) => key.open(nonce, &self.aad, sealed).await,
            StreamKey::Here(key) => {
                let sealed = sealed.to_vec();
                let (ciphertext, tag) = sealed.split_at(sealed.len().saturating_sub(TAG_BYTES));
                let mut buffer = Zeroizing::new(ciphertext.to_vec());
                let opened = cipher::open(key, nonce, &self.aad, &mut buffer, tag);
                Ok(opened.is_ok().then(|| Uint8Array::from(&buffer[..])))
            }
        }
    }
}

/// A stream that is to be sealed: what is wrong with its arguments was told, its key is to be asked for.
#[wasm_bindgen]
pub struct CoreSealing {
    client: Rc<Inner>,
    create: CreateDataKey,
    aad: Vec<u8>,
    chunk_bytes: u32,
    options: CallOptions,
    /// The request for the key, while it is under way.
    call: RefCell<Weak<Call>>,
}

impl CoreSealing {
    pub(crate) fn new(client: Rc<Inner>, context: JsValue, options: JsValue) -> Result<Self, Failure> {
        let create = client.create_for(context)?;
        let node = Node::from(options.clone());
        let aad = associated(&node.member("associatedData"))?;
        let chunk_bytes = whole(&node, "chunkSize", CHUNK_MIN, CHUNK_MAX)
            .map_err(|problem| Error::invalid(Code::InvalidRequest, vec![problem]))?
            .unwrap_or(CHUNK_DEFAULT);
        let options = client.call_options(options, &["associatedData", "chunkSize"])?;
        Ok(CoreSealing { client, create, aad, chunk_bytes, options, call: RefCell::default() })
    }
}

#[wasm_bindgen]
impl CoreSealing {
    /// The stream, under a data key of its own.
    pub fn start(&self) -> Promised {
        let (client, create, aad) = (self.client.clone(), self.create.clone(), self.aad.clone());
        let chunk_bytes = self.chunk_bytes;
        let read = || started(&client, &self.options, &self.call).map(|call| (client, create, aad, call));
        call(read, move |(client, create, aad, call)| async move {
            let pair = client.fresh_pair(create, &call).await?;
            let header = Header { chunk_bytes, nonce_prefix: transport::random()?, keys: pair.keys.to_vec() };
            Ok(CoreStream::new(&header, pair.key, &aad, client.settings.ciphers).await?.into())
        })
    }
}

impl Drop for CoreSealing {
    fn drop(&mut self) {
        cancel(&self.call);
    }
}

fn started(
    client: &Inner,
    options: &CallOptions,
    under_way: &RefCell<Weak<Call>>,
) -> Result<Rc<Call>, Failure> {
    client.open()?;
    let call = Rc::new(options.start()?);
    under_way.replace(Rc::downgrade(&call));
    Ok(call)
}

/// Ends a request that is under way: nobody waits for its key any more.
fn cancel(under_way: &RefCell<Weak<Call>>) {
    let call = under_way.borrow().upgrade();
    if let Some(call) = call {
        call.cut.cancel();
    }
}

/// What a stream that is to be opened needs: checked at once, used when its header is there.
#[wasm_bindgen]
pub struct CoreOpening {
    source: KeySource,
    aad: Vec<u8>,
    options: CallOptions,
    call: RefCell<Weak<Call>>,
}

impl Drop for CoreOpening {
    fn drop(&mut self) {
        cancel(&self.call);
    }
}

impl CoreOpening {
    pub(crate) fn new(source: KeySource, options: JsValue) -> Result<Self, Failure> {
        let aad = associated(&Node::from(options.clone()).member("associatedData"))?;
        let options = source.client.call_options(options, &["associatedData"])?;
        Ok(CoreOpening { source, aad, options, call: RefCell::default() })
    }
}

#[wasm_bindgen]
impl CoreOpening {
    /// How long the header is that these bytes begin with; nothing where it goes on beyond them.
    #[wasm_bindgen(js_name = headerLength)]
    pub fn header_length(&self, bytes: &[u8]) -> Result<Option<u32>, JsValue> {
        let header = Header::read(bytes).map_err(Failure::from)?;
        Ok(header.and_then(|(_, length)| u32::try_from(length).ok()))
    }

    /// The stream that a whole header begins.
    pub fn start(&self, header: &[u8]) -> Promised {
        let (source, aad) = (self.source.clone(), self.aad.clone());
        let start = || started(&source.client, &self.options, &self.call);
        call(
            || match Header::read(header)? {
                Some((header, _)) => Ok((source.clone(), aad, start()?, header)),
                None => {
                    Err(Error::new(Code::MalformedEnvelope, "stream: it is cut off in its header").into())
                }
            },
            |(source, aad, call, header)| async move {
                let key = source.unwrap(&header.keys, &call).await?;
                let key = key.ok_or_else(cipher::failed)?;
                Ok(CoreStream::new(&header, key, &aad, source.ciphers()).await?.into())
            },
        )
    }
}
