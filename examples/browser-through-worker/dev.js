// The page and its Worker on this machine, in workerd. Without WORKOS_API_KEY a local Vault answers what it sends to
// WorkOS.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { VaultEmulator } from 'workos-vault-edge/emulator';

const { WORKOS_API_KEY, PORT = '8787' } = process.env;
const local = WORKOS_API_KEY ? undefined : new VaultEmulator();

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('worker.js', import.meta.url))],
  bundle: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['workerd', 'worker'],
  loader: { '.wasm': 'copy', '.html': 'text' },
  outdir: 'out',
  write: false,
});
const modules = outputFiles
  .map(({ path, contents }) => ({
    type: /** @type {'ESModule' | 'CompiledWasm'} */ (path.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule'),
    path,
    contents: /** @type {Uint8Array<ArrayBuffer>} */ (contents),
  }))
  // The entry first.
  .sort((a, b) => a.type.length - b.type.length);

const worker = new Miniflare({
  modules,
  compatibilityDate: '2026-01-01',
  port: Number(PORT),
  bindings: { WORKOS_API_KEY: WORKOS_API_KEY ?? local?.apiKey ?? '', SESSION_SECRET: crypto.randomUUID() },
  ...(local && {
    outboundService: (/** @type {Request} */ request) =>
      local.fetch(request.url, {
        method: request.method,
        headers: [...request.headers],
        ...(request.body && { body: request.body, duplex: 'half' }),
      }),
  }),
});
console.log(`Listening on ${String(await worker.ready).replace(/\/$/, '')}`);
console.log(local ? 'A local Vault; set WORKOS_API_KEY for the service' : 'The service, with WORKOS_API_KEY');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => worker.dispose());
