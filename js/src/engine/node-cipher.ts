// Node's own AES-GCM, where the runtime has it: at once, and by the processor's AES instructions.
import type { Bytes } from '../types.js';
import { broken, type SharedKey, type Synchronous, TAG_BYTES } from './cipher.js';
import { buffer, builtin } from './runtime.js';

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
/** Most bytes at once: fresh memory for more costs more than to copy each piece to where it belongs. */
const PIECE_BYTES = 1 << 20;

/** What typed arrays have themselves: a class of the caller's may say otherwise. */
const intrinsic = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(Uint8Array.prototype)) as Record<
  'buffer' | 'byteOffset' | 'length',
  { get(): never }
>;
function plain(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = intrinsic;
  return new Uint8Array(buffer.get.call(bytes), byteOffset.get.call(bytes), length.get.call(bytes));
}

/** Memory of its own that nobody has cleared, where the runtime has such: all of it is to be written. */
function uncleared(length: number): Bytes {
  const made = buffer?.allocUnsafeSlow?.(length);
  return made ? new Uint8Array(made.buffer, made.byteOffset, length) : new Uint8Array(length);
}

let known: NodeCrypto | undefined;
/** Looked for when it is first needed: loading it takes a process longer than a call. */
function nodes(): NodeCrypto {
  known ??= builtin<NodeCrypto>('node:crypto') ?? {};
  return known;
}

/** Whether it is there. */
export function hasNodes(): boolean {
  return nodes().createCipheriv !== undefined;
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

export const nodeCipher: Synchronous = {
  seal(key, nonce, aad, data, [before, after] = [0, 0]) {
    const sealing = prepared(nodes().createCipheriv as Create, key, nonce, aad);
    try {
      if (data.length <= PIECE_BYTES) {
        const ciphertext = sealing.update(data);
        sealing.final();
        return { ciphertext, tag: sealing.getAuthTag() };
      }
      const bytes = plain(data);
      const within = uncleared(before + bytes.length + after);
      const ciphertext = within.subarray(before, before + bytes.length);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES)
        ciphertext.set(sealing.update(bytes.subarray(at, at + PIECE_BYTES)), at);
      sealing.final();
      return { ciphertext, tag: sealing.getAuthTag(), within };
    } catch (cause) {
      throw broken(cause);
    }
  },

  open(key, nonce, aad, { ciphertext, tag }) {
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
  },
};
