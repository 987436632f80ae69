// What a client is set up with, and the bounds that data keys are used within.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VaultClientOptions } from 'workos-vault-edge';
import { part, VaultClient, VaultError } from './hosts/parts.ts';

const { baseUrlOf, boundsOf, settingsOf } = (await part(
  'engine/settings',
)) as typeof import('../js/src/engine/settings.ts');
const { AHEAD_TOO, choice, RENEW, USE } = (await part(
  'engine/data-keys',
)) as typeof import('../js/src/engine/data-keys.ts');

const apiKey = 'sk_test_abc123';
const host = { isBrowser: false, fields: undefined };
/** Of options that may be wrong. */
const settings = (options: object) => settingsOf({ apiKey, ...options }, host);

/** The error that something throws. */
function thrown(work: () => unknown): VaultError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof VaultError);
    return error;
  }
  assert.fail('nothing was thrown');
}
const fieldsOf = (error: { problems: readonly { field: string }[] }) =>
  error.problems.map(({ field }) => field);

test('API keys are checked and never shown', () => {
  for (const good of ['sk_test_abc123', 'sk_live_A-b_C', 'sk_abcdefgh', 'sk_12345']) {
    const { key, headers } = settings({ apiKey: good });
    assert.equal(key, good);
    for (const its of Object.values(headers)) assert.equal(its.Authorization, `Bearer ${good}`);
  }
  for (const bad of [
    '',
    'sk_',
    'sk_a',
    'sk_1234',
    ' sk_test_abc123',
    'sk_test_abc123\n',
    'pk_test_abc123',
    'client_abc123',
    'test_abc123',
    'sk_test abc',
    'sk_test_é12',
    'sk_test_a\r\nX: y',
    'sk_test_abc\ud800',
  ]) {
    const error = thrown(() => settings({ apiKey: bad }));
    assert.equal(error.code, 'invalid_api_key', bad);
    assert.ok(error.message.startsWith('apiKey: ') && !error.message.includes('abc'), error.message);
  }
  for (const none of [undefined, null]) {
    const error = thrown(() => settings({ apiKey: none }));
    assert.deepEqual([error.code, error.message], ['invalid_api_key', 'apiKey: it is not set']);
  }
  const number = thrown(() => settings({ apiKey: 4217 }));
  assert.equal(number.message, 'apiKey: expected a string, got a number');
});

test('what is wrong with an API key is told without showing any of it', () => {
  for (const [key, message] of [
    ['', 'it is empty'],
    ['sk_test_abc123 ', 'it has spaces or line breaks at its ends; remove them'],
    ['client_abc123', 'this is a client ID; an API key starts with sk_'],
    ['pk_test_abc123', 'this is a publishable key; Vault needs a secret key, which starts with sk_'],
    ['abc123', 'a secret API key starts with sk_'],
    ['sk_a', 'it is cut off or has characters that no API key has'],
  ] as const)
    assert.equal(thrown(() => settings({ apiKey: key })).message, `apiKey: ${message}`);
});

test('client IDs are checked', () => {
  for (const good of ['client_01ABC', 'client_a_b', undefined, null]) settings({ clientId: good });
  for (const bad of ['', 'client_', 'client-1', 'sk_test_abc123', 'client_a b', 'client_é', 'client_a\n']) {
    const error = thrown(() => settings({ clientId: bad }));
    assert.equal(error.code, 'invalid_config', bad);
    assert.ok(error.message.startsWith('clientId: ') && !error.message.includes('abc'), error.message);
  }
});

test('what is not set is as in the official SDK', () => {
  const { baseUrl, timeoutMs, attemptTimeoutMs, bounds, cipher, retries } = settings({});
  assert.deepEqual(
    { baseUrl, timeoutMs, attemptTimeoutMs, bounds, cipher },
    {
      baseUrl: 'https://api.workos.com',
      timeoutMs: 60_000,
      attemptTimeoutMs: undefined,
      bounds: undefined,
      cipher: 'auto',
    },
  );
  assert.equal(retries.repeats, true);
  assert.equal(settings({ maxRetries: 0 }).retries.repeats, false);
});

test('every problem is told at once, under the variable that an option was read from', () => {
  const wrong = {
    apiKey: 'sk_',
    timeout: 5,
    dataKeyCache: 5,
    clientId: 5,
    baseUrl: 5,
    fetch: 5,
    timeoutMs: 0,
    attemptTimeoutMs: 2 ** 31,
    onRequest: 5,
    onResponse: 5,
    onRetry: 5,
    retryInaccessibleKeyAfterMs: 1.5,
    maxRetries: 11,
    cipher: 'aes',
    headers: [],
  };
  const error = thrown(() => settings(wrong));
  assert.equal(error.code, 'invalid_api_key');
  assert.deepEqual(fieldsOf(error).sort(), Object.keys(wrong).sort());
  const fields = { apiKey: 'WORKOS_API_KEY', clientId: 'WORKOS_CLIENT_ID', baseUrl: 'WORKOS_API_URL' };
  const variables = { apiKey: '', clientId: '', baseUrl: '' };
  const named = thrown(() => settingsOf(variables, { isBrowser: false, fields }));
  assert.deepEqual(fieldsOf(named), Object.values(fields));
  for (const none of [undefined, null, 5, 'sk_test_abc123', []]) {
    const error = thrown(() => settingsOf(none, host));
    assert.deepEqual([error.code, fieldsOf(error)], ['invalid_config', ['options']]);
    assert.ok(!error.message.includes('abc'), error.message);
  }
});

test('base URLs', () => {
  const cases: [text: string, url: string | undefined][] = [
    ['https://api.workos.com', 'https://api.workos.com'],
    ['https://api.workos.com/', 'https://api.workos.com'],
    ['HTTPS://Api.WorkOS.com:8443/v/x//', 'https://Api.WorkOS.com:8443/v/x'],
    ['https://a:65535', 'https://a:65535'],
    ['http://localhost:4180', 'http://localhost:4180'],
    ['http://LOCALHOST', 'http://LOCALHOST'],
    ['http://vault.localhost', 'http://vault.localhost'],
    ['http://127.0.0.1:1', 'http://127.0.0.1:1'],
    ['http://127.255.0.9', 'http://127.255.0.9'],
    ['http://[::1]:80/', 'http://[::1]:80'],
    ['https://[2001:db8::1]', 'https://[2001:db8::1]'],
    ['http://api.workos.com', undefined],
    ['http://localhost.evil.com', undefined],
    ['http://evillocalhost', undefined],
    ['http://127.0.0.1.evil.com', undefined],
    ['http://127.0.0.01', undefined],
    ['http://127.0.0.256', undefined],
    ['http://127.1', undefined],
    ['http://128.0.0.1', undefined],
    ['http://0.0.0.0', undefined],
    ['http://[::2]', undefined],
    ['http://localhost@evil.com', undefined],
    ['https://user:hunter2@api.workos.com', undefined],
    ['https://api.workos.com?x', undefined],
    ['https://api.workos.com#x', undefined],
    ['https://api.workos.com/a/../b', undefined],
    ['https://api.workos.com/a/.', undefined],
    ['https://api.workos.com/%2e', undefined],
    ['https://api.workos.com\\@evil.com', undefined],
    ['https:// api.workos.com', undefined],
    ['https://api.workos.com/a\n', undefined],
    ['https://', undefined],
    ['https:///path', undefined],
    ['https://a:', undefined],
    ['https://a:0', undefined],
    ['https://a:65536', undefined],
    ['https://a:+80', undefined],
    ['https://[::1', undefined],
    ['https://[x]', undefined],
    ['https://[::1]x', undefined],
    // No address and no host, which only the URL parser knows.
    ['https://[1:2]', undefined],
    ['https://1.2.3.4.5', undefined],
    ['ftp://a', undefined],
    ['//a', undefined],
    ['', undefined],
    ['https://é.com', undefined],
  ];
  for (const [text, expected] of cases) {
    const found = baseUrlOf(text);
    assert.equal('url' in found ? found.url : undefined, expected, text);
    if (expected !== undefined) {
      assert.equal(settings({ baseUrl: text }).baseUrl, expected);
      continue;
    }
    const error = thrown(() => settings({ baseUrl: text }));
    assert.deepEqual([error.code, fieldsOf(error)], ['invalid_config', ['baseUrl']], text);
    assert.ok(!error.message.includes('hunter2'), error.message);
  }
});

test('what is wrong with a base URL is told', () => {
  for (const [text, problem] of [
    ['api.workos.com', 'expected an absolute URL that starts with https://'],
    ['https://a?b', 'a base URL has no query and no fragment'],
    ['https://a@b', 'a base URL has no user name and password'],
    ['https://a:65536', 'expected a host name, and a port from 1 to 65535 at most'],
    ['https://a/%2e', 'its path may hold letters, digits, -, _ and ~ only'],
    ['https://[1:2]', 'there is no such host'],
  ] as const)
    assert.deepEqual(baseUrlOf(text), { problem }, text);
});

const pieces = [
  ...['localhost', '.localhost', '127.0.0.1', '127', '.0', '.1', '[::1]', '[2001:db8::1]', '[', ']', '::'],
  ...['a', 'b.c', '-', '.', '..', '1', '0', '0x7f', ':', ':80', ':443', '@', '/', '//', '/v1', '/.', '/../'],
  ...['\\', '%', '%2e', '?', '#', ' ', '_', '~', 'xn--', '\t', 'é', '\u2024', '。'],
];
const of = (pieces: string[], maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...pieces), maxLength });
const baseUrl = fc
  .tuple(
    fc.constantFrom('http://', 'https://', 'HTTP://', 'http:/', 'https:'),
    // What may well be accepted, and anything.
    fc.constantFrom('', '', 'localhost', 'x.localhost', '127.0.0.1', '127.9.10.255', '[::1]', 'a-b.c'),
    fc.oneof(
      of(pieces, 4),
      of(['/', 'v1', '.', '..', '_', '~', ':8080'], 5),
      of([...'az09.:@[]/\\%?# _-'], 20),
    ),
  )
  .map((parts) => parts.join(''));

test('an accepted base URL means to a URL parser what it says', () => {
  const accepted = { 'http:': 0, 'https:': 0 };
  fc.assert(
    fc.property(baseUrl, (text) => {
      const found = baseUrlOf(text);
      if ('problem' in found) return;
      const url = new URL(found.url);
      const [, authority, path] = /^https?:\/\/([^/]*)(.*)$/.exec(found.url) ?? [];
      const { username, password, search, hash, protocol, hostname } = url;
      assert.deepEqual([username, password, search, hash], ['', '', '', '']);
      assert.ok(protocol === 'https:' || protocol === 'http:', protocol);
      accepted[protocol]++;
      assert.ok(text.toLowerCase().startsWith(`${protocol}//${authority?.toLowerCase()}`), text);
      if (protocol === 'http:') assert.match(hostname, /^(.*\.)?localhost$|^127\.[\d.]+$|^\[::1\]$/);
      assert.equal(url.pathname, path === '' ? '/' : path);
      assert.ok(!found.url.endsWith('/'), found.url);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted['http:'] > 500 && accepted['https:'] > 500, JSON.stringify(accepted));
});

test('headers of every request are checked', () => {
  for (const [name, value] of [
    ['X-Team', 'a'],
    ['traceparent', '00-1-2-01'],
    ["!#$%&'*+-.^_`|~", 'a'],
    ['x', ''],
    ['x', 'tab\there'],
    ['x', 'é'],
  ] as const) {
    const { headers } = settings({ headers: { [name]: value } });
    for (const its of Object.values(headers)) assert.equal(its[name], value, `${name}: ${value}`);
  }
  for (const [name, value] of [
    ['', 'a'],
    ['a b', 'a'],
    ['a:', 'a'],
    ['é', 'a'],
    ['x', 'a\r\nb'],
    ['x', 'a\nb'],
    ['x', 'a\n'],
    ['x', '\0'],
    ['x', '\x7f'],
    ['x', '日本'],
    ['x', 5],
    ['x', undefined],
    ['Accept', 'a'],
    ['AUTHORIZATION', 'a'],
    ['content-type', 'a'],
    ['Idempotency-Key', 'a'],
    ['host', 'a'],
    ['Content-Length', '1'],
  ] as const) {
    const error = thrown(() => settings({ headers: { [name]: value } }));
    assert.deepEqual([error.code, fieldsOf(error)], ['invalid_config', [`headers.${name}`]], `${value}`);
  }
  const twice = thrown(() => settings({ headers: { 'X-A': '1', 'x-a': '2' } }));
  assert.deepEqual(fieldsOf(twice), ['headers.x-a']);
  assert.deepEqual(fieldsOf(thrown(() => settings({ headers: 'x: y' }))), ['headers']);
});

test('a client says which it is, but not in a page', () => {
  const named = (options: object, isBrowser: boolean) =>
    Object.entries(settingsOf({ apiKey, ...options }, { isBrowser, fields: undefined }).headers.bare);
  const own = named({}, false).find(([name]) => name === 'User-Agent');
  assert.match(own?.[1] ?? '', /^workos-vault-edge\/\d+\.\d+\.\d+/);
  const callers = named({ headers: { 'user-agent': 'a' } }, false);
  assert.deepEqual(
    callers.filter(([name]) => /user-agent/i.test(name)),
    [['user-agent', 'a']],
  );
  assert.deepEqual(named({}, true), [
    ['Accept', 'application/json'],
    ['Authorization', `Bearer ${apiKey}`],
  ]);
});

/** The bounds of a keyring, and what is wrong with its options. */
function keyring(options: unknown) {
  const problems: { field: string; message: string }[] = [];
  return { bounds: boundsOf(options, '', problems), problems };
}

test('bounds are required and capped', () => {
  const good = { maxAgeMs: 86_400_000, maxMessages: 2 ** 32, maxBytes: 2 ** 40, maxDecryptKeys: 0 };
  assert.deepEqual(keyring({ ...good, context: { a: 'b' } }), {
    bounds: {
      maxAgeMs: 86_400_000,
      maxMessages: 2 ** 32,
      maxBytes: 2 ** 40,
      maxOpened: 0,
      maxContexts: 1,
    },
    problems: [],
  });
  const least = { maxAgeMs: 1, maxMessages: 1, maxBytes: 1 };
  assert.equal(keyring(least).bounds?.maxOpened, 100);
  assert.equal(keyring({ ...least, maxDecryptKeys: null }).bounds?.maxOpened, 100);
  assert.equal(keyring({ ...least, maxDecryptKeys: 10_000 }).bounds?.maxOpened, 10_000);
  const cases: [options: object, fields: string[]][] = [
    [{}, ['maxAgeMs', 'maxMessages', 'maxBytes']],
    [{ maxAgeMs: null, maxMessages: '1', maxBytes: 1.5 }, ['maxAgeMs', 'maxMessages', 'maxBytes']],
    [
      { maxAgeMs: 86_400_001, maxMessages: 2 ** 32 + 1, maxBytes: 2 ** 40 + 1 },
      ['maxAgeMs', 'maxMessages', 'maxBytes'],
    ],
    [{ maxAgeMs: 0, maxMessages: 0, maxBytes: 0 }, ['maxAgeMs', 'maxMessages', 'maxBytes']],
    [{ ...least, maxDecryptKeys: -1 }, ['maxDecryptKeys']],
    [{ ...least, maxDecryptKeys: 10_001 }, ['maxDecryptKeys']],
    [{ ...least, maxContexts: 2 }, ['maxContexts']],
    [{ ...least, maxAge: 1 }, ['maxAge']],
  ];
  const client = new VaultClient({ apiKey });
  for (const [options, fields] of cases) {
    assert.deepEqual(fieldsOf(keyring(options)), fields);
    const error = thrown(() => client.keyring({ context: { a: 'b' }, ...options } as never));
    assert.deepEqual([error.code, fieldsOf(error)], ['invalid_request', fields]);
  }
  for (const none of [undefined, null, 5, []]) {
    assert.deepEqual(fieldsOf(keyring(none)), ['options']);
    assert.equal(keyring(none).bounds, undefined);
  }
});

test("a client's cache says for how many contexts", () => {
  const least = { maxAgeMs: 1, maxMessages: 1, maxBytes: 1 };
  const cache = (dataKeyCache: object) =>
    settings({ dataKeyCache } as Partial<VaultClientOptions>).bounds ?? assert.fail('no bounds');
  assert.deepEqual([cache(least).maxContexts, cache(least).maxOpened], [100, 100]);
  assert.equal(cache({ ...least, maxContexts: 7 }).maxContexts, 7);
  const error = thrown(() => cache({ maxAgeMs: 1, maxContexts: 0, context: {} }));
  assert.equal(error.code, 'invalid_config');
  assert.deepEqual(
    fieldsOf(error),
    ['context', 'maxMessages', 'maxBytes', 'maxContexts'].map((name) => `dataKeyCache.${name}`),
  );
});

const bounds = { maxAgeMs: 1000, maxMessages: 100, maxBytes: 10_000, maxOpened: 2, maxContexts: 1 };

test('each bound ends a key, and its last tenth fetches the next', () => {
  const fresh = { born: 5000, messages: 0, bytes: 0 };
  for (const [now, bytes, expected] of [
    [5000, 0, USE],
    [5899, 0, USE],
    [5900, 0, AHEAD_TOO],
    [6000, 0, AHEAD_TOO],
    [6001, 0, RENEW],
    [4999, 0, RENEW],
    [5000, 8999, USE],
    [5000, 9000, AHEAD_TOO],
    [5000, 10_000, AHEAD_TOO],
    [5000, 10_001, RENEW],
  ] as const)
    assert.equal(choice(fresh, bounds, now, bytes), expected, `${now} ${bytes}`);
  const key = { born: 0, messages: 0, bytes: 0 };
  const choices = Array.from({ length: 101 }, () => {
    const chosen = choice(key, bounds, 0, 1);
    key.messages++;
    key.bytes++;
    return chosen;
  });
  assert.deepEqual(new Set(choices.slice(0, 89)), new Set([USE]));
  assert.deepEqual(new Set(choices.slice(89, 100)), new Set([AHEAD_TOO]));
  assert.equal(choices[100], RENEW);
});

test('the bounds are kept to one at their largest, too', () => {
  const most = { ...bounds, maxMessages: 2 ** 32, maxBytes: 2 ** 40 };
  const of = (messages: number, bytes: number) => choice({ born: 0, messages, bytes }, most, 0, 1);
  assert.equal(of(2 ** 32 - 1, 0), AHEAD_TOO);
  assert.equal(of(2 ** 32, 0), RENEW);
  assert.equal(of(0, 2 ** 40 - 1), AHEAD_TOO);
  assert.equal(of(0, 2 ** 40), RENEW);
  // Nine tenths of it are no whole number.
  assert.equal(of(Math.ceil(2 ** 32 * 0.9) - 1, 0), AHEAD_TOO);
  assert.equal(of(Math.ceil(2 ** 32 * 0.9) - 2, 0), USE);
});

test('no key is used beyond its bounds', () => {
  const most = (max: number) => fc.integer({ min: 1, max });
  const steps = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 59 })), { minLength: 1, maxLength: 200 });
  let renewed = 0;
  fc.assert(
    fc.property(most(49), most(19), most(199), steps, (maxAgeMs, maxMessages, maxBytes, steps) => {
      const bounds = { maxAgeMs, maxMessages, maxBytes, maxOpened: 0, maxContexts: 1 };
      let now = 0;
      let key = { born: 0, messages: 0, bytes: 0 };
      for (const [wait, length] of steps) {
        now += wait;
        if (length > maxBytes) {
          assert.equal(choice(key, bounds, now, length), RENEW);
          continue;
        }
        if (choice(key, bounds, now, length) === RENEW) {
          key = { born: now, messages: 0, bytes: 0 };
          renewed++;
          assert.notEqual(choice(key, bounds, now, length), RENEW, 'a fresh key serves');
        }
        key.messages++;
        key.bytes += length;
        const isWithin = now - key.born <= maxAgeMs && key.messages <= maxMessages && key.bytes <= maxBytes;
        assert.ok(isWithin, `${now - key.born} ms, ${key.messages} messages, ${key.bytes} bytes`);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(renewed > 100, `${renewed} renewed`);
});
