// The form of encrypted streams: their header, which core reads and writes, and the nonces of their chunks.
import { readStreamHeader, streamHeader } from '../../wasm/client/client.js';
import { checked, failed } from '../errors.js';
import type { Bytes } from '../types.js';
import { NONCE_BYTES } from './cipher.js';
import { random } from './random.js';
import { decodeOwn } from './runtime.js';

/** Bytes in the random part of a nonce. */
const PREFIX_BYTES = 7;
/** Bytes of the header that each chunk is bound to; the last of them are the random part of the nonces. */
const FIXED_BYTES = 18;

/** What a stream begins with. */
export interface Header {
  bytes: Bytes;
  fixed: Bytes;
  /** Bytes of plaintext in each chunk but the last. */
  chunkBytes: number;
  /** The wrapped copies of its key. */
  keys: Bytes;
}

/** The header of a new stream, with its key's wrapped copies, in base64. */
export function writeHeader(chunkBytes: number, keys: string): Header {
  const blob = decodeOwn(keys);
  const bytes = checked(() => streamHeader(chunkBytes, random(PREFIX_BYTES), blob)) as Bytes;
  return { bytes, fixed: bytes.slice(0, FIXED_BYTES), chunkBytes, keys: blob };
}

/** The header that these bytes begin with; nothing where it goes on beyond them.
 * @throws {VaultError} `malformed_envelope` */
export function readHeader(head: Uint8Array): Header | undefined {
  const found = checked(() => readStreamHeader(head));
  if (found === undefined) return undefined;
  const [chunkBytes, from, to] = found as unknown as [number, number, number];
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
    const where = length < 0 ? '' : ' between two chunks';
    throw failed('malformed_envelope', `stream: it is cut off${where}`);
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
