// A million encryptions and a hundred thousand calls in one process: what is left of them.
import type * as Package from 'workos-vault-edge';
import { stub } from './cases.ts';

// File by file, for the memory of the module: what is loaded by the package's name keeps it to itself.
const part = (name: string): Promise<unknown> => import(new URL(`../pkg/${name}.js`, import.meta.url).href);
const { VaultClient } = (await part('dist/entry/inline.client')) as typeof Package;
const { initSync } = (await part('wasm/client/client')) as {
  initSync: (module: object) => { memory: WebAssembly.Memory };
};
const collect = (globalThis as { gc?: () => void }).gc;
const vault = new VaultClient({ apiKey: 'sk_test_bench', fetch: stub });
const keyring = vault.keyring({
  context: { a: 'b' },
  maxAgeMs: 6e7,
  maxMessages: 2 ** 32,
  maxBytes: 2 ** 40,
});
// The keyring's context had the module loaded; this gives its exports.
const { memory } = initSync({ module: new Uint8Array(0) });
const text = 'x'.repeat(64);

const heapMb: number[] = [];
for (let part = 0; part < 11; part++) {
  for (let batch = 0; batch < 100; batch++) {
    for (let at = 0; at < 1_000; at++) await keyring.encrypt(text);
    // With this option the module is asked for each request.
    for (let at = 0; at < 100; at++) await vault.readObject({ id: 'secret_1', as: 'text' });
  }
  collect?.();
  heapMb.push(process.memoryUsage().heapUsed / 2 ** 20);
}
// The first part warms up.
console.log(JSON.stringify({ heapMb: heapMb.slice(1), wasmMb: memory.buffer.byteLength / 2 ** 20 }));
