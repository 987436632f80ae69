// AES-GCM by one of three ciphers that make the same bytes: Node's own, at once and by the processor's AES instructions;
// WebCrypto, which has those too and costs an import of the key and two promises; and this package's, in WebAssembly, where
// an entry provides it. Which is quickest for how many bytes is in docs/performance.md.
import { failed, guarded } from '../errors.js';
import type { Bytes, VaultClientOptions } from '../types.js';
import { builtin, decodeOwn, isDeno, isWorkerd } from './runtime.js';

export type Cipher = NonNullable<VaultClientOptions['cipher']>;

/**
 * Up to how many bytes Node's cipher is used where there is one, and from how many on WebCrypto rather than this package:
 * workerd's WebCrypto is quicker than all else but for a few bytes, and Deno's than its Node's for many.
 */
const [NODES_BELOW, RUNTIME_FROM] = isWorkerd ? [0, 256] : isDeno ? [1 << 14, 4096] : [1 << 30, 4096];
/** A nonce that every runtime's ciphers take; Deno's refuse the 32 bytes of old Go envelopes. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** A key in the memory of this package's own cipher. Freeing it wipes it. */
interface OwnKey {
  /** Ciphertext and tag. */
  seal(nonce: Uint8Array, aad: Uint8Array, data: Uint8Array): Uint8Array | undefined;
  /** The plaintext, where the tag fits. */
  open(nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array): Uint8Array | undefined;
  free(): void;
}
type MakeOwn = (raw: Uint8Array) => OwnKey | undefined;

let loadOwn: (() => MakeOwn) | undefined;
let makeOwn: MakeOwn | { failure: unknown } | undefined;

/** Provides this package's own cipher, which is loaded when it is first needed. */
export function provideOwn(load: () => MakeOwn): void {
  loadOwn ??= load;
}

/** Whether it is provided. */
export const isProvided = () => loadOwn !== undefined;

/** Whether it is there. A page may not be allowed to compile it. */
function hasOwn(): boolean {
  if (makeOwn === undefined && loadOwn !== undefined)
    try {
      makeOwn = loadOwn();
    } catch (failure) {
      makeOwn = { failure };
    }
  return typeof makeOwn === 'function';
}

/** Wipes the bytes of a key that was dropped without being released, as a keyring's is that nobody closed. */
const dropped =
  typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<Bytes>((raw) => raw.fill(0))
    : undefined;

/** A data key as text: base64, which was checked. */
interface KeyText {
  key: string;
  /** Its wrapped copies; nothing where they are not known. */
  keys: string;
}

/**
 * A data key. Whoever holds it releases it; it is wiped by the last. One that is used once stays the text that it came as;
 * any other use makes bytes of it, which can be wiped.
 */
export class SharedKey {
  /** Its wrapped copies, in base64. */
  readonly keys: string;
  #text: string | undefined;
  #raw: Bytes | undefined;
  #own: OwnKey | undefined;
  #imported: CryptoKey | undefined;
  #holders = 1;
  #uses = 0;
  /** Of one that is kept, when it came, in milliseconds: from then on its age counts. */
  born = 0;
  /** Of one that is kept, how many messages and bytes were encrypted with it. */
  messages = 0;
  bytes = 0;

  constructor({ key, keys }: KeyText) {
    this.#text = key;
    this.keys = keys;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#raw?.fill(0);
    dropped?.unregister(this);
    this.#text = this.#raw = this.#imported = undefined;
    try {
      this.#own?.free();
    } catch {
      // Where the module has trapped that cannot be done, and is nobody's trouble.
    }
    this.#own = undefined;
  }

  /** Makes bytes of it: for one that is kept, which its text would outlive, and whose age counts from now. */
  keep(): this {
    this.hold();
    this.born = Date.now();
    this.#bytes();
    return this;
  }

  #bytes(): Bytes {
    if (this.#raw === undefined) {
      const decoded = decodeOwn(this.#text as string);
      // In a buffer of its own: a garbage collector moves what is small, and leaves copies behind.
      this.#raw = new Uint8Array(new ArrayBuffer(decoded.length));
      this.#raw.set(decoded);
      decoded.fill(0);
      dropped?.register(this, this.#raw, this);
      this.#text = undefined;
    }
    return this.#raw;
  }

  /** Whether it has been used, or is kept: then a few bytes are done quickest by this package's own cipher. */
  get isUsedAgain(): boolean {
    return this.#raw !== undefined || this.#uses > 0;
  }

  /** Does something with its bytes, which nobody else keeps. */
  with<T>(work: (raw: Bytes) => T): T {
    this.#uses++;
    if (this.#text === undefined) return work(this.#bytes());
    const raw = decodeOwn(this.#text);
    try {
      return work(raw);
    } finally {
      raw.fill(0);
    }
  }

  /** The key in the memory of this package's own cipher. */
  get own(): OwnKey {
    if (!hasOwn()) throw broken((makeOwn as { failure: unknown } | undefined)?.failure);
    this.#own ??= guarded(() => (makeOwn as MakeOwn)(this.#bytes()));
    if (this.#own === undefined) throw broken(undefined);
    return this.#own;
  }

  /** The key within WebCrypto, which does not give it back. */
  async imported(): Promise<CryptoKey> {
    if (this.#imported !== undefined) return this.#imported;
    try {
      // The import copies the key before it returns.
      const importing = this.with((raw) =>
        crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']),
      );
      // What is kept is the key and no promise, which may fail, or never settle.
      this.#imported = await importing;
      return this.#imported;
    } catch (cause) {
      throw broken(cause);
    }
  }
}

/** What encryption makes. */
export interface Sealed {
  ciphertext: Uint8Array;
  tag: Uint8Array;
}

interface NodeCipher {
  setAAD(aad: Uint8Array): void;
  update(data: Uint8Array): Bytes;
  final(): Bytes;
  getAuthTag(): Bytes;
  setAuthTag(tag: Uint8Array): void;
}
type Create = (
  name: 'aes-256-gcm',
  key: Uint8Array,
  nonce: Uint8Array,
  options: { authTagLength: 16 },
) => NodeCipher;
interface NodeCrypto {
  createCipheriv?: Create;
  createDecipheriv?: Create;
}
let known: NodeCrypto | undefined;
/** Looked for when it is first needed: loading it takes a process longer than a call. */
function nodes(): NodeCrypto {
  known ??= builtin<NodeCrypto>('node:crypto') ?? {};
  return known;
}

function prepared(create: Create, key: SharedKey, nonce: Uint8Array, aad: Uint8Array): NodeCipher {
  try {
    const cipher = key.with((raw) => create('aes-256-gcm', raw, nonce, { authTagLength: TAG_BYTES }));
    if (aad.length > 0) cipher.setAAD(aad);
    return cipher;
  } catch (cause) {
    throw broken(cause);
  }
}

/** Up to so many bytes Node's cipher takes longer to set up than this package's takes for all. */
const FEW_BYTES = 64;

/** Whether Node's cipher is there for so many bytes, and is the quickest. Not for none: some stand-ins fail then. */
function isNodes(cipher: Cipher, length: number, key?: SharedKey): boolean {
  if (cipher !== 'auto' || length === 0 || length >= NODES_BELOW) return false;
  return !(length <= FEW_BYTES && key?.isUsedAgain && hasOwn()) && nodes().createCipheriv !== undefined;
}

/** Whether so many bytes are WebCrypto's, and so done aside. */
export function isAside(cipher: Cipher, length: number): boolean {
  if (cipher !== 'auto') return cipher === 'webcrypto';
  return !isNodes(cipher, length) && (length >= RUNTIME_FROM || !hasOwn());
}

/** Ciphertext and tag; at once, where WebCrypto is not needed. */
export function seal(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  data: Uint8Array,
  cipher: Cipher,
): Sealed | Promise<Sealed> {
  if (isNodes(cipher, data.length, key)) {
    const sealing = prepared(nodes().createCipheriv as Create, key, nonce, aad);
    try {
      const ciphertext = sealing.update(data);
      sealing.final();
      return { ciphertext, tag: sealing.getAuthTag() };
    } catch (cause) {
      throw broken(cause);
    }
  }
  if (isAside(cipher, data.length)) return sealByRuntime(key, nonce, aad, data);
  const sealed = guarded(() => key.own.seal(nonce, aad, data));
  if (sealed === undefined) throw broken(undefined);
  return parts(sealed);
}

async function sealByRuntime(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  data: Uint8Array,
): Promise<Sealed> {
  const imported = await key.imported();
  try {
    return parts(new Uint8Array(await crypto.subtle.encrypt(algorithm(nonce, aad), imported, data as Bytes)));
  } catch (cause) {
    throw broken(cause);
  }
}

function parts(sealed: Uint8Array): Sealed {
  const length = sealed.length - TAG_BYTES;
  return { ciphertext: sealed.subarray(0, length), tag: sealed.subarray(length) };
}

/** The plaintext, where the tag fits; at once, where WebCrypto is not needed. */
export function open(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  { ciphertext, tag }: Sealed,
  cipher: Cipher,
): Bytes | undefined | Promise<Bytes | undefined> {
  const isUsual = nonce.length === NONCE_BYTES;
  if (isUsual && isNodes(cipher, ciphertext.length, key)) {
    const opening = prepared(nodes().createDecipheriv as Create, key, nonce, aad);
    let plaintext: Bytes;
    try {
      opening.setAuthTag(tag);
      plaintext = opening.update(ciphertext);
    } catch (cause) {
      throw broken(cause);
    }
    try {
      opening.final();
    } catch {
      plaintext.fill(0);
      return undefined;
    }
    // Node's is a `Buffer`, which may be a part of a larger one; whoever gets it is to have its bytes and no others.
    const { buffer, byteOffset, length } = plaintext;
    return buffer.byteLength === length
      ? new Uint8Array(buffer, byteOffset, length)
      : new Uint8Array(plaintext);
  }
  const isTheirs = cipher === 'webcrypto' || (isUsual && isAside(cipher, ciphertext.length));
  if (isTheirs || (cipher === 'auto' && !hasOwn()))
    return openByRuntime(key, nonce, aad, { ciphertext, tag });
  return guarded(() => key.own.open(nonce, aad, ciphertext, tag)) as Bytes | undefined;
}

async function openByRuntime(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  { ciphertext, tag }: Sealed,
): Promise<Bytes | undefined> {
  // Before anything is waited for: the ciphertext may be in a buffer that is used again.
  const sealed = joined(ciphertext, tag);
  const imported = await key.imported();
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm(nonce, aad), imported, sealed));
  } catch (cause) {
    const { name } = cause as { name?: unknown };
    // WebCrypto's word for a tag that does not fit.
    if (name === 'OperationError') return undefined;
    // A length of nonce that this runtime does not take, so no reading of the envelope for it.
    if (name === 'NotSupportedError' && nonce.length !== NONCE_BYTES) return undefined;
    throw broken(cause);
  }
}

/** Web Cryptography API, section 29.3. */
function algorithm(iv: Uint8Array, aad: Uint8Array): AesGcmParams {
  const algorithm: AesGcmParams = { name: 'AES-GCM', iv: iv as Bytes };
  if (aad.length > 0) algorithm.additionalData = aad as Bytes;
  return algorithm;
}

/** The runtime's crypto failed where it should not. */
function broken(cause: unknown) {
  return failed('internal', "the runtime's crypto does not work here", '', cause);
}

export function joined(...pieces: Uint8Array[]): Bytes {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
