// The runtime's cryptographic randomness.
import { failed } from '../errors.js';

/** Bytes of it. */
export function random(length: number): Uint8Array<ArrayBuffer> {
  return guarded(() => crypto.getRandomValues(new Uint8Array(length)));
}

/** A text that nobody else has. Pages that are not secure have no `randomUUID`. */
export function randomKey(): string {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return guarded(() => crypto.randomUUID?.()) ?? Array.from(random(16), hex).join('');
}

/** Some runtimes have none at some times: workerd before a request, say. */
function guarded<T>(get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw failed('internal', 'crypto.getRandomValues does not work here', '', cause);
  }
}

const POOL_BYTES = 1536;
let pool = new Uint8Array(0);

/**
 * The same from a store that is filled for many at once, which costs a tenth. Only where what comes out need be neither
 * secret nor different from what a copy of this process may take: for the nonce of a key that is used once.
 */
export function pooled(length: number): Uint8Array<ArrayBuffer> {
  if (pool.length < length) pool = random(POOL_BYTES);
  const taken = pool.slice(0, length);
  pool = pool.subarray(length);
  return taken;
}
