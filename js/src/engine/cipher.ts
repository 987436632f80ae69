// AES-GCM by one of three ciphers that make the same bytes: this package's, in WebAssembly; Node's own, at once and by
// the processor's AES instructions; WebCrypto, which has those too and costs an import of the key and two promises.
// Which is quickest for how many bytes is in docs/performance.md.
import { CoreKey } from '../../wasm/client/client.js';
import { checked } from '../errors.js';
import type { Bytes, VaultClientOptions } from '../types.js';
import { failed } from './call.js';
import { builtin } from './runtime.js';

export type Cipher = NonNullable<VaultClientOptions['cipher']>;

/** From how many bytes on WebCrypto is quicker than this package. */
const RUNTIME_FROM = 4096;
/** A nonce that every runtime's ciphers take; Deno's refuse the 32 bytes of old Go envelopes. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A data key in the module's memory. Whoever holds it releases it; it is wiped by the last. */
export class SharedKey {
  readonly core: CoreKey;
  #holders = 1;
  #imported: Promise<CryptoKey> | undefined;

  constructor(core: CoreKey) {
    this.core = core;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) freed(this.core);
  }

  /** The key within WebCrypto, which does not give it back. */
  imported(): Promise<CryptoKey> {
    this.#imported ??= (async () => {
      const raw = checked(() => this.core.expose()) as Bytes;
      try {
        // The import copies the key before it returns.
        return await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
      } catch (cause) {
        throw broken(cause);
      } finally {
        raw.fill(0);
      }
    })();
    return this.#imported;
  }
}

/** Frees what is in the module's memory. Where the module has trapped that cannot be done, and is nobody's trouble. */
export function freed(of: { free(): void }): void {
  try {
    of.free();
  } catch {}
}

/** The key that an answer holds, with its wrapped copies; nothing where the answer is not in order. */
export function takeKey(wire: unknown, paired: boolean): CoreKey | undefined {
  const { id, data_key, encrypted_keys, context } = (wire ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || (paired && typeof encrypted_keys !== 'string')) return undefined;
  if (paired && (typeof context !== 'object' || context === null)) return undefined;
  const keys = paired ? (encrypted_keys as string) : undefined;
  return checked(() => CoreKey.ofAnswer(data_key, keys, Date.now()));
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
const node = builtin<{ createCipheriv?: Create; createDecipheriv?: Create }>('node:crypto');

function prepared(create: Create, key: SharedKey, nonce: Uint8Array, aad: Uint8Array): NodeCipher {
  const raw = checked(() => key.core.expose());
  try {
    const cipher = create('aes-256-gcm', raw, nonce, { authTagLength: TAG_BYTES });
    if (aad.length > 0) cipher.setAAD(aad);
    return cipher;
  } finally {
    raw.fill(0);
  }
}

/** Whether Node's cipher is there for so many bytes: workerd's fails where there are none. */
function isNodes(cipher: Cipher, length: number): boolean {
  return cipher === 'auto' && node?.createCipheriv !== undefined && length > 0;
}

/** Whether so many bytes are encrypted by WebCrypto, and so aside. */
export function isAside(cipher: Cipher, length: number): boolean {
  return (
    cipher === 'webcrypto' ||
    (cipher === 'auto' && !isNodes(cipher, length) && length >= RUNTIME_FROM)
  );
}

/** Ciphertext and tag; at once, where WebCrypto is not needed. */
export function seal(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  data: Uint8Array,
  cipher: Cipher,
): Sealed | Promise<Sealed> {
  if (isNodes(cipher, data.length)) {
    const sealing = prepared(node?.createCipheriv as Create, key, nonce, aad);
    const ciphertext = sealing.update(data);
    sealing.final();
    return { ciphertext, tag: sealing.getAuthTag() };
  }
  if (isAside(cipher, data.length)) return sealByRuntime(key, nonce, aad, data);
  return parts(checked(() => key.core.seal(nonce, aad, data)));
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
  if (isUsual && isNodes(cipher, ciphertext.length)) {
    const opening = prepared(node?.createDecipheriv as Create, key, nonce, aad);
    opening.setAuthTag(tag);
    const plaintext = opening.update(ciphertext);
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
  if (cipher === 'webcrypto' || (cipher === 'auto' && isUsual && ciphertext.length >= RUNTIME_FROM))
    return openByRuntime(key, nonce, aad, { ciphertext, tag });
  return checked(() => key.core.open(nonce, aad, ciphertext, tag)) as Bytes | undefined;
}

async function openByRuntime(
  key: SharedKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  { ciphertext, tag }: Sealed,
): Promise<Bytes | undefined> {
  const imported = await key.imported();
  try {
    const sealed = joined(ciphertext, tag);
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
