// What a Worker ships, minified and gzipped: bytes are the same on every machine.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

/** Bytes of everything that a bundle for a Worker holds. */
async function bundled(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    loader: { '.wasm': 'copy' },
    outdir: 'out',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipped(contents), 0);
}

export async function sizes(): Promise<Record<'client' | 'official' | 'emulatorModule', number>> {
  return {
    client: await bundled("export { VaultClient } from 'workos-vault-edge';"),
    official: await bundled(
      "import { WorkOS } from '@workos-inc/node'; export const vault = (key) => new WorkOS(key).vault;",
    ),
    emulatorModule: gzipped(readFileSync(new URL('../pkg/wasm/emulator/emulator_bg.wasm', import.meta.url))),
  };
}
