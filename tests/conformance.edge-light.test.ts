// Vercel's edge runtime: its VM, and the package as Vercel's bundler gives it to it, which hands a `.wasm?module` over
// as a compiled module.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgeVM } from '@edge-runtime/vm';
import { build, type Plugin } from 'esbuild';
import type { Outcome } from './conformance/case.ts';
import { report } from './hosts/report.ts';

const modules: Record<string, WebAssembly.Module> = {};

/** What Next.js does: the import becomes a variable that the sandbox holds. */
const compiled: Plugin = {
  name: 'wasm?module',
  setup(build) {
    build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
      path: createRequire(`${resolveDir}/`).resolve(path.slice(0, -'?module'.length)),
      namespace: 'compiled',
    }));
    build.onLoad({ filter: /.*/, namespace: 'compiled' }, async ({ path }) => {
      const name = `wasm_${basename(path, '.wasm')}`;
      modules[name] = await WebAssembly.compile(await readFile(path));
      return { contents: `export default ${name};` };
    });
  },
};

const { version } = createRequire(import.meta.url)('@edge-runtime/vm/package.json') as { version: string };

report(`Vercel's edge runtime ${version}`, async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('hosts/edge.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    conditions: ['edge-light'],
    plugins: [compiled],
    write: false,
    logLevel: 'error',
  });
  const vm = new EdgeVM({ extend: (context) => Object.assign(context, modules) });
  vm.evaluate(outputFiles[0]?.text ?? '');
  return JSON.parse(await vm.evaluate<Promise<string>>('globalThis.outcomes')) as Outcome[];
});
