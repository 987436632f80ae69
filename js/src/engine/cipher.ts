// AES-GCM by WebCrypto, or by a cipher that an entry provides, which makes the same bytes at once: Node's own, or this
// package's, in WebAssembly (`own-cipher.ts`). Which is quickest for how many bytes is in docs/performance.md.
import { failed } from '../errors.js';
import type { Bytes, VaultClientOptions } from '../types.js';
import { decodeOwn } from './runtime.js';

export type Cipher = NonNullable<VaultClientOptions['cipher']>;

/** A nonce that every runtime's ciphers take; Deno's refuse the 32 bytes of old Go envelopes. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** What encryption makes. */
export interface Sealed {
  ciphertext: Uint8Array;
  tag: Uint8Array;
  /** The ciphertext with the room that was asked for around it, where it was left. */
  within?: Bytes;
}

export type Room = readonly [before: number, after: number];

/** A cipher that does not wait. */
export interface Synchronous {
  /** `room`: bytes to leave free around the ciphertext. Nobody has to: it saves large ones a copy. */
  seal(key: SharedKey, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array, room?: Room): Sealed;
  /** The plaintext, where the tag fits. */
  open(key: SharedKey, nonce: Uint8Array, aad: Uint8Array, sealed: Sealed): Bytes | undefined;
}

/** Which one is to be used for so many bytes; nothing for WebCrypto. `isUsual`: whether the nonce is one that all take. */
type Choose = (cipher: Cipher, length: number, isUsual: boolean, key?: SharedKey) => Synchronous | undefined;
let choose: Choose | undefined;

/** Provides ciphers that do not wait. */
export function provideCiphers(chooses: Choose): void {
  choose ??= chooses;
}

/** Whether some are provided. */
export const isProvided = () => choose !== undefined;

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
  #imported: CryptoKey | undefined;
  /** The key in the memory of this package's own cipher, which freeing wipes. */
  own: { free(): void } | undefined;
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
      this.own?.free();
    } catch {
      // Where the module has trapped that cannot be done, and is nobody's trouble.
    }
    this.own = undefined;
  }

  /** Makes bytes of it: for one that is kept, which its text would outlive, and whose age counts from now. */
  keep(): this {
    this.hold();
    this.born = Date.now();
    this.raw();
    return this;
  }

  /** Its bytes, which are kept until it is released. */
  raw(): Bytes {
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
    if (this.#text === undefined) return work(this.raw());
    const raw = decodeOwn(this.#text);
    try {
      return work(raw);
    } finally {
      raw.fill(0);
    }
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

/** Whether so many bytes are WebCrypto's, and so done aside. */
export function isAside(cipher: Cipher, length: number): boolean {
  return choose?.(cipher, length, true) === undefined;
}

/** Ciphertext and tag; at once, where WebCrypto is not needed. */
export function seal(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  data: Uint8Array,
  cipher: Cipher,
  room?: Room,
): Sealed | Promise<Sealed> {
  const chosen = choose?.(cipher, data.length, true, key);
  return chosen ? chosen.seal(key, nonce, aad, data, room) : sealByRuntime(key, nonce, aad, data);
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

export function parts(sealed: Uint8Array): Sealed {
  const length = sealed.length - TAG_BYTES;
  return { ciphertext: sealed.subarray(0, length), tag: sealed.subarray(length) };
}

/** The plaintext, where the tag fits; at once, where WebCrypto is not needed. */
export function open(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Sealed,
  cipher: Cipher,
): Bytes | undefined | Promise<Bytes | undefined> {
  const isUsual = nonce.length === NONCE_BYTES;
  const chosen = choose?.(cipher, sealed.ciphertext.length, isUsual, key);
  return chosen ? chosen.open(key, nonce, aad, sealed) : openByRuntime(key, nonce, aad, sealed);
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
export function broken(cause?: unknown) {
  return failed('internal', "the runtime's crypto does not work here", '', cause);
}

export function joined(...pieces: Uint8Array[]): Bytes {
  return joinedIn(new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0)), pieces);
}

/** The same in memory of their length, in which one may be already. */
export function joinedIn(all: Bytes, pieces: Uint8Array[], there?: Uint8Array): Bytes {
  let at = 0;
  for (const piece of pieces) {
    if (piece !== there) all.set(piece, at);
    at += piece.length;
  }
  return all;
}
