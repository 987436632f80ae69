// What some runtimes have and others do not.

interface Process {
  getBuiltinModule?: (name: string) => unknown;
}

/** A module of Node's, where the runtime has it and gives it at once: Node, Deno, Bun, workerd with `nodejs_compat`. */
export function builtin<T>(name: string): T | undefined {
  try {
    return (globalThis as { process?: Process }).process?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of the runtime's cryptographic randomness. */
export function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
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
