// Starts the Worker in workerd, the runtime of Cloudflare Workers, and lets the local Vault answer whatever the
// Worker sends to the network. Nothing leaves this machine.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { env, localVault } from './local-vault.js';

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('worker.js', import.meta.url))],
  bundle: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['workerd', 'worker'],
  // A .wasm file is a module of its own for workerd.
  loader: { '.wasm': 'copy' },
  assetNames: '[name]',
  outdir: 'out',
  write: false,
});
const modules = bundle.outputFiles.map(({ path, contents }) => ({
  type: /** @type {'ESModule' | 'CompiledWasm'} */ (path.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule'),
  path,
  contents: /** @type {Uint8Array<ArrayBuffer>} */ (contents),
}));
modules.sort((a, b) => Number(a.type === 'CompiledWasm') - Number(b.type === 'CompiledWasm'));

const worker = new Miniflare({
  modules,
  compatibilityDate: '2026-01-01',
  bindings: env,
  outboundService: (/** @type {Request} */ request) =>
    localVault.fetch(request.url, {
      method: request.method,
      headers: [...request.headers],
      ...(request.body && { body: request.body, duplex: 'half' }),
    }),
});
try {
  const response = await worker.dispatchFetch('http://localhost/');
  const { passed, lines } = /** @type {{ passed: boolean, lines: string[] }} */ (await response.json());
  for (const line of lines) console.log(line);
  process.exitCode = passed ? 0 : 1;
} finally {
  await worker.dispose();
}
