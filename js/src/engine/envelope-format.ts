// The form of envelopes: what local encryption stores. Ciphertext, nonce and tag, and the data key's wrapped copies. Two
// layouts are in use, and neither has a mark of its own:
//
//   standard  nonce (12) | tag (16) | length of keys | keys | ciphertext      Node, Python, Ruby, PHP, .NET, Kotlin SDKs
//   go        length of keys | keys | nonce (12) | ciphertext | tag (16)      Go SDK; some releases: nonce (32)
//
// The length is unsigned LEB128 of at most 32 bits: 1 to 5 bytes, seven bits each, the lowest first, in as few bytes as can
// be. `keys` is `encrypted_keys` of the API, decoded. A reader takes every layout that parses and lets the tag decide.
import { failed } from '../errors.js';
import type { Bytes } from '../types.js';
import { joined, joinedIn, NONCE_BYTES, type Room, type Sealed, TAG_BYTES } from './cipher.js';

/** Of some releases of the Go SDK. */
const LONG_NONCE_BYTES = 32;
/** What the service's key blobs begin with: `WOS.EKM.v1\0`. */
const KEYS_MAGIC = [87, 79, 83, 46, 69, 75, 77, 46, 118, 49, 0];
export const CUT_OFF = 'it is cut off';

/** Where a part begins and ends. */
export type Range = readonly [from: number, to: number];

/** Where the parts of an envelope are under one reading of it. */
export interface Places {
  go: boolean;
  nonce: Range;
  tag: Range;
  keys: Range;
  ciphertext: Range;
}

/** A length at a place and where that ends, or what is wrong with it. */
export function lengthAt(bytes: Uint8Array, at: number): Range | string {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return CUT_OFF;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte > 0x7f) continue;
    if (byte === 0 && index > 0) return 'the length of its keys is not in its shortest form';
    return length < 2 ** 32 ? [length, at + index + 1] : 'the length of its keys is beyond 32 bits';
  }
  return 'the length of its keys has more than 5 bytes';
}

/** The length that stands before keys. */
export function lengthOf(keys: Uint8Array): Uint8Array {
  const length: number[] = [];
  let left = keys.length;
  for (; left > 0x7f; left >>>= 7) length.push((left & 0x7f) | 0x80);
  return Uint8Array.of(...length, left);
}

function keysAt(envelope: Uint8Array, at: number): Range | string {
  const found = lengthAt(envelope, at);
  if (typeof found === 'string') return found;
  const [length, from] = found;
  if (length === 0) return 'its keys have no bytes';
  return from + length > envelope.length ? 'its keys are longer than it is' : [from, from + length];
}

/**
 * Every reading of an envelope that parses, the likeliest first: one whose keys begin as the service's do.
 * @throws {VaultError} `malformed_envelope`, where none does: what is wrong with each
 */
export function readings(envelope: Uint8Array): Places[] {
  const { length } = envelope;
  const malformed = (what: string) => failed('malformed_envelope', `envelope: ${what}`);
  if (length === 0) throw malformed('it is empty');
  const begun = NONCE_BYTES + TAG_BYTES;
  const usual = length < begun ? CUT_OFF : keysAt(envelope, begun);
  let gos = keysAt(envelope, 0);
  const found: Places[] = [];
  if (typeof usual !== 'string')
    found.push({
      go: false,
      nonce: [0, NONCE_BYTES],
      tag: [NONCE_BYTES, begun],
      keys: usual,
      ciphertext: [usual[1], length],
    });
  if (typeof gos !== 'string') {
    const [keys, end] = [gos, length - TAG_BYTES];
    if (keys[1] + NONCE_BYTES > end) gos = CUT_OFF;
    for (const bytes of [NONCE_BYTES, LONG_NONCE_BYTES]) {
      const to = keys[1] + bytes;
      if (to <= end)
        found.push({ go: true, nonce: [keys[1], to], tag: [end, length], keys, ciphertext: [to, end] });
    }
  }
  if (found.length === 0)
    throw malformed(`read as most SDKs write it, ${usual}; read as the Go SDK writes it, ${gos}`);
  const isLikely = ({ keys: [from, to] }: Places) =>
    to - from >= KEYS_MAGIC.length && KEYS_MAGIC.every((byte, at) => envelope[from + at] === byte);
  // Both readings as the Go SDK's have the same keys.
  const [first, second] = found as [Places, Places?];
  if (!first.go && second && isLikely(second) && !isLikely(first)) found.push(found.shift() as Places);
  return found;
}

/** The room that an envelope has around its ciphertext. */
export function roomOf(keys: Uint8Array, go: boolean): Room {
  const before = lengthOf(keys).length + keys.length + NONCE_BYTES;
  return go ? [before, TAG_BYTES] : [before + TAG_BYTES, 0];
}

/** An envelope of its parts. */
export function framed(
  keys: Uint8Array,
  go: boolean,
  nonce: Uint8Array,
  { ciphertext, tag, within }: Sealed,
): Bytes {
  const length = lengthOf(keys);
  const pieces = go ? [length, keys, nonce, ciphertext, tag] : [nonce, tag, length, keys, ciphertext];
  return within ? joinedIn(within, pieces, ciphertext) : joined(...pieces);
}
