// What goes into local encryption and what comes out: data, associated data, envelopes, as text or as bytes.
import { failed, type VaultError } from '../errors.js';
import type { Bytes } from '../types.js';
import { type Decoded, decoding, toBase64 } from './base64.js';
import { NONCE_BYTES, open, type Sealed, type SharedKey, seal } from './cipher.js';
import type { Engine } from './engine.js';
import { framed, type Range, readings, roomOf } from './envelope-format.js';
import { isAbsent, wrong } from './kinds.js';
import { pooled, random } from './random.js';
import { copyOf, decodeOwn, encoder, isBytes, isWellFormed } from './runtime.js';

/** Most bytes at once: as text an envelope is a third longer, and a string of V8's has at most 2^29 characters. */
const DATA_MAX = 1 << 27;
const NOTHING = new Uint8Array(0);
/** Up to so many characters asking the runtime for their bytes, or the other way round, costs more than the work. */
const SHORT = 32;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const tooMuch = (name: string) =>
  failed('invalid_request', 'more than 128 MiB at once; use encryptStream', name);

/** The bytes themselves, where they are some for certain: none may be a buffer that is gone. */
function inPlace(bytes: Uint8Array): Bytes | undefined {
  try {
    return bytes.length > 0 && bytes.length <= DATA_MAX ? (bytes as Bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** Text or bytes, of a parameter of that name. `mine`: the caller's own bytes, where there are any. */
function bytesOf(value: unknown, name: string, mine = false): Bytes {
  if (typeof value === 'string' && value.length > DATA_MAX) throw tooMuch(name);
  // On its way to bytes half a character would silently become U+FFFD.
  if (typeof value === 'string' && isWellFormed(value)) {
    const bytes = encode(value);
    if (bytes.length > DATA_MAX) throw tooMuch(name);
    return bytes;
  }
  const bytes = isBytes(value)
    ? (mine && inPlace(value)) || copyOf(value, DATA_MAX, () => tooMuch(name))
    : undefined;
  if (bytes !== undefined) return bytes;
  throw wrong(name, 'a string or a Uint8Array', value, true);
}

/** Text as UTF-8. */
function encode(text: string): Bytes {
  if (text.length > SHORT) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return encoder.encode(text);
    bytes[at] = unit;
  }
  return bytes;
}

/** Associated data; nothing and no text are the same, as in the official SDKs. */
export function associated(value: unknown): Bytes {
  return isAbsent(value) ? NOTHING : bytesOf(value, 'associatedData');
}

/** What is to be encrypted, and what it is bound to. */
export interface Plain {
  data: Bytes;
  aad: Bytes;
}

export function plainOf(data: unknown, associatedData: unknown, mine = false): Plain {
  return { data: bytesOf(data, 'data', mine), aad: associated(associatedData) };
}

/** One reading of an envelope: where its parts begin and end. */
export interface Reading {
  go: boolean;
  nonce: Bytes;
  tag: Range;
  ciphertext: Range;
  /** The wrapped copies of its data key, in base64. */
  readonly blob: string;
}

/** What is to be decrypted: at least one reading, the likeliest first, and what it was bound to. */
export interface Envelope {
  readings: Reading[];
  aad: Bytes;
  /** All of it; good until something is waited for. */
  bytes: () => Bytes;
}

export function envelopeOf(value: unknown, associatedData: unknown): Envelope {
  const aad = associated(associatedData);
  let decoded: Decoded | undefined;
  if (typeof value === 'string') {
    if (value.length > DATA_MAX * 2) throw tooMuch('envelope');
    decoded = decoding(value);
  } else if (isBytes(value)) {
    const copy = copyOf(value, DATA_MAX * 2, () => tooMuch('envelope'));
    decoded = copy && { bytes: copy, again: () => copy };
  }
  if (decoded === undefined) throw wrong('envelope', 'a string or a Uint8Array', value);
  const { bytes: envelope, again } = decoded;
  const found = readings(envelope).map(({ go, nonce, tag, keys, ciphertext }, at) => {
    // A reading that is wrong may take most of the envelope for its keys, and is seldom asked.
    let blob = at === 0 ? toBase64(envelope.subarray(...keys)) : undefined;
    return {
      go,
      nonce: envelope.slice(...nonce),
      tag,
      ciphertext,
      get blob() {
        blob ??= toBase64(again().subarray(...keys));
        return blob;
      },
    };
  });
  return { readings: found, aad, bytes: again };
}

/** The ciphertext and the tag of a reading; good until something is waited for. */
export function sealedOf({ bytes }: Envelope, { ciphertext, tag }: Reading): Sealed {
  const envelope = bytes();
  return { ciphertext: envelope.subarray(...ciphertext), tag: envelope.subarray(...tag) };
}

/** The text of ASCII; nothing for what is none. */
function shortAscii(bytes: Bytes): string | undefined {
  let all = 0;
  for (let at = 0; at < bytes.length; at++) all |= bytes[at] as number;
  return all < 0x80 ? String.fromCharCode.apply(null, bytes as unknown as number[]) : undefined;
}

/** The same of what is longer, where an entry provides it. */
let longAscii: typeof shortAscii | undefined;
export function provideAscii(by: typeof longAscii): void {
  longAscii = by;
}

function textOf(plaintext: Bytes): string {
  try {
    return (plaintext.length > SHORT ? longAscii : shortAscii)?.(plaintext) ?? decoder.decode(plaintext);
  } catch {
    throw failed('invalid_request', 'it holds bytes that are not text; use decryptBytes', 'envelope');
  }
}

/** Wrong key, wrong associated data or changed ciphertext: which of them is not told. */
export function undecryptable(what = 'the envelope'): VaultError {
  return failed('decryption_failed', `${what} could not be decrypted`);
}

/** An envelope, as text or as bytes; at once, where WebCrypto is not needed. `fresh`: whether the key is used for nothing
 * else. */
export function sealed(
  key: SharedKey,
  { data, aad }: Plain,
  go: boolean,
  asBytes: boolean,
  fresh: boolean,
  engine: Engine,
): string | Bytes | Promise<string | Bytes> {
  const nonce = fresh ? pooled(NONCE_BYTES) : random(NONCE_BYTES);
  const keys = decodeOwn(key.keys);
  const finish = (made: Sealed) => {
    const envelope = framed(keys, go, nonce, made);
    return asBytes ? envelope : toBase64(envelope);
  };
  const made = seal(key, nonce, aad, data, engine.cipher, roomOf(keys, go));
  return made instanceof Promise ? made.then(finish) : finish(made);
}

/** The plaintext of a reading, if the key fits it; at once, where WebCrypto is not needed. */
export function opened(
  key: SharedKey,
  envelope: Envelope,
  reading: Reading,
  asBytes: boolean,
  engine: Engine,
): string | Bytes | undefined | Promise<string | Bytes | undefined> {
  const finish = (plaintext: Bytes | undefined) =>
    plaintext === undefined || asBytes ? plaintext : textOf(plaintext);
  const made = open(key, reading.nonce, envelope.aad, sealedOf(envelope, reading), engine.cipher);
  return made instanceof Promise ? made.then(finish) : finish(made);
}
