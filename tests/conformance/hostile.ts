// Answers and arguments that are made to do harm: clear errors, bounded memory, and the client goes on.
import { assert } from 'chai';
import { KeyContext, VaultClient, type VaultClientOptions } from 'workos-vault-edge';
import { base, type Case, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };
const metadata = {
  id: 'a',
  environment_id: 'e',
  context,
  key_id: 'k',
  updated_at: '2024-01-01T00:00:00Z',
  updated_by: { id: 'u', name: 'U' },
  version_id: 'v',
};
const object = { id: 'a', name: 'n', value: 'v', metadata };
const text = (body: string, headers: Record<string, string> = {}) =>
  new Response(body, { status: 200, headers });

/** What reading an object ends in where this is the answer. */
const refused = async (answer: () => Response | Promise<Response>) => {
  const { vault } = stubbed(answer, { maxRetries: 0 });
  const error = await fails('malformed_response', () => vault.readObject({ id: 'a' }));
  return error.message;
};

export const hostile: Case[] = [
  {
    name: 'a body without end is read to its limit and no further',
    run: async () => {
      let pulled = 0;
      let cancelled = false;
      const piece = new Uint8Array(1 << 20).fill(32);
      const endless = () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled++;
              controller.enqueue(piece);
            },
            cancel() {
              cancelled = true;
            },
          }),
        );
      assert.match(await refused(endless), /body: longer than 80 MiB/);
      assert.isBelow(pulled, 90);
      assert.isTrue(cancelled);
    },
  },
  {
    name: 'a body that announces 100 MB is not read at all',
    run: async () => {
      let pulled = 0;
      const announced = () => {
        const body = new ReadableStream(
          {
            pull(controller) {
              pulled++;
              controller.enqueue(new Uint8Array(1000));
            },
          },
          { highWaterMark: 0 },
        );
        const response = new Response(body);
        // A runtime's own Response may not let its length be set.
        return Object.defineProperty(response, 'headers', {
          value: { get: (name: string) => (name === 'content-length' ? '100000000' : null) },
        });
      };
      assert.match(await refused(announced), /body: longer than 80 MiB/);
      assert.isAtMost(pulled, 1);
    },
  },
  {
    name: 'JSON a million deep, of other types, or with members missing is named',
    run: async () => {
      const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
      assert.match(await refused(() => text(deep)), /body: (expected an object|it is not JSON)/);
      const nested = JSON.stringify(object).replace('"v"', deep);
      assert.match(
        await refused(() => text(nested)),
        /value: expected a string, got an array|body: it is not JSON/,
      );
      for (const [change, field] of [
        [{ value: 1 }, 'value: expected a string, got a?\\s?number'],
        [{ value: null }, 'value'],
        [{ metadata: { ...metadata, updated_by: [] } }, 'metadata\\.updated_by'],
        [{ metadata: { ...metadata, context: { a: { b: 'c' } } } }, 'metadata\\.context\\.a'],
        [{ metadata: { ...metadata, updated_at: 'yesterday' } }, 'metadata\\.updated_at'],
        [{ metadata: undefined }, 'metadata'],
        [{ id: undefined }, 'id: expected a string, but it is missing'],
      ] as const)
        assert.match(await refused(() => json({ ...object, ...change })), new RegExp(field));
      for (const body of ['', 'null', '"text"', '7', 'true', '[]', '<html>', '{"id":', '\u0000'])
        assert.match(await refused(() => text(body)), /body: /);
    },
  },
  {
    name: 'members beyond those of the API, twice, or of names that JavaScript treats specially do no harm',
    run: async () => {
      const special =
        '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toJSON":1,"then":2';
      const answer = JSON.stringify(object)
        .replace('{"organization_id"', '{"__proto__":"p","constructor":"c","organization_id"')
        .replace('{', `{${special},"id":"first",`);
      const { vault } = stubbed(() => text(answer));
      const read = await vault.readObject({ id: 'a' });
      assert.equal(read.id, 'a', 'the last of two counts, as JSON.parse has it');
      assert.deepEqual(Object.keys(read), ['id', 'name', 'value', 'metadata']);
      assert.deepEqual(Object.entries(read.metadata.context).sort(), [
        ['__proto__', 'p'],
        ['constructor', 'c'],
        ['organization_id', 'org_1'],
      ]);
      assert.isUndefined(({} as { polluted?: unknown }).polluted);
    },
  },
  {
    name: 'headers of any length are taken for what they are',
    run: async () => {
      const { vault } = stubbed(
        () =>
          json({ error: 'no' }, 404, {
            'x-request-id': 'r'.repeat(100_000),
            'retry-after': '9'.repeat(1000),
          }),
        { maxRetries: 0 },
      );
      const error = await fails('not_found', () => vault.readObject({ id: 'a' }));
      assert.lengthOf(error.requestId ?? '', 100_000);
      assert.isTrue(Number.isFinite(error.retryAfterMs));
    },
  },
  {
    name: 'data keys of the wrong length and empty wrapped keys are malformed, and not shown',
    run: async () => {
      const key = btoa('k'.repeat(32));
      for (const [change, field] of [
        [{ data_key: btoa('short') }, 'data_key'],
        [{ data_key: btoa('k'.repeat(33)) }, 'data_key'],
        [{ data_key: 'not base64!' }, 'data_key'],
        [{ encrypted_keys: '' }, 'encrypted_keys'],
        [{ encrypted_keys: '*' }, 'encrypted_keys'],
        [{ encrypted_keys: 5 }, 'encrypted_keys'],
      ] as const) {
        const answer = { id: 'i', data_key: key, encrypted_keys: btoa('WOS.EKM.v1\0x'), context, ...change };
        const { vault } = stubbed(() => json(answer), { maxRetries: 0 });
        const error = await fails('malformed_response', () => vault.encrypt('x', context));
        assert.include(error.message, field);
        assert.notInclude(error.message + JSON.stringify(error), String(answer.data_key));
      }
    },
  },
  {
    name: 'a redirect is refused, and Authorization is sent nowhere else',
    run: async () => {
      const { vault, requests } = stubbed(
        () => new Response(null, { status: 307, headers: { location: 'https://evil.example/' } }),
      );
      await fails('malformed_response', () => vault.readObject({ id: 'a' }));
      assert.deepEqual(
        requests.map(({ url, init }) => [new URL(url).host, init.redirect]),
        [['api.workos.com', 'manual']],
      );
    },
  },
  {
    name: 'arguments of every wrong kind are refused by name, and the client goes on',
    run: async () => {
      const { vault } = local();
      const cyclic: Record<string, unknown> = {};
      cyclic.self = cyclic;
      const throwing = Object.defineProperty({}, 'a', {
        enumerable: true,
        get() {
          throw new Error('mine');
        },
      });
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const detached = new Uint8Array(8);
      structuredClone(detached.buffer, { transfer: [detached.buffer] });
      const values: unknown[] = [
        undefined,
        null,
        NaN,
        Infinity,
        -0,
        10n,
        Symbol('s'),
        () => 'v',
        cyclic,
        throwing,
        proxy,
        [],
        ['v'],
        new Date(),
        new Map(),
        new ArrayBuffer(8),
        detached,
        '\ud800',
        Object.create(null),
        new Proxy(() => {}, {}),
        Promise.resolve('v'),
      ];
      const create = (value: unknown, name: unknown, of: unknown) =>
        vault.createObject({ name, value, context: of } as never);
      for (const [at, value] of values.entries()) {
        const wrong = async (field: RegExp, call: () => unknown) => {
          const error = await fails('invalid_request', call).catch(() => fails('invalid_key_context', call));
          assert.match(error.message, field, `value ${at}`);
        };
        await wrong(/value/, () => create(value, 'n', context));
        await wrong(/name/, () => create('v', value, context));
        await wrong(/context/, () => create('v', 'n', { a: value }));
        if (value !== null && value !== undefined) {
          await wrong(/options|id/, () => vault.readObject(value as never));
          await wrong(/associated|aad|signal|option/i, () =>
            vault.encrypt('x', context, 1 as never, value as never),
          );
        }
      }
      // A buffer that others share is copied before it is used.
      if (typeof SharedArrayBuffer !== 'undefined') {
        const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
        const { id } = await create(shared, 'shared', context);
        shared.fill(9);
        assert.deepEqual([...(await vault.readObject({ id, as: 'bytes' })).value], [7, 7, 7, 7]);
      }
      const { id } = await create('after all that', 'last', context);
      assert.equal((await vault.readObject({ id })).value, 'after all that');
    },
  },
  {
    name: 'classes that answer with anything, lists without end and settings of a class do no harm',
    run: async () => {
      class Odd extends Date {
        override toISOString() {
          return 5 as never;
        }
      }
      const throwing = new Proxy(['vault.data.read'], {
        get() {
          throw new Error('boom');
        },
      });
      const sent: Record<string, string>[] = [];
      const fetch = async (_: string, { headers }: RequestInit) => {
        sent.push(headers as Record<string, string>);
        return json({ data: [], list_metadata: { before: null, after: null } });
      };
      class Own {
        #headers = { 'X-Own': 'own' };
        toJSON() {
          return this.#headers;
        }
      }
      const vault = new VaultClient({ ...base(fetch), headers: new Own() as never });
      // A date is what it is, whatever its class says.
      await vault.listObjects({ updatedAfter: new Odd(0) });
      assert.equal(sent[0]?.['X-Own'], 'own');
      for (const events of [throwing, new Array(2 ** 28), Array(101).fill('vault.data.read')])
        for (let times = 0; times < 3; times++)
          assert.equal(
            (await fails('invalid_request', () => vault.listEvents({ events: events as never }))).problems[0]
              ?.field,
            'events',
          );
      const unreadable = {
        get 'X-Own'() {
          throw new Error('boom');
        },
      };
      await fails('invalid_config', () => new VaultClient({ ...base(fetch), headers: unreadable as never }));
      // The client goes on.
      await vault.listEvents({ events: Array(100).fill('vault.data.read') });
      const nan = async () => ({ status: Number.NaN, text: async () => '{}' }) as unknown as Response;
      const error = await fails('malformed_response', () =>
        new VaultClient({ ...base(nan), maxRetries: 0 }).readObject({ id: 'a' }),
      );
      assert.equal(error.status, 0);
    },
  },
  {
    name: 'names that JavaScript treats specially are plain data in a context',
    run: async () => {
      const special = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","hasOwnProperty":"d"}');
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'n', value: 'v', context: special });
      const found = (await vault.describeObject({ id })).metadata.context;
      assert.deepEqual(Object.entries(found).sort(), Object.entries(special).sort());
      assert.isUndefined(({} as { a?: unknown }).a);
      assert.deepEqual(
        Object.entries(KeyContext.from(special).toJSON()).sort(),
        Object.entries(special).sort(),
      );
    },
  },
  {
    name: 'a client that was closed, and hooks that close it, end in errors',
    run: async () => {
      const { vault, emulator } = local();
      const keyring = vault.keyring({ context, maxAgeMs: 1000, maxMessages: 10, maxBytes: 1000 });
      vault.close();
      vault.close();
      await fails('invalid_request', () => vault.readObject({ id: 'a' }));
      await fails('invalid_request', () => keyring.encrypt('x'));
      await fails('invalid_request', () =>
        vault.keyring({ context, maxAgeMs: 1, maxMessages: 1, maxBytes: 1 }),
      );
      const options: VaultClientOptions = { ...base(emulator.fetch), onRequest: () => closing.close() };
      const closing = new VaultClient(options);
      await fails('not_found', () => closing.readObject({ id: 'a' }));
      await fails('invalid_request', () => closing.readObject({ id: 'a' }));
    },
  },
  {
    name: 'an answer that repeats the API key is passed on without it',
    run: async () => {
      const body = {
        message: 'bad key sk_test_emulator',
        errors: [{ field: 'key', message: 'sk_test_emulator' }],
      };
      const { vault } = stubbed(() => json(body, 401), { maxRetries: 0 });
      const error = await fails('unauthorized', () => vault.readObject({ id: 'a' }));
      assert.include(error.message, 'bad key [API key]');
      assert.notInclude(JSON.stringify(error) + error.stack, 'sk_test_emulator');
      const escaped = String.raw`{"message":"bad key sk_test\u005femulator"}`;
      const { vault: sly } = stubbed(() => new Response(escaped, { status: 401 }), { maxRetries: 0 });
      const again = await fails('unauthorized', () => sly.readObject({ id: 'a' }));
      assert.include(again.message, 'bad key [API key]');
    },
  },
  {
    name: 'a body of pieces that are no bytes, or of nothing for ever, ends in an error',
    run: async () => {
      const pieces = (make: () => unknown) => {
        const body = { getReader: () => ({ read: async () => make(), cancel: async () => {} }) };
        return { status: 200, headers: new Headers(), body } as unknown as Response;
      };
      for (const piece of [{}, { value: undefined }, { value: 'text' }, { done: false }, { value: 5 }]) {
        const { vault } = stubbed(() => pieces(() => piece), { maxRetries: 0 });
        await fails('network_error', () => vault.readObject({ id: 'a' }));
      }
      // One who stands in for a stream with a reader of their own, which knows nothing of modes, is read.
      const text = new TextEncoder().encode(JSON.stringify(object));
      let rest = [text.subarray(0, 7), text.subarray(7)];
      const next = () => ({ done: rest.length === 0, value: rest.shift() });
      const { vault } = stubbed(() => {
        rest = [text.subarray(0, 7), text.subarray(7)];
        return pieces(next);
      });
      assert.equal((await vault.readObject({ id: 'a' })).value, 'v');
    },
  },
  {
    name: 'answers of every length about that of a piece are read whole, one after another and many at once',
    run: async () => {
      const ends = [1 << 14, 1 << 16, (1 << 14) + (1 << 18), 1 << 19];
      const lengths = [...ends.flatMap((end) => [end - 1, end, end + 1]), 300];
      const empty = JSON.stringify({ ...object, value: '' }).length;
      // Of no two lengths the same, so that what was left of one would show in another.
      const valueFor = (length: number) => String.fromCharCode(97 + (length % 26)).repeat(length - empty);
      const { vault } = stubbed((url) => {
        const length = Number(url.split('length_').pop());
        return json({ ...object, value: valueFor(length) });
      });
      const read = async (length: number) => {
        const { value } = await vault.readObject({ id: `length_${length}` });
        assert.isTrue(value === valueFor(length), `${length} bytes`);
      };
      for (const length of lengths) await read(length);
      for (let time = 0; time < 3; time++) await Promise.all([...lengths, ...lengths].map(read));
    },
  },
  {
    name: 'a context whose getters change their mind is not remembered as another',
    run: async () => {
      for (const reads of [1, 2, 3, 4, 5, 6]) {
        const { vault, requests } = stubbed(() => json({}, 500), { maxRetries: 0 });
        let count = 0;
        const changing = {
          get organization_id() {
            return ++count <= reads ? 'org_a' : 'org_b';
          },
        };
        const honest = { organization_id: 'org_a' };
        for (const context of [changing, honest]) {
          await vault.createObject({ name: 'n', value: 'v', context }).catch(() => {});
          count = 0;
          await vault.encrypt('x', context).catch(() => {});
          count = 0;
        }
        assert.lengthOf(requests, 4);
        for (const { init } of requests.slice(2))
          assert.include(String(init.body), 'org_a', `${reads} reads`);
      }
    },
  },
  {
    name: 'what fetch throws is never taken for the answer of the service',
    run: async () => {
      const theirs = await fails('not_found', () => local().vault.readObject({ id: 'a' }));
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      for (const thrown of [theirs, proxy, undefined, null, 5, 'text', Object.create(null)]) {
        const { vault, requests } = stubbed(
          (_url, _init, count) => {
            if (count === 1) return json({}, 500);
            throw thrown;
          },
          { maxRetries: 1 },
        );
        const error = await fails('network_error', () => vault.deleteObject({ id: 'a' }));
        assert.equal(error.cause, thrown);
        assert.lengthOf(requests, 2);
      }
    },
  },
  {
    name: "what the service names wrongly is its own trouble, and another tenant's answer is told as such",
    run: async () => {
      const page = { data: [{ id: '', name: 'n', updated_at: null }], list_metadata: {} };
      const { vault: lists } = stubbed(() => json(page));
      await fails('malformed_response', () => lists.forOrganization('org_1').listObjects());
      for (const change of [{ id: '..' }, { metadata: { ...metadata, version_id: '' } }]) {
        const { vault } = stubbed(() => json({ ...object, ...change }));
        await fails('malformed_response', () => vault.modifyObject({ id: 'a' }, () => 'w'));
      }
      const other = { ...object, metadata: { ...metadata, context: { organization_id: 'org_2' } } };
      let puts = 0;
      const { vault } = stubbed((_url, { method }) => {
        if (method !== 'PUT') return json(object);
        return ++puts === 1 ? json({}, 503, { 'retry-after': '0' }) : json(other, 201);
      });
      const update = { id: 'a', value: 'w', versionCheck: 'v' };
      await fails('context_mismatch', () => vault.forOrganization('org_1').updateObject(update));
      const key = btoa('k'.repeat(32));
      const long = { id: 'i', data_key: key, encrypted_keys: 'AAAA'.repeat(4_000_000), context };
      const { vault: keys } = stubbed(() => json(long));
      assert.lengthOf((await keys.createDataKey({ context })).encryptedKeys, 16_000_000);
      const options = {
        get context(): never {
          throw new TypeError('mine');
        },
        maxAgeMs: 1,
        maxMessages: 1,
        maxBytes: 1,
      };
      await fails('invalid_key_context', () => vault.keyring(options));
    },
  },
  {
    name: "a trap in a module of the caller's is theirs, and the client goes on",
    run: async () => {
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'n', value: 'v', context });
      const trap = new WebAssembly.RuntimeError('unreachable');
      const change = () => {
        throw trap;
      };
      const thrown: unknown = await vault.modifyObject({ id }, change).catch((error: unknown) => error);
      assert.equal(thrown, trap);
      const { vault: broken } = stubbed(change, { maxRetries: 0 });
      assert.equal((await fails('network_error', () => broken.readObject({ id }))).cause, trap);
      assert.equal((await vault.readObject({ id })).value, 'v');
    },
  },
  {
    name: 'many calls at once on one client keep apart what is theirs',
    run: async () => {
      const { vault } = local();
      const calls = Array.from({ length: 300 }, async (_, at) => {
        const { id } = await vault.createObject({ name: `n${at}`, value: `v${at}`, context });
        const sealed = await vault.encrypt(`s${at}`, context, `${at}`);
        return [(await vault.readObject({ id })).value, await vault.decrypt(sealed, `${at}`)];
      });
      for (const [at, found] of (await Promise.all(calls)).entries())
        assert.deepEqual(found, [`v${at}`, `s${at}`]);
    },
  },
];
