// Each bundler builds a fixture that has the packed package installed; what it makes then runs where it is made for.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Miniflare } from 'miniflare';
import { modules } from './hosts/bundle.ts';
import { leftByPage } from './hosts/chromium.ts';
import { bin, installed } from './hosts/packed.ts';

const run = promisify(execFile);
const expected = 's3cret local not_found';

const inNode = async (folder: string, file: string) => {
  const { stdout } = await run(process.execPath, [join(folder, file)], { cwd: '/' });
  assert.equal(stdout.trim(), expected);
};

const inChromium = async (folder: string, page?: string) => {
  const content = (path: string) => readFile(join(folder, path)).catch(() => undefined);
  const shell = `<!doctype html><script type="module" src="${page}"></script>`;
  const served = async (path: string) => (path === '/' && page !== undefined ? shell : content(path));
  assert.equal(await leftByPage(served, page === undefined ? '/index.html' : '/', 'outcome'), expected);
};

const inWorkerd = async (folder: string, entry: string) => {
  const files = readdirSync(folder)
    .filter((name) => /\.(js|wasm)$/.test(name))
    .map((name) => ({ name, contents: new Uint8Array(readFileSync(join(folder, name))) }))
    .sort((a, b) => Number(b.name === entry) - Number(a.name === entry));
  const worker = new Miniflare({ modules: modules(files), compatibilityDate: '2026-01-01' });
  try {
    assert.equal(await (await worker.dispatchFetch('http://localhost/')).text(), expected);
  } finally {
    await worker.dispose();
  }
};

/** @param name The fixture: what all have, and where the bundler has a configuration, `tests/bundlers/<name>`. */
const fixture = (name: string, what: string, build: (folder: string) => Promise<void>) =>
  test(what, async () => {
    const own = name === 'esbuild' ? [] : [`tests/bundlers/${name}`];
    const { folder, remove } = await installed(name, ['tests/bundlers/app', ...own]);
    try {
      await build(folder);
    } finally {
      remove();
    }
  });

/** esbuild is told everything on its command line. */
const esbuild = (folder: string, entry: string, ...options: string[]) =>
  run(bin('esbuild'), [entry, '--bundle', '--log-level=error', ...options], { cwd: folder });

describe('bundlers', () => {
  fixture('esbuild', 'esbuild: for Node, as an ES module and as CommonJS', async (folder) => {
    await esbuild(folder, 'print.js', '--platform=node', '--format=esm', '--outfile=out/print.mjs');
    await inNode(folder, 'out/print.mjs');
    await esbuild(folder, 'print.js', '--platform=node', '--format=cjs', '--outfile=out/print.cjs');
    await inNode(folder, 'out/print.cjs');
  });

  fixture('esbuild', 'esbuild: for a page', async (folder) => {
    await esbuild(folder, 'page.js', '--format=esm', '--target=es2022', '--minify', '--outfile=out/page.js');
    await inChromium(join(folder, 'out'), 'page.js');
  });

  fixture('esbuild', 'esbuild: for a Worker', async (folder) => {
    const conditions = ['--conditions=workerd,worker', '--loader:.wasm=copy', '--asset-names=[name]'];
    await esbuild(folder, 'worker.js', '--format=esm', '--target=es2022', '--outdir=out', ...conditions);
    await inWorkerd(join(folder, 'out'), 'worker.js');
  });

  fixture('vite', 'Vite: for a page', async (folder) => {
    await run(bin('vite'), ['build'], { cwd: folder });
    await inChromium(join(folder, 'client'));
  });

  fixture('vite', 'Vite: for a server', async (folder) => {
    await run(bin('vite'), ['build', '--ssr', 'print.js', '--outDir', 'server'], { cwd: folder });
    await inNode(folder, 'server/print.js');
  });

  fixture('rollup', 'Rollup: for Node', async (folder) => {
    await run(bin('rollup'), ['--config', 'rollup.config.js', '--silent'], { cwd: folder });
    await inNode(folder, 'out/print.mjs');
  });

  fixture('webpack', 'webpack: for Node and for a page', async (folder) => {
    await run(bin('webpack'), ['--config', 'webpack.config.js'], { cwd: folder });
    await inNode(folder, 'out/print.cjs');
    await inChromium(join(folder, 'out'), 'page.js');
  });

  fixture('wrangler', 'wrangler: what it would deploy', async (folder) => {
    await run(bin('wrangler'), ['deploy', '--dry-run', '--outdir', 'out'], {
      cwd: folder,
      env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
    });
    await inWorkerd(join(folder, 'out'), 'worker.js');
  });
});
