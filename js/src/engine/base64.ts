// Standard base64 (RFC 4648, section 4) by whatever means is quickest: the language's own (ES2026), Node's, or the web's.
import { failed } from '../errors.js';
import type { Bytes } from '../types.js';
import { buffer, decodeInto, decodeOwn, encoder, isLoose } from './runtime.js';

/** What stands before the base64 of an object's value that is bytes (RFC 2397). */
export const BYTES_PREFIX = 'data:application/octet-stream;base64,';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Which bits of the last character must be zero, by how many characters its group has. */
const UNUSED_BITS = [0, 0, 15, 3] as const;

/** Bytes at once, as each is an argument. */
const PIECE = 1 << 13;

export function toBase64(bytes: Uint8Array): string {
  const own = bytes as { toBase64?: () => string };
  if (own.toBase64) return own.toBase64();
  if (buffer) return buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  let binary = '';
  for (let at = 0; at < bytes.length; at += PIECE)
    binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(binary);
}

/** Whether a text is in the URL's alphabet. A pattern would take ten times as long. */
const isOfUrls = (text: string) => text.includes('-') || text.includes('_');

/**
 * How many bytes a text is base64 of, if the runtime's quick ways read it so. They also take what is no base64: spaces and
 * other characters, which shows in how long the result is; bits that mean nothing, in the last character; Node the URL's
 * alphabet, and a character beyond Latin-1 by its lower half.
 */
function lengthOf(text: string): number | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = text.length - padding;
  const rest = length % 4;
  if (padding === 0 ? rest === 1 : text.length % 4 !== 0) return undefined;
  const unused = DIGITS.indexOf(text[length - 1] ?? 'A') & (UNUSED_BITS[rest] as number);
  if (unused !== 0 || (isLoose && (/[\u0100-\uffff]/.test(text) || isOfUrls(text)))) return undefined;
  return Math.floor((length * 3) / 4);
}

/** 32 bytes in standard base64. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const LAST_FOUR = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)$/;

/** Some base64, of any length: a pattern for all of it would want as much of the stack. */
export function isBase64(text: string): boolean {
  const at = text.length - 4;
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, at)) && LAST_FOUR.test(text.slice(at));
}

/** How many bytes a text is base64 of, if it is. */
export function bytesIn(text: string): number | undefined {
  return text === '' || isBase64(text) ? lengthOf(text) : undefined;
}

/** Whether a text is 32 bytes in standard base64. */
export function isDataKey(text: string): boolean {
  return KEY.test(text);
}

/** An envelope's bytes, of a text that may also be in the URL's alphabet, and unpadded.
 * @throws {VaultError} `malformed_envelope` */
export function decodeText(text: string): Bytes {
  const standard = isOfUrls(text) ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
  const length = lengthOf(standard);
  if (length !== undefined) {
    try {
      const bytes = decodeOwn(standard);
      if (bytes.length === length) return bytes;
    } catch {}
  }
  throw failed('malformed_envelope', 'envelope: it is not base64');
}

/** The bytes that an object's value stands for: what was stored as bytes (RFC 2397), or the UTF-8 of any other text.
 * @throws {VaultError} `malformed_envelope` */
export function decodeValue(value: string): Bytes {
  if (!value.startsWith(BYTES_PREFIX)) return encoder.encode(value);
  const text = value.slice(BYTES_PREFIX.length);
  if (text !== '' && !isBase64(text))
    throw failed('malformed_envelope', 'it begins like stored bytes, but its base64 is damaged', 'value');
  return new Uint8Array(decodeOwn(text));
}

/** From how many characters on it costs more to get memory than to decode a text, and up to how many some is kept. */
const [SCRATCH_FROM, SCRATCH_MAX] = [1 << 15, 1 << 21];
let scratch = new Uint8Array(0);

/** A text's bytes, and the same again; each is good until another text is decoded, so not beyond anything that is waited
 * for. */
export interface Decoded {
  bytes: Bytes;
  again: () => Bytes;
}

/** {@link decodeText}, for more than once: a long text is decoded each time, in memory that is used again. */
export function decoding(text: string): Decoded {
  const length = text.length < SCRATCH_FROM || text.length > SCRATCH_MAX ? undefined : lengthOf(text);
  if (decodeInto !== undefined && length !== undefined) {
    const into = decodeInto;
    const again = () => {
      if (scratch.length < length) scratch = new Uint8Array(length);
      try {
        const bytes = scratch.subarray(0, length);
        return into(text, bytes) === length ? bytes : undefined;
      } catch {
        return undefined;
      }
    };
    const bytes = again();
    // What could be decoded once can be again.
    if (bytes !== undefined) return { bytes, again: again as () => Bytes };
  }
  const bytes = decodeText(text);
  return { bytes, again: () => bytes };
}
