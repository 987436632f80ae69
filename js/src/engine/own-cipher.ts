// This package's own cipher, in WebAssembly: a module by itself, which an entry provides where the runtime's ciphers take
// longer for a few bytes. Workers, whose WebCrypto is quick, do without, and are smaller by what it weighs.
import { initSync, OwnKey } from '../../wasm/cipher/cipher.js';
import { provideOwn } from './cipher.js';

/** Provides it. It is compiled when it is first needed. */
export function provide(module: () => WebAssembly.Module | BufferSource): void {
  provideOwn(() => {
    initSync({ module: module() });
    return (raw) => OwnKey.of(raw);
  });
}
