// The Worker on this machine, in workerd, with a billing service that it calls. Without WORKOS_API_KEY a local Vault answers what it sends to
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
  loader: { '.wasm': 'copy' },
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
  bindings: { WORKOS_API_KEY: WORKOS_API_KEY ?? local?.apiKey ?? '', BILLING_URL: 'https://billing.example' },
  outboundService: (/** @type {Request} */ request) => {
    if (new URL(request.url).hostname === 'billing.example') {
      const known = request.headers.get('authorization')?.startsWith('Bearer key_');
      return Response.json({ balance: known ? '42.00 EUR' : 'unknown: the key is not valid' });
    }
    const init = {
      method: request.method,
      headers: [...request.headers],
      ...(request.body && { body: request.body, duplex: 'half' }),
    };
    return (local?.fetch ?? fetch)(request.url, /** @type {RequestInit} */ (init));
  },
});
console.log(`Listening on ${String(await worker.ready).replace(/\/$/, '')}`);
console.log(local ? 'A local Vault; set WORKOS_API_KEY for the service' : 'The service, with WORKOS_API_KEY');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => worker.dispose());
