// Property tests against the URL parser of the platform (WHATWG URL), which fetch uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

const anyName = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      '.',
      '/',
      '%',
      '2',
      'e',
      'F',
      '?',
      '#',
      '\\',
      ' ',
      '+',
      '&',
      '=',
      ';',
      '@',
      ':',
      '\t',
      '\n',
      '\u0000',
      'é',
      '🔑',
    ),
    minLength: 1,
    maxLength: 6,
  }),
);

function recorder() {
  const urls: string[] = [];
  const fetch = async (url: string) => {
    urls.push(url);
    return new Response('{}', { status: 404 });
  };
  return { urls, vault: new VaultClient({ apiKey: 'sk_test_urls', fetch }) };
}

test('a name is one path segment, whatever is in it, and comes back from it', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, async (name) => {
      const { urls, vault } = recorder();
      const error: unknown = await vault.readObjectByName(name).catch((error: unknown) => error);
      assert.ok(error instanceof VaultError);
      if (name === '.' || name === '..') return assert.equal(urls.length, 0);
      const url = new URL(urls[0] ?? '');
      assert.equal(url.href, urls[0], 'nothing is left for the parser to change');
      assert.equal(url.origin + url.search + url.hash, 'https://api.workos.com');
      const segments = url.pathname.split('/');
      assert.equal(segments.length, 6);
      assert.equal(decodeURIComponent(segments[5] ?? ''), name);
    }),
    { numRuns: 500 },
  );
});

test('an ID stays in its place, before metadata and versions', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, async (id) => {
      const { urls, vault } = recorder();
      await vault.describeObject({ id }).catch(() => {});
      if (id === '.' || id === '..' || id === 'name') return assert.equal(urls.length, 0);
      const segments = new URL(urls[0] ?? '').pathname.split('/');
      assert.deepEqual(
        [segments.length, decodeURIComponent(segments[4] ?? ''), segments[5]],
        [6, id, 'metadata'],
      );
    }),
    { numRuns: 500 },
  );
});

test('queries come back from URLSearchParams', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, anyName, async (search, after) => {
      const { urls, vault } = recorder();
      await vault.listObjects({ search, after }).catch(() => {});
      assert.deepEqual(Object.fromEntries(new URL(urls[0] ?? '').searchParams), { after, search });
    }),
    { numRuns: 300 },
  );
});

test('names of any kind are stored and found through real Request objects', async () => {
  const emulator = new VaultEmulator();
  const vault = new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
  await fc.assert(
    fc.asyncProperty(anyName, fc.string({ unit: 'binary' }), async (name, value) => {
      const { id } = await vault.createObject({ name, value, context: { a: 'b' } });
      try {
        const found =
          name === '.' || name === '..' ? await vault.readObject({ id }) : await vault.readObjectByName(name);
        assert.deepEqual([found.id, found.name, found.value], [id, name, value]);
      } finally {
        await vault.deleteObject({ id });
      }
    }),
    { numRuns: 200 },
  );
});

test('an accepted base URL is, to the URL parser, the host and path that it shows', () => {
  const piece = fc.constantFrom(
    'https://',
    'http://',
    'localhost',
    '127.0.0.1',
    '[::1]',
    'a.b',
    '@',
    ':',
    '80',
    '/',
    '\\',
    '?',
    '#',
    '%2e',
    '..',
    ' ',
    '\t',
    'é',
    'HTTP://',
    '0x7f.1',
    '。',
  );
  const likely = fc.constantFrom(
    'https://a.b',
    'http://localhost',
    'http://127.0.0.1',
    'http://[::1]',
    'https://',
    '',
  );
  let accepted = 0;
  fc.assert(
    fc.property(likely, fc.array(piece, { maxLength: 5 }), (start, pieces) => {
      const baseUrl = start + pieces.join('');
      try {
        new VaultClient({ apiKey: 'sk_test_urls', baseUrl });
      } catch (error) {
        assert.ok(error instanceof VaultError && error.code === 'invalid_config');
        return;
      }
      accepted++;
      const url = new URL(baseUrl);
      assert.equal(url.username + url.password + url.search + url.hash, '');
      // Over https the parser may read a number as an IPv4 address; whose host it is was the caller's to say.
      assert.ok(
        baseUrl.toLowerCase().includes(url.hostname) || url.protocol === 'https:',
        `${baseUrl} is ${url.hostname}`,
      );
      if (url.protocol === 'http:') assert.match(url.hostname, /^(.*\.)?localhost$|^127\.|^\[::1\]$/);
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 100, `only ${accepted} were accepted`);
});
