import { decodeOwn } from './engine/runtime.js';

/** The bytes of a module that is carried as base64, by the quickest means that the runtime has. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  if (decodeOwn) return decodeOwn(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
