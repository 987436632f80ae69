// Each example, with the packed package installed, started by its own `npm start` and used as its README says.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { onPage } from './hosts/chromium.ts';
import { installed, root } from './hosts/packed.ts';

/** A port that was free a moment ago: not every framework can choose one and say which. */
const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

interface Started {
  url: string;
  folder: string;
  /** What it printed so far. */
  output: () => string;
}

async function started(
  name: string,
  use: (example: Started) => Promise<void>,
  script = 'start',
  variables: Record<string, string> = {},
): Promise<void> {
  const { folder, remove } = await installed(name, [`examples/${name}`]);
  const port = await freePort();
  const { WORKOS_API_KEY: _, WORKOS_API_URL: __, ...environment } = process.env;
  const child = spawn('npm', ['run', script], {
    cwd: folder,
    env: { ...environment, PORT: String(port), NEXT_TELEMETRY_DISABLED: '1', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: npm starts a shell, which starts the server.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  try {
    const url = `http://127.0.0.1:${port}`;
    await ready(url, child, () => output);
    await use({ url, folder, output: () => output });
  } finally {
    await stopped(child);
    remove();
  }
}

async function ready(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output()}`);
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it does not answer:\n${output()}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It is gone already.
    }
  };
  const exit = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', () => resolve());
  });
  signal('SIGTERM');
  const late = setTimeout(signal, 5_000, 'SIGKILL');
  await exit;
  clearTimeout(late);
  signal('SIGKILL');
}

const send = (method: string, body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method,
  headers: { ...headers, ...(typeof body === 'object' && { 'content-type': 'application/json' }) },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('examples', () => {
  test('cloudflare-worker: tokens in the Vault, encrypted rows in D1', () =>
    started('cloudflare-worker', async ({ url }) => {
      const headers = { authorization: 'Bearer dev' };
      const token = `${url}/orgs/org_acme/tokens/github`;
      assert.equal((await fetch(token, { headers: { authorization: 'Bearer wrong' } })).status, 401);
      assert.equal((await fetch(token, { headers })).status, 404);
      for (const value of ['gho_first', 'gho_s3cret'])
        assert.equal((await fetch(token, send('PUT', value, headers))).status, 204);
      const shown = (await (await fetch(token, { headers })).json()) as Record<string, unknown>;
      assert.deepEqual({ ...shown, updatedAt: 0 }, { provider: 'github', ends: 'cret', updatedAt: 0 });
      const ada = { name: 'Ada', email: 'ada@example.com', iban: 'DE89' };
      for (const id of ['41', '42']) {
        const customer = `${url}/orgs/org_acme/customers/${id}`;
        assert.equal((await fetch(customer, send('PUT', ada, headers))).status, 204);
        assert.deepEqual(await (await fetch(customer, { headers })).json(), ada);
      }
      // The row's key is its organization too: another's has none.
      assert.equal((await fetch(`${url}/orgs/org_other/customers/42`, { headers })).status, 404);
      assert.equal((await fetch(token, { method: 'DELETE', headers })).status, 204);
      assert.equal((await fetch(token, { headers })).status, 404);
    }));

  for (const [script, runtime] of [
    ['start', 'Node'],
    ['worker', 'workerd'],
  ] as const) {
    test(`hono, on ${runtime}: secrets of an organization`, () =>
      started(
        'hono',
        async ({ url }) => {
          const acme = { 'x-organization': 'org_acme' };
          assert.equal((await fetch(`${url}/secrets/github`)).status, 401);
          assert.equal((await fetch(`${url}/secrets/github`, send('PUT', 'gho_s3cret', acme))).status, 201);
          assert.equal(await (await fetch(`${url}/secrets/github`, { headers: acme })).text(), 'gho_s3cret');
          const other = await fetch(`${url}/secrets/github`, { headers: { 'x-organization': 'org_other' } });
          assert.deepEqual([other.status, await other.json()], [404, { error: 'not_found' }]);
        },
        script,
      ));
  }

  test('nextjs: a server component, an edge route, a Node route', () =>
    started('nextjs', async ({ url, output }) => {
      const page = await (await fetch(url)).text();
      assert.match(page, /Connected by a key that ends in .*1234/);
      for (const runtime of ['edge', 'node']) {
        const api = `${url}/api/${runtime}`;
        const before = (await (await fetch(api)).json()) as { ends: string };
        assert.equal(before.ends, '1234', output());
        const after = (await (await fetch(api, send('PUT', 'key_live_9876'))).json()) as { ends: string };
        assert.equal(after.ends, '9876');
      }
      assert.doesNotMatch(page, /key_live/);
    }));

  test('sveltekit: a secret behind a form', () =>
    started('sveltekit', async ({ url }) => {
      assert.match(await (await fetch(url)).text(), /There is none yet/);
      await onPage(url, async (page) => {
        await page.fill('input[name=secret]', 'whsec_12345678');
        await page.click('button');
        await page.waitForSelector('text=Saved');
        assert.match((await page.textContent('body')) ?? '', /There is one; it ends in 5678/);
      });
      assert.doesNotMatch(await (await fetch(url)).text(), /whsec/);
    }));

  test('node-backend: SQLite holds ciphertext only', () =>
    started('node-backend', async ({ url, folder }) => {
      const patient = {
        name: 'Ada',
        record: { diagnosis: 'flu', insurance: { number: 'A-1', since: 1843 } },
      };
      const put = send('PUT', { organization: 'org_acme', ...patient });
      assert.equal((await fetch(`${url}/patients/7`, put)).status, 204);
      assert.deepEqual(await (await fetch(`${url}/patients/7`)).json(), patient);
      assert.equal((await fetch(`${url}/patients/8`)).status, 404);
      const file = readFileSync(join(folder, 'patients.db'), 'latin1');
      assert.ok(
        file.includes('1843') && !file.includes('Ada') && !file.includes('flu') && !file.includes('A-1'),
      );
    }));

  test('deno: a secret is read once, of two at once by one', () =>
    started('deno', async ({ url }) => {
      const { link } = (await (await fetch(url, send('POST', 's3cret'))).json()) as { link: string };
      const answers = await Promise.all([fetch(url + link), fetch(url + link)]);
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 410]);
      assert.equal(await answers.find(({ status }) => status === 200)?.text(), 's3cret');
      assert.equal((await fetch(url + link)).status, 410);
    }));

  test('bun: envelopes as bytes in SQLite', () =>
    started(
      'bun',
      async ({ url, folder }) => {
        assert.equal((await fetch(`${url}/org_acme/stripe`, send('PUT', 'sk_live_customer'))).status, 204);
        assert.equal(await (await fetch(`${url}/org_acme/stripe`)).text(), 'sk_live_customer');
        assert.equal((await fetch(`${url}/org_acme/none`)).status, 404);
        assert.doesNotMatch(readFileSync(join(folder, 'keys.db'), 'latin1'), /sk_live/);
      },
      'start',
      { DATABASE: 'keys.db' },
    ));

  test('browser-through-worker: the page holds no key, and forged sessions are refused', () =>
    started('browser-through-worker', async ({ url }) => {
      assert.equal((await fetch(`${url}/api/notes`)).status, 401);
      const signedIn = await fetch(`${url}/api/session`, send('POST', { organization: 'org_acme' }));
      const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
      const notes = async (cookie: string) =>
        (await fetch(`${url}/api/notes`, { headers: { cookie } })).status;
      assert.equal(await notes(cookie), 200);
      assert.equal(await notes(cookie.replace('org_acme', 'org_other')), 401);
      await onPage(url, async (page) => {
        await page.click('#sign-in button');
        await page.waitForSelector('#sign-in', { state: 'hidden' });
        await page.fill('#add input', 'a note');
        await page.click('#add button');
        await page.waitForSelector('li:has-text("a note")');
        await page.fill('#add input', '<b>another</b>');
        await page.click('#add button');
        await page.waitForSelector('li:has-text("<b>another</b>")');
        assert.equal(await page.evaluate('document.cookie'), '', 'scripts see no session');
        await page.reload();
        await page.waitForSelector('li:has-text("a note")');
      });
    }));

  test('opentelemetry: a span for each attempt', async () => {
    const { folder, remove } = await installed('opentelemetry', ['examples/opentelemetry']);
    try {
      const { stdout } = await promisify(execFile)('npm', ['start', '--silent'], { cwd: folder });
      const readme = readFileSync(join(root, 'examples/opentelemetry/README.md'), 'utf8');
      const shown = [...readme.matchAll(/^ {4}(.+)$/gm)].map(([, line]) => line);
      assert.equal(shown.length, 5);
      assert.deepEqual(stdout.trim().split('\n'), shown);
    } finally {
      remove();
    }
  });

  test('ssr-secrets: the page is made with the secret and without it', () =>
    started('ssr-secrets', async ({ url }) => {
      assert.match(await (await fetch(url)).text(), /Not connected/);
      await onPage(url, async (page) => {
        await page.fill('input[name=key]', 'key_live_4242');
        await page.click('button');
        await page.waitForSelector('text=Balance 42.00 EUR; key ending in 4242');
        assert.doesNotMatch(await page.content(), /key_live/);
      });
    }));
});
