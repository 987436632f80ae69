// Pages in headless Chromium, from a server of this process.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';

const types: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm', css: 'text/css' };

/** What is at a path: a body, or nothing. */
export type Content = (path: string) => Promise<Uint8Array | string | undefined>;

/** Opens a page in Chromium, and closes it after `use`. */
export async function onPage<T>(url: string, use: (page: Page) => Promise<T>): Promise<T> {
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
    const page = await browser.newPage();
    await page.goto(url);
    return await use(page);
  } finally {
    await browser.close();
  }
}

/** What a page leaves in a global variable, once it is there and settled. */
export async function leftByPage<T>(content: Content, path: string, variable: string): Promise<T> {
  const server = createServer(async (request, response) => {
    const asked = new URL(request.url ?? '/', 'http://localhost').pathname;
    const body = await content(asked);
    if (body === undefined) return response.writeHead(404).end();
    return response
      .writeHead(200, { 'content-type': types[asked.split('.').pop() ?? ''] ?? 'text/html' })
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await onPage(`http://127.0.0.1:${port}${path}`, async (page) => {
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      await page
        .waitForFunction(`globalThis.${variable} !== undefined`, undefined, { timeout: 20_000 })
        .catch((error) => {
          throw new Error(`the page did not start: ${errors.join('; ') || error}`);
        });
      return page.evaluate<T>(`globalThis.${variable}`);
    });
  } finally {
    server.close();
  }
}
