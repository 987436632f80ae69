// Node's way from ASCII to text. It has texts of a mebibyte and more outside its heap, where `TextDecoder` takes six times as
// long; and Deno's takes seven times as long for less.
import type { Bytes } from '../types.js';
import { buffer, builtin } from './runtime.js';

interface NodeBuffers {
  isAscii?: (bytes: Uint8Array) => boolean;
}
/** Shorter texts gain nothing. */
const FROM_BYTES = 1 << 16;

/** The text of ASCII; nothing for what is none, or is short, or where the runtime has no such way. */
export function nodeAscii(bytes: Bytes): string | undefined {
  if (bytes.length < FROM_BYTES) return undefined;
  if (!buffer || !builtin<NodeBuffers>('node:buffer')?.isAscii?.(bytes)) return undefined;
  return buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
