import { readFile } from 'node:fs/promises';
import type { Outcome } from './conformance/case.ts';
import { bundle } from './hosts/bundle.ts';
import { type Content, leftByPage } from './hosts/chromium.ts';
import { report } from './hosts/report.ts';

// Without a bundler: the page imports the package's own files, by an import map.
const page = `<!doctype html>
<title>conformance</title>
<script type="importmap">
{ "imports": {
  "workos-vault-edge": "/pkg/dist/entry/browser.client.js",
  "workos-vault-edge/emulator": "/pkg/dist/entry/browser.emulator.js"
} }
</script>
<script type="module" src="/page.js"></script>`;

/** Starts a Web Worker, which has no import map: its code comes bundled. */
const workerPage = `<!doctype html>
<title>conformance in a Web Worker</title>
<script type="module">
globalThis.outcomes = new Promise((resolve, reject) => {
  const worker = new Worker('/web-worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
});
</script>`;

const content: Content = async (path) => {
  if (path === '/') return page;
  if (path === '/worker') return workerPage;
  if (path === '/web-worker.js') return (await bundle('hosts/web-worker.ts', ['browser']))[0]?.contents;
  if (path === '/page.js') {
    const external = ['workos-vault-edge', 'workos-vault-edge/emulator'];
    return (await bundle('hosts/page.ts', ['browser'], external))[0]?.contents;
  }
  return readFile(new URL(`..${path}`, import.meta.url)).catch(() => undefined);
};

report('Chromium, a page', () => leftByPage<Outcome[]>(content, '/', 'outcomes'));
report('Chromium, a Web Worker', () => leftByPage<Outcome[]>(content, '/worker', 'outcomes'));
