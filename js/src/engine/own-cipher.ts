// This package's own cipher, in WebAssembly: a module by itself, which an entry provides where the runtime's ciphers take
// longer for a few bytes, and which of them is used for how many. Workers, whose WebCrypto is quick, do without, and are
// smaller by what it weighs.
import { initSync, OwnKey } from '../../wasm/cipher/cipher.js';
import { guarded } from '../errors.js';
import type { Bytes } from '../types.js';
import { broken, parts, provideCiphers, type SharedKey, type Synchronous } from './cipher.js';
import { isWorkerd } from './runtime.js';

const isDeno = 'Deno' in globalThis;
/**
 * Up to how many bytes Node's cipher is used where there is one, and from how many on WebCrypto rather than this package:
 * workerd's WebCrypto is quicker than all else but for a few bytes, and Deno's than its Node's for many.
 */
const [NODES_BELOW, RUNTIME_FROM] = isWorkerd ? [0, 256] : isDeno ? [1 << 14, 4096] : [1 << 30, 4096];
/** Up to so many bytes Node's cipher takes longer to set up than this package's takes for all. */
const FEW_BYTES = 64;

let load: () => WebAssembly.Module | BufferSource;
let failure: unknown;
let state: 'unknown' | 'there' | 'missing' = 'unknown';

/** Whether it is there; it is compiled when it is first needed. A page may not be allowed to do that. */
function isThere(): boolean {
  if (state === 'unknown')
    try {
      initSync({ module: load() });
      state = 'there';
    } catch (error) {
      failure = error;
      state = 'missing';
    }
  return state === 'there';
}

function keyOf(key: SharedKey): OwnKey {
  if (!isThere()) throw broken(failure);
  key.own ??= guarded(() => OwnKey.of(key.raw()));
  if (key.own === undefined) throw broken();
  return key.own as OwnKey;
}

const ownCipher: Synchronous = {
  seal(key, nonce, aad, data) {
    const own = keyOf(key);
    const sealed = guarded(() => own.seal(nonce, aad, data));
    if (sealed === undefined) throw broken();
    return parts(sealed);
  },

  open(key, nonce, aad, { ciphertext, tag }) {
    const own = keyOf(key);
    return guarded(() => own.open(nonce, aad, ciphertext, tag)) as Bytes | undefined;
  },
};

/** Provides it, and Node's where the entry has that. */
export function provide(
  module: () => WebAssembly.Module | BufferSource,
  nodes?: { hasNodes(): boolean; nodeCipher: Synchronous },
): void {
  load ??= module;
  /** Whether Node's is there for so many bytes, and is the quickest. Not for none: some stand-ins fail then. */
  const isNodes = (length: number, key?: SharedKey) =>
    length > 0 &&
    length < NODES_BELOW &&
    !(length <= FEW_BYTES && key?.isUsedAgain && isThere()) &&
    nodes?.hasNodes();
  provideCiphers((cipher, length, isUsual, key) => {
    if (cipher === 'webcrypto') return undefined;
    if (cipher === 'wasm') return ownCipher;
    if (isUsual && isNodes(length, key)) return nodes?.nodeCipher;
    return (isUsual && length >= RUNTIME_FROM) || !isThere() ? undefined : ownCipher;
  });
}
