// Bundles a test's entry as a user's bundler would, with the conditions of a runtime.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A file of a bundle. */
export interface BundledFile {
  /** Its name, without folders. */
  name: string;
  contents: Uint8Array<ArrayBuffer>;
}

/**
 * @param entry A file below tests/. The files come with the entry first.
 * @param external Packages to leave as imports.
 */
export async function bundle(
  entry: string,
  conditions: string[],
  external: string[] = [],
): Promise<BundledFile[]> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../${entry}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions,
    external,
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    entryNames: '[name]',
    outdir: 'out',
    write: false,
  });
  const files = outputFiles.map(({ path, contents }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    contents: contents as Uint8Array<ArrayBuffer>,
  }));
  return files.sort((a, b) => Number(a.name.endsWith('.wasm')) - Number(b.name.endsWith('.wasm')));
}

/** A bundle as miniflare takes it. */
export const modules = (files: BundledFile[]) =>
  files.map(({ name, contents }) => ({
    type: name.endsWith('.wasm') ? ('CompiledWasm' as const) : ('ESModule' as const),
    path: name,
    contents,
  }));
