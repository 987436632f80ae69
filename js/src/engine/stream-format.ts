// The form of encrypted streams: data of any length in chunks, in constant memory. The chunks are AES-256-GCM in the STREAM
// construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
// Misuse-Resistance", CRYPTO 2015), whose nonces say which chunk it is and whether it is the last. So chunks that are
// missing, moved, repeated or taken from another stream do not open, and neither does a stream that was cut off or continued.
//
//   header  magic "WVSTRM" (6) | version 1 (1) | chunk size, big-endian (4) | nonce prefix (7)
//           length of keys, LEB128 (1 to 3) | keys
//   chunk   ciphertext (chunk size; the last one 1 to chunk size, or 0 if it is the only one) | tag (16)
//   nonce   nonce prefix (7) | number of the chunk from 0, big-endian (4) | 1 for the last chunk, else 0 (1)
//   AAD     the first 18 bytes of the header | associated data                              the same for each chunk
//
// Each stream has a data key of its own, so the nonces need not be unique beyond it. The keys are not in the AAD: a stream's
// data key can be wrapped anew without a change to its chunks, as an envelope's can.
import { failed } from '../errors.js';
import type { Bytes } from '../types.js';
import { joined, NONCE_BYTES } from './cipher.js';
import { CUT_OFF, lengthAt, lengthOf } from './envelope-format.js';
import { random } from './random.js';
import { decodeOwn } from './runtime.js';

/** `WVSTRM`, and the version. */
const MAGIC = [87, 86, 83, 84, 82, 77, 1];
/** Bytes in the random part of a nonce. */
const PREFIX_BYTES = 7;
/** Bytes of the header that each chunk is bound to; the last of them are the random part of the nonces. */
const FIXED_BYTES = 18;
/** Chunks, in bytes of plaintext: smallest, where nobody says, largest. */
export const [CHUNK_MIN, CHUNK_DEFAULT, CHUNK_MAX] = [1 << 10, 1 << 16, 1 << 24] as const;
/** Longest wrapped keys, in bytes: a reader holds no more than that of what may be no stream at all. */
const KEYS_MAX = 1 << 16;
/** No header is longer. */
export const HEADER_MAX = FIXED_BYTES + 3 + KEYS_MAX;

/** What a stream begins with. */
export interface Header {
  bytes: Bytes;
  fixed: Bytes;
  /** Bytes of plaintext in each chunk but the last. */
  chunkBytes: number;
  /** The wrapped copies of its key. */
  keys: Bytes;
}

export function malformed(what: string) {
  return failed('malformed_envelope', `stream: ${what}`);
}

/** The header of a new stream, with its key's wrapped copies, in base64. */
export function writeHeader(chunkBytes: number, blob: string): Header {
  const keys = decodeOwn(blob);
  if (keys.length > KEYS_MAX) throw malformed('its keys are too long');
  const fixed = new Uint8Array(FIXED_BYTES);
  fixed.set(MAGIC);
  new DataView(fixed.buffer).setUint32(MAGIC.length, chunkBytes);
  fixed.set(random(PREFIX_BYTES), FIXED_BYTES - PREFIX_BYTES);
  return { bytes: joined(fixed, lengthOf(keys), keys), fixed, chunkBytes, keys };
}

/** The header that these bytes begin with; nothing where it goes on beyond them.
 * @throws {VaultError} `malformed_envelope` */
export function readHeader(head: Uint8Array): Header | undefined {
  for (const [at, byte] of MAGIC.entries()) {
    const found = head[at];
    if (found === undefined) return undefined;
    if (found === byte) continue;
    throw malformed(
      at < MAGIC.length - 1
        ? 'it does not begin as a stream of encryptStream does'
        : `its version is ${found}, this release reads version 1`,
    );
  }
  if (head.length < FIXED_BYTES) return undefined;
  const chunkBytes = new DataView(head.buffer, head.byteOffset).getUint32(MAGIC.length);
  if (chunkBytes < CHUNK_MIN || chunkBytes > CHUNK_MAX)
    throw malformed('its chunk size is not from 1,024 to 16,777,216 bytes');
  const found = lengthAt(head, FIXED_BYTES);
  if (found === CUT_OFF) return undefined;
  if (typeof found === 'string') throw malformed(found);
  const [length, from] = found;
  if (length === 0 || length > KEYS_MAX) throw malformed('its keys have no bytes, or more than 65,536');
  const to = from + length;
  if (to > head.length) return undefined;
  const bytes = head.slice(0, to);
  return { bytes, fixed: bytes.slice(0, FIXED_BYTES), chunkBytes, keys: bytes.slice(from) };
}

/** After the last chunk. */
const ENDED = Number.POSITIVE_INFINITY;

/** The nonces of a stream's chunks, in their order: the random part, the number of the chunk from 0, big-endian, and whether
 * it is the last. */
export class Nonces {
  readonly #header: Header;
  /** Of the next chunk. */
  #number = 0;

  constructor(header: Header) {
    this.#header = header;
  }

  /** Refuses a chunk of so many bytes of plaintext that no stream has there. */
  check(length: number, last: boolean): void {
    const { chunkBytes } = this.#header;
    const isFit = last ? length <= chunkBytes && length >= Math.min(this.#number, 1) : length === chunkBytes;
    if (isFit) return;
    throw malformed(length < 0 ? CUT_OFF : `${CUT_OFF} between two chunks`);
  }

  /** Of the next chunk. */
  next(last: boolean): Uint8Array {
    if (this.#number === ENDED) throw failed('internal', 'a stream has no chunk after its last');
    if (this.#number > 0xffff_ffff)
      throw failed('invalid_request', 'more than 2^32 chunks; use larger ones', 'stream');
    const nonce = new Uint8Array(NONCE_BYTES);
    nonce.set(this.#header.fixed.subarray(FIXED_BYTES - PREFIX_BYTES));
    new DataView(nonce.buffer).setUint32(PREFIX_BYTES, this.#number);
    nonce[NONCE_BYTES - 1] = Number(last);
    this.#number = last ? ENDED : this.#number + 1;
    return nonce;
  }
}
