import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import type { Outcome } from './conformance/case.ts';
import { bundle } from './hosts/bundle.ts';
import { report } from './hosts/report.ts';

const types: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' };
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

async function content(path: string): Promise<Uint8Array | string | undefined> {
  if (path === '/') return page;
  if (path === '/page.js') {
    const [file] = await bundle(
      'hosts/page.ts',
      ['browser'],
      ['workos-vault-edge', 'workos-vault-edge/emulator'],
    );
    return file?.contents;
  }
  return readFile(new URL(`..${path}`, import.meta.url)).catch(() => undefined);
}

report('Chromium', async () => {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const body = await content(path);
    if (body === undefined) return response.writeHead(404).end();
    return response
      .writeHead(200, { 'content-type': types[path.split('.').pop() ?? ''] ?? 'text/html' })
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: process.env.CHROME_BIN ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on('pageerror', (error) => errors.push(String(error)));
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab
      .waitForFunction('globalThis.outcomes !== undefined', undefined, { timeout: 20_000 })
      .catch((error) => {
        throw new Error(`the page did not start: ${errors.join('; ') || error}`);
      });
    return await tab.evaluate<Outcome[]>('globalThis.outcomes');
  } finally {
    await browser.close();
    server.close();
  }
});
