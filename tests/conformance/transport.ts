import { assert } from 'chai';
import { VaultClient, VaultError } from 'workos-vault-edge';
import { base, type Case, fails, json, local, stubbed } from './case.ts';

const object = {
  id: 'obj',
  name: 'n',
  value: 'v',
  metadata: {
    id: 'obj',
    environment_id: 'environment_1',
    context: { a: 'b' },
    key_id: 'kek',
    updated_at: '2024-06-15T10:30:00.123456Z',
    updated_by: { id: 'key_1', name: 'K' },
    version_id: 'ver',
  },
};

/** Answers when its request is aborted, as `fetch` does. */
const hang = (_url: string, { signal }: RequestInit) =>
  new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

/** What a promise rejects with. */
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('expected it to fail'),
    (error: unknown) => error,
  );

const header = (init: RequestInit | undefined, name: string) => new Headers(init?.headers).get(name);

export const transport: Case[] = [
  {
    name: 'a request has its headers, refuses redirects, and uses nothing that a Worker lacks',
    run: async () => {
      const { vault, requests } = stubbed(() => json({ ...object.metadata }, 201), {
        headers: { 'X-Team': 'a' },
      });
      await vault.createObject({ name: 'n', value: 'v"', context: { a: 'b' } });
      const [request] = requests;
      assert.equal(request?.url, 'https://api.workos.com/vault/v1/kv');
      assert.equal(request?.init.method, 'POST');
      assert.equal(header(request?.init, 'authorization'), 'Bearer sk_test_emulator');
      assert.equal(header(request?.init, 'content-type'), 'application/json');
      assert.equal(header(request?.init, 'x-team'), 'a');
      const named = stubbed(() => json(object), { headers: { 'user-agent': 'mine' } });
      await named.vault.readObject({ id: 'a' });
      assert.equal(header(named.requests[0]?.init, 'user-agent'), 'mine');
      assert.match(
        header(request?.init, 'idempotency-key') ?? '',
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/,
      );
      assert.equal(request?.init.body, '{"name":"n","key_context":{"a":"b"},"value":"v\\""}');
      assert.equal(request?.init.redirect, 'manual');
      assert.sameMembers(Object.keys(request?.init ?? {}), [
        'method',
        'headers',
        'body',
        'signal',
        'redirect',
      ]);
      await vault.createDataKey({ context: { a: 'b' } }, { idempotencyKey: 'mine' }).catch(() => {});
      assert.equal(header(requests[1]?.init, 'idempotency-key'), 'mine');
    },
  },
  {
    name: 'a base URL with a path and a slash is kept',
    run: async () => {
      const { vault, requests } = stubbed(() => json(object), { baseUrl: 'http://localhost:4180/proxy/' });
      await vault.readObject({ id: 'a b' });
      assert.equal(requests[0]?.url, 'http://localhost:4180/proxy/vault/v1/kv/a%20b');
    },
  },
  {
    name: 'transient failures are retried, under one Idempotency-Key, and Retry-After is waited for',
    run: async () => {
      const { vault, requests } = stubbed((_url, _init, count) => {
        if (count === 1) return json({ error: 'busy' }, 503);
        if (count === 2) throw new TypeError('connection reset');
        if (count === 3) return json({ error: 'slow down' }, 429, { 'retry-after': '0' });
        return json(object.metadata, 201);
      });
      await vault.createObject({ name: 'n', value: 'v', context: { a: 'b' } });
      assert.lengthOf(requests, 4);
      assert.lengthOf(new Set(requests.map(({ init }) => header(init, 'idempotency-key'))), 1);
    },
  },
  {
    name: 'retries end: at maxRetries, at a pause too long, and for what a second try cannot mend',
    run: async () => {
      const once = async (status: number, headers: Record<string, string>, options = {}) => {
        const { vault, requests } = stubbed(() => json({ message: 'no' }, status, headers), options);
        const error = await caught(vault.readObject({ id: 'a' }));
        assert.instanceOf(error, VaultError);
        return { error: error as VaultError, sent: requests.length };
      };
      assert.equal((await once(503, {}, { maxRetries: 0 })).sent, 1);
      assert.equal((await once(503, { 'retry-after': '0' }, { maxRetries: 2 })).sent, 3);
      const long = await once(429, { 'retry-after': '3600' });
      assert.equal(long.sent, 1);
      assert.equal(long.error.code, 'rate_limited');
      assert.equal(long.error.retryAfterMs, 3_600_000);
      assert.isTrue(long.error.retryable);
      const date = await once(429, { 'retry-after': new Date(Date.now() + 90_000).toUTCString() });
      assert.isAbove(date.error.retryAfterMs ?? 0, 80_000);
      for (const status of [400, 401, 403, 404, 409, 422])
        assert.equal((await once(status, {})).sent, 1, `${status}`);
    },
  },
  {
    name: 'an Idempotency-Key makes a creation happen once',
    run: async () => {
      const { vault, emulator } = local();
      const create = () =>
        vault.createObject({ name: 'n', value: 'v', context: { a: 'b' } }, { idempotencyKey: 'k1' });
      const [first, second] = [await create(), await create()];
      assert.deepEqual(first, second);
      assert.equal(emulator.objectCount, 1);
      await fails('invalid_request', () =>
        vault.createObject({ name: 'other', value: 'v', context: { a: 'b' } }, { idempotencyKey: 'k1' }),
      );
    },
  },
  {
    name: 'statuses and bodies of every kind become codes',
    run: async () => {
      const cases: [number, string, string][] = [
        [400, '{"error":"bad"}', 'invalid_request'],
        [400, '{"error":"Invalid key context: non-string value"}', 'invalid_key_context'],
        [400, '{"error":"maximum key context size exceeded"}', 'key_context_too_large'],
        [400, '{"error":"customer key not accessible"}', 'customer_key_inaccessible'],
        [400, '{"message":"organization_id not found","code":"x","errors":[]}', 'organization_not_found'],
        [401, '{"message":"Unauthorized"}', 'unauthorized'],
        [403, '{}', 'forbidden'],
        [404, '{"error":"Not Found"}', 'not_found'],
        [409, '{"error":"version mismatch"}', 'version_mismatch'],
        [409, '{"error":"object marked for deletion"}', 'object_pending_deletion'],
        [422, '{"error":"no"}', 'validation_failed'],
        [429, '<html>slow</html>', 'rate_limited'],
        [500, '<html>oops</html>', 'server_error'],
        [503, '', 'server_error'],
        [418, '"teapot"', 'invalid_request'],
      ];
      for (const [status, body, code] of cases) {
        const { vault } = stubbed(
          () => new Response(body, { status, headers: { 'x-request-id': 'req_7' } }),
          { maxRetries: 0 },
        );
        const error = await fails(code as never, () => vault.readObject({ id: 'a' }));
        assert.equal(error.status, status);
        assert.equal(error.requestId, 'req_7');
        assert.isNotEmpty(error.recovery);
      }
      const { vault } = stubbed(() => json({ error: 'taken' }, 409));
      await fails('name_conflict', () => vault.createObject({ name: 'n', value: 'v', context: { a: 'b' } }));
    },
  },
  {
    name: 'a redirect is never followed',
    run: async () => {
      const { vault, requests } = stubbed(
        () => new Response(null, { status: 307, headers: { location: 'https://example.com/' } }),
      );
      const error = await fails('malformed_response', () => vault.readObject({ id: 'a' }));
      assert.match(error.message, /redirect, which is never followed/);
      assert.lengthOf(requests, 1);
    },
  },
  {
    name: 'answers that are not what the API describes are named, field by field',
    run: async () => {
      const bad = async (body: string) => {
        const { vault } = stubbed(() => new Response(body));
        return fails('malformed_response', () => vault.readObject({ id: 'a' }));
      };
      for (const body of ['', '<html>', '[]', 'null', '"x"', '{"id":']) await bad(body);
      const { metadata } = object;
      const error = await bad(
        JSON.stringify({
          ...object,
          id: 5,
          metadata: { ...metadata, updated_at: 'soon', updated_by: { id: 'x' }, context: { a: 1 } },
        }),
      );
      assert.sameMembers(
        error.problems.map(({ field }) => field),
        ['id', 'metadata.updated_at', 'metadata.updated_by.name', 'metadata.context.a'],
      );
      assert.notInclude(error.message, '"v"');
      const extra = { ...object, more: { deep: [1] }, metadata: { ...metadata, version_id: null } };
      const { vault } = stubbed(() => json(extra));
      const read = await vault.readObject({ id: 'a' });
      assert.isNull(read.metadata.versionId);
      assert.equal(read.metadata.updatedAt.toISOString(), '2024-06-15T10:30:00.123Z');
    },
  },
  {
    name: 'a call ends at its time-out, even where fetch does not listen',
    run: async () => {
      for (const answer of [hang, () => new Promise<Response>(() => {})]) {
        const { vault, requests } = stubbed(answer);
        const error = await fails('timeout', () => vault.readObject({ id: 'a' }, { timeoutMs: 30 }));
        assert.match(error.message, /within 30 ms/);
        assert.isTrue(requests[0]?.init.signal?.aborted);
      }
      const { vault } = stubbed(hang, { timeoutMs: 20 });
      await fails('timeout', () => vault.readObject({ id: 'a' }));
    },
  },
  {
    name: 'a signal ends a call before, during and between attempts',
    run: async () => {
      const { vault, requests } = stubbed(hang);
      const reason = new Error('the user left');
      const before = await fails('aborted', () =>
        vault.readObject({ id: 'a' }, { signal: AbortSignal.abort(reason) }),
      );
      assert.equal(before.cause, reason);
      assert.isEmpty(requests);

      const during = new AbortController();
      const call = fails('aborted', () => vault.readObject({ id: 'a' }, { signal: during.signal }));
      setTimeout(() => during.abort(reason), 5);
      assert.equal((await call).cause, reason);
      assert.isTrue(requests[0]?.init.signal?.aborted);

      const between = new AbortController();
      const busy = stubbed(() => {
        setTimeout(() => between.abort(reason), 5);
        return json({}, 503, { 'retry-after': '20' });
      });
      await fails('aborted', () => busy.vault.readObject({ id: 'a' }, { signal: between.signal }));
      assert.lengthOf(busy.requests, 1);
    },
  },
  {
    name: 'a time-out and a signal hold for all requests of a call, and for the change of modifyObject',
    run: async () => {
      const { vault, emulator } = local();
      const ours = vault.forOrganization('org_1');
      const { id } = await ours.createObject({ name: 'n', value: 'v' });
      const slow = stubbed(async (url, init) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        return emulator.fetch(url, init);
      });
      const tenant = slow.vault.forOrganization('org_1');
      await fails('timeout', () => tenant.updateObject({ id, value: 'w' }, { timeoutMs: 60 }));
      await fails('timeout', () => tenant.listObjects({}, { timeoutMs: 60 }));
      const never = () => new Promise<string>(() => {});
      await fails('timeout', () => vault.modifyObject({ id }, never, { timeoutMs: 20 }));
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 20);
      await fails('aborted', () => vault.modifyObject({ id }, never, { signal: controller.signal }));
      assert.equal((await vault.readObject({ id })).value, 'v');
    },
  },
  {
    name: 'a fetch may answer with a class of its own, or with nonsense, and the client goes on',
    run: async () => {
      const text = JSON.stringify(object);
      const own = { status: 200, headers: new Map([['x-request-id', 'r']]), text: () => text };
      const { vault } = stubbed(() => own as unknown as Response);
      assert.equal((await vault.readObject({ id: 'a' })).value, 'v');
      const nonsense: unknown[] = [
        null,
        5,
        {},
        { status: '200' },
        { status: 200, text: 'x' },
        { status: 200, headers: {}, text: () => 5 },
        { status: 200, headers: { get: 5 }, text: () => '[]' },
        {
          get status() {
            throw new Error('no');
          },
        },
        {
          status: 500,
          headers: {
            get: () => {
              throw new Error('no');
            },
          },
          text: () => '',
        },
      ];
      for (const [index, answer] of nonsense.entries()) {
        const { vault } = stubbed(() => answer as Response, { maxRetries: 0 });
        const error = await caught(vault.readObject({ id: 'a' }));
        assert.instanceOf(error, VaultError);
        assert.include(['malformed_response', 'server_error'], (error as VaultError).code, `answer ${index}`);
      }
    },
  },
  {
    name: 'arguments are read before the call returns: what becomes of them afterwards does not count',
    run: async () => {
      const { vault } = local();
      const value = Uint8Array.of(1, 2, 3);
      const options = { name: 'first', value, context: { a: 'b' } };
      const first = vault.createObject(options);
      options.name = 'second';
      value.fill(0);
      const second = vault.createObject(options);
      const { id } = await first;
      await second;
      assert.deepEqual(Array.from((await vault.readObject({ id, as: 'bytes' })).value), [1, 2, 3]);
      assert.equal((await vault.readObjectByName('first')).id, id);
      const data = Uint8Array.of(4, 5);
      const sealed = vault.encrypt(data, { a: 'b' });
      data.fill(0);
      assert.deepEqual(Array.from(await vault.decryptBytes(await sealed)), [4, 5]);
    },
  },
  {
    name: 'bytes whose buffer is gone, proxies and hostile promises are errors, and the client goes on',
    run: async () => {
      const { vault } = local();
      const gone = new Uint8Array(8);
      structuredClone(gone, { transfer: [gone.buffer] });
      const context = { a: 'b' };
      const proxied = new Proxy(new Uint8Array(4), {});
      const signal = new Proxy(new AbortController().signal, {});
      for (const value of [gone, proxied, new ArrayBuffer(4)]) {
        await fails('invalid_request', () =>
          vault.createObject({ name: 'n', value: value as never, context }),
        );
        await fails('invalid_request', () => vault.encrypt(value as never, context));
      }
      await fails('invalid_request', () => vault.listObjects({ updatedAfter: new Proxy(new Date(), {}) }));
      await caught(vault.readObject({ id: 'a' }, { signal, timeoutMs: 50 }));
      const { id } = await vault.createObject({ name: 'n', value: 'v', context });
      const promise = Promise.resolve('w');
      Object.defineProperty(promise, 'constructor', {
        get() {
          throw new Error('no');
        },
      });
      const own = Object.assign(Promise.resolve('w'), {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested.
        then() {
          throw new Error('no');
        },
      });
      for (const hostile of [promise, own]) {
        await caught(vault.modifyObject({ id }, () => hostile as Promise<string>)).catch(() => {});
        const { vault: hostileVault } = stubbed(() => json(object));
        await hostileVault.readObject({ id: 'a' });
        const direct = new VaultClient({ ...base(() => hostile as never), maxRetries: 0 });
        assert.instanceOf(await caught(direct.readObject({ id: 'a' })), VaultError);
      }
      assert.oneOf((await vault.readObject({ id })).value, ['v', 'w']);
    },
  },
  {
    name: 'an option that is misspelled is refused, with the right one',
    run: async () => {
      const { vault, requests } = stubbed(() => json({}));
      const wrong: [() => unknown, RegExp][] = [
        [
          () => vault.updateObject({ id: 'a', value: 'v', version_check: 'x' } as never),
          /did you mean versionCheck/,
        ],
        [
          () => vault.createObject({ name: 'n', value: 'v', keyContext: { a: 'b' } } as never),
          /did you mean context/,
        ],
        [() => vault.readObject({ id: 'a' }, { timeout: 5 } as never), /did you mean timeoutMs/],
        [() => vault.listObjects({ pageSize: 5 } as never), /there is no such option, only limit/],
        [() => vault.forOrganization('org_1').createDataKey({ user_id: 'u' } as never), /only context/],
        [() => vault.modifyObject({ id: 'a', name: 'b' } as never, () => 'x'), /there is no such option/],
      ];
      for (const [call, message] of wrong)
        assert.match((await fails('invalid_request', call)).message, message);
      const error = await fails(
        'invalid_config',
        () => new VaultClient({ ...base(undefined), timeout: 5 } as never),
      );
      assert.match(error.message, /did you mean timeoutMs/);
      assert.isEmpty(requests);
    },
  },
  {
    name: 'a fetch that changes what it was given does not change the next attempt, and what it says is no leak',
    run: async () => {
      const { vault, requests } = stubbed(
        (_url, init, count) => {
          const headers = init.headers as Record<string, string>;
          const key = headers.Authorization;
          requests.push({ url: String(key), init: {} });
          delete headers.Authorization;
          if (count === 1) return json({}, 503, { 'retry-after': '0' });
          throw new Error(`cannot send ${JSON.stringify({ Authorization: key })}`);
        },
        { maxRetries: 1 },
      );
      const error = await fails('network_error', () => vault.readObject({ id: 'a' }));
      assert.deepEqual(
        requests.filter(({ url }) => url.startsWith('Bearer')).map(({ url }) => url),
        ['Bearer sk_test_emulator', 'Bearer sk_test_emulator'],
      );
      assert.notInclude(JSON.stringify(error) + error.message, 'sk_test_emulator');
      const number = await fails(
        'invalid_api_key',
        () => new VaultClient({ ...base(undefined), apiKey: 987654 as never }),
      );
      assert.notInclude(number.message, '987654');
      const value = await fails('invalid_request', () =>
        vault.updateObject({ id: 'a', value: 987654 as never }),
      );
      assert.notInclude(value.message, '987654');
    },
  },
  {
    name: 'a failure of the network is told with its cause',
    run: async () => {
      const cause = new TypeError('getaddrinfo ENOTFOUND');
      const { vault, requests } = stubbed(
        () => {
          throw cause;
        },
        { maxRetries: 0 },
      );
      const error = await fails('network_error', () => vault.readObject({ id: 'a' }));
      assert.equal(error.cause, cause);
      assert.match(error.message, /ENOTFOUND/);
      assert.lengthOf(requests, 1);
    },
  },
  {
    name: 'modifyObject never loses a change under contention',
    run: async () => {
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'n', value: '0', context: { a: 'b' } });
      const writers = 8;
      const changes = 5;
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let change = 0; change < changes; change++) {
            await vault.modifyObject({ id, maxAttempts: 100 }, ({ value }) => String(Number(value) + 1));
          }
        }),
      );
      assert.equal((await vault.readObject({ id })).value, String(writers * changes));
      assert.lengthOf(await vault.listObjectVersions({ id }), writers * changes + 1);
    },
  },
  {
    name: 'modifyObject gives up with the last error, passes on what the change throws, and leaves alone on undefined',
    run: async () => {
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'n', value: '0', context: { a: 'b' } });
      let reads = 0;
      await fails('version_mismatch', () =>
        vault.modifyObject({ id, maxAttempts: 3 }, async () => {
          reads++;
          await vault.updateObject({ id, value: `other ${reads}` });
          return 'mine';
        }),
      );
      assert.equal(reads, 3);
      assert.equal((await vault.readObject({ id })).value, 'other 3');
      const own = new RangeError('my own');
      const thrown = await caught(
        vault.modifyObject({ id }, () => {
          throw own;
        }),
      );
      assert.equal(thrown, own);
      const same = await vault.modifyObject({ name: 'n' }, () => undefined);
      assert.equal(same.value, 'other 3');
      const written = await vault.modifyObject({ name: 'n', as: 'bytes' }, ({ value }) =>
        Uint8Array.of(value.length),
      );
      assert.isUndefined(written.value);
      assert.deepEqual(Array.from((await vault.readObject({ id, as: 'bytes' })).value), [7]);
      await fails('invalid_request', () => vault.modifyObject({ id }, () => 5 as never));
      await fails('invalid_request', () => vault.modifyObject({ id }, 'x' as never));
      await fails('invalid_request', () => vault.modifyObject({ id, maxAttempts: 0 }, () => 'x'));
      await fails('not_found', () => vault.modifyObject({ id: 'gone' }, () => 'x'));
    },
  },
  {
    name: 'settings that are wrong are named, and no secret is shown',
    run: async () => {
      const make = (options: object) => () => new VaultClient({ ...base(undefined), ...options } as never);
      const secret = 'sk_test_verysecret';
      const cases: [VaultError['code'], object, RegExp][] = [
        ['invalid_api_key', { apiKey: null }, /^apiKey: it is not set$/],
        ['invalid_api_key', { apiKey: undefined }, /^apiKey: it is not set$/],
        ['invalid_api_key', { apiKey: '' }, /apiKey: it is empty/],
        ['invalid_api_key', { apiKey: ` ${secret}\n` }, /spaces or line breaks/],
        ['invalid_api_key', { apiKey: `${secret}\r\nX: y` }, /characters that no API key has/],
        ['invalid_api_key', { apiKey: 'verysecret' }, /starts with sk_/],
        ['invalid_api_key', { apiKey: 7 }, /expected a string/],
        ['invalid_config', { clientId: 'verysecret' }, /clientId/],
        ['invalid_config', { baseUrl: 'http://api.workos.com' }, /in the clear/],
        ['invalid_config', { baseUrl: 'https://u:verysecret@api.workos.com' }, /user name and password/],
        ['invalid_config', { baseUrl: 'https://api.workos.com/?a' }, /no query/],
        ['invalid_config', { baseUrl: 'https://api.workos.com/#a' }, /no fragment/],
        ['invalid_config', { baseUrl: 'https://1.2.3.999' }, /no such host/],
        ['invalid_config', { baseUrl: 'ftp://api.workos.com' }, /starts with https/],
        ['invalid_config', { baseUrl: 'api.workos.com' }, /starts with https/],
        ['invalid_config', { fetch: {} }, /fetch: expected a function/],
        ['invalid_config', { timeoutMs: -1 }, /timeoutMs/],
        ['invalid_config', { maxRetries: 11 }, /maxRetries/],
        ['invalid_config', { headers: { 'X-A': 'a\r\nb' } }, /headers\.X-A/],
        ['invalid_config', { headers: { Authorization: 'x' } }, /sets this header itself/],
        ['invalid_config', { headers: { 'a b': 'x' } }, /headers\.a b/],
        ['invalid_config', { headers: { 'x-a': '日本' } }, /headers\.x-a: .*Latin-1/],
        ['invalid_config', { headers: { 'x-a': 'a', 'X-A': 'b' } }, /headers\.X-A: .*twice/],
        ['invalid_config', { headers: new Headers({ 'x-a': 'a' }) }, /headers: expected a plain object/],
        [
          'invalid_api_key',
          { apiKey: '', baseUrl: 'x', timeoutMs: 0 },
          /apiKey: .*; baseUrl: .*; timeoutMs: /,
        ],
      ];
      for (const [code, options, message] of cases) {
        const error = await fails(code, make(options));
        assert.match(error.message, message);
        assert.notInclude(JSON.stringify(error) + error.stack, 'verysecret');
      }
      const string = await fails('invalid_config', () => new VaultClient('sk_test_verysecret' as never));
      assert.match(
        string.message,
        /expected an object like \{ apiKey \}, got a string|dangerouslyAllowBrowser/,
      );
      for (const baseUrl of [
        'http://localhost:1',
        'http://127.0.0.1',
        'http://127.9.8.7:80',
        'http://[::1]:9',
        'https://EXAMPLE.com/a',
      ]) {
        make({ baseUrl })();
      }
    },
  },
  {
    name: 'fromEnv reads a Worker env and says which variable is missing or malformed',
    run: async () => {
      const secret = 'sk_test_verysecret';
      const { emulator } = local({ apiKeys: [secret] });
      const options = { fetch: emulator.fetch, dangerouslyAllowBrowser: true };
      const env = {
        WORKOS_API_KEY: secret,
        WORKOS_CLIENT_ID: 'client_1',
        WORKOS_API_URL: 'http://localhost:4180',
      };
      const vault = VaultClient.fromEnv(env, options);
      assert.isEmpty((await vault.listObjects()).data);
      const wrong = async (env: object) => {
        const error = await fails(
          'WORKOS_CLIENT_ID' in env || 'WORKOS_API_URL' in env ? 'invalid_config' : 'invalid_api_key',
          () => VaultClient.fromEnv(env, options),
        );
        assert.notInclude(JSON.stringify(error) + error.stack, 'verysecret');
        return error.message;
      };
      assert.match(await wrong({}), /^WORKOS_API_KEY: it is not set/);
      assert.match(await wrong({ WORKOS_API_KEY: '' }), /^WORKOS_API_KEY: it is empty/);
      assert.match(await wrong({ WORKOS_API_KEY: 'verysecret' }), /^WORKOS_API_KEY: .*sk_/);
      assert.match(
        await wrong({ WORKOS_API_KEY: secret, WORKOS_CLIENT_ID: 5 }),
        /^WORKOS_CLIENT_ID: expected a string/,
      );
      assert.match(
        await wrong({ WORKOS_API_KEY: secret, WORKOS_CLIENT_ID: 'verysecret' }),
        /^WORKOS_CLIENT_ID: .*client_/,
      );
      assert.match(
        await wrong({ WORKOS_API_KEY: secret, WORKOS_CLIENT_ID: secret }),
        /^WORKOS_CLIENT_ID: this is an API key/,
      );
      assert.match(
        await wrong({ WORKOS_API_KEY: secret, WORKOS_API_URL: 'http://a.b' }),
        /^WORKOS_API_URL: /,
      );
    },
  },
  {
    name: 'errors are errors: instanceof, stack, JSON, and no secret',
    run: async () => {
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'n', value: 'plain secret', context: { a: 'b' } });
      const error = await fails('version_mismatch', () =>
        vault.updateObject({ id, value: 'plain secret', versionCheck: 'x' }),
      );
      assert.instanceOf(error, Error);
      assert.equal(error.name, 'VaultError');
      assert.equal(String(error), `VaultError: ${error.message}`);
      const facts = JSON.parse(JSON.stringify(error));
      assert.equal(facts.docs, error.docs);
      assert.match(
        error.docs,
        /^https:\/\/unpkg\.com\/workos-vault-edge@\d+\.\d+\.\d+\/docs\/errors\.md#version_mismatch$/,
      );
      assert.sameMembers(Object.keys(facts), [
        'name',
        'docs',
        'code',
        'message',
        'recovery',
        'retryable',
        'problems',
        'status',
        'requestId',
      ]);
      for (const shown of [
        JSON.stringify(error),
        error.stack ?? '',
        JSON.stringify(vault),
        Object.keys(vault).join(),
      ]) {
        for (const secret of ['plain secret', 'sk_test']) assert.notInclude(shown, secret);
      }
    },
  },
];
