// Standard base64 by whatever means is quickest: the language's own (ES2026), Node's, or the module's.
import { decodeEnvelope, encode } from '../../wasm/client/client.js';
import { checked } from '../errors.js';
import type { Bytes } from '../types.js';
import { builtin } from './runtime.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** How many characters of the last group stand for no whole byte, and which bits of the last one must be zero then. */
const REST_BITS = [0, -1, 15, 3];

interface NodeBuffer {
  from(text: string, encoding: 'base64'): Bytes;
  from(buffer: ArrayBufferLike, at: number, length: number): { toString(encoding: 'base64'): string };
}
const buffer = builtin<{ Buffer: NodeBuffer }>('node:buffer')?.Buffer;
const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Bytes };

export function toBase64(bytes: Uint8Array): string {
  const own = bytes as { toBase64?: () => string };
  if (own.toBase64) return own.toBase64();
  if (buffer) return buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return checked(() => encode(bytes)) as string;
}

/**
 * An envelope's bytes. What the quick ways take that is no base64 (spaces, other alphabets, bits that mean nothing)
 * shows in how long the result is or in the last character; all such goes to the module, which says what is wrong.
 * @throws {VaultError} `malformed_envelope`
 */
export function decodeText(text: string): Bytes {
  const quick = fromBase64 ?? (buffer && ((text: string) => buffer.from(text, 'base64')));
  if (quick !== undefined) {
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    const length = text.length - padding;
    const rest = length % 4;
    const isWhole = padding === 0 ? rest !== 1 : text.length % 4 === 0;
    const unused = DIGITS.indexOf(text[length - 1] ?? 'A') & (REST_BITS[rest] as number);
    // Node reads a character beyond Latin-1 by its lower half, and takes the URL's alphabet for this one.
    if (
      isWhole &&
      unused === 0 &&
      !/[\u0100-\uffff]/.test(text) &&
      !text.includes('-') &&
      !text.includes('_')
    ) {
      try {
        const bytes = quick.call(Uint8Array, text);
        if (bytes.length === Math.floor((length * 3) / 4)) return bytes;
      } catch {
        // The module tells.
      }
    }
  }
  return checked(() => decodeEnvelope(text)) as Bytes;
}
