import { assert } from 'chai';
import { ObjectPage, VaultError } from 'workos-vault-edge';
import { type Case, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };

export const objects: Case[] = [
  {
    name: 'createObject returns metadata with every field',
    run: async () => {
      const { vault } = local();
      const before = Date.now();
      const metadata = await vault.createObject({ name: 'a', value: 'v', context: { b: '2', a: '1' } });
      assert.sameMembers(Object.keys(metadata), [
        'id',
        'environmentId',
        'context',
        'keyId',
        'updatedAt',
        'updatedBy',
        'versionId',
      ]);
      assert.deepEqual(metadata.context, { b: '2', a: '1' });
      assert.deepEqual(Object.keys(metadata.context), ['b', 'a'], 'the order it was given in');
      assert.instanceOf(metadata.updatedAt, Date);
      assert.isAtLeast(metadata.updatedAt.getTime(), before);
      assert.match(metadata.environmentId, /^environment_/);
      assert.match(metadata.updatedBy.id, /^key_/);
      assert.isString(metadata.versionId);
    },
  },
  {
    name: 'values of every kind come back as they were',
    run: async () => {
      const { vault } = local();
      const values = ['', 'x', 'naïve — ключ 🔑', '"\\\n\u0000\u2028', '{"json":true}', 'y'.repeat(300_000)];
      for (const [index, value] of values.entries()) {
        const { id } = await vault.createObject({ name: `v${index}`, value, context });
        assert.equal((await vault.readObject({ id })).value, value);
        assert.equal((await vault.readObjectByName(`v${index}`)).value, value);
        assert.equal((await vault.readObjectByName({ name: `v${index}`, as: 'text' })).value, value);
      }
    },
  },
  {
    name: 'bytes are stored as a data URL and come back as bytes',
    run: async () => {
      const { vault } = local();
      for (const length of [0, 1, 2, 3, 256, 70_000]) {
        const value = Uint8Array.from({ length }, (_, index) => index * 7);
        const { id } = await vault.createObject({ name: `b${length}`, value, context });
        const read = await vault.readObject({ id, as: 'bytes' });
        assert.instanceOf(read.value, Uint8Array);
        assert.deepEqual(Array.from(read.value), Array.from(value));
      }
      assert.equal(
        (await vault.readObjectByName('b3')).value,
        'data:application/octet-stream;base64,AAcO',
        'what another SDK reads',
      );
      await vault.createObject({ name: 'text', value: 'é', context });
      const bytes = await vault.readObjectByName({ name: 'text', as: 'bytes' });
      assert.deepEqual(Array.from(bytes.value), [0xc3, 0xa9], "a text's UTF-8");
      await vault.createObject({
        name: 'damaged',
        value: 'data:application/octet-stream;base64,A*',
        context,
      });
      await fails('malformed_envelope', () => vault.readObjectByName({ name: 'damaged', as: 'bytes' }));
    },
  },
  {
    name: 'names of every kind can be read back',
    run: async () => {
      const { vault } = local();
      const names = [
        'a/b',
        'a?b#c',
        '100%',
        '%2F',
        'two words',
        '+',
        'é',
        '鍵',
        '🔑',
        '...',
        'name',
        'a\\b',
        '&=;',
      ];
      for (const name of names) {
        const { id } = await vault.createObject({ name, value: name, context });
        const object = await vault.readObjectByName(name);
        assert.equal(object.id, id, name);
        assert.equal(object.value, name);
      }
      for (const name of ['.', '..']) {
        const { id } = await vault.createObject({ name, value: name, context });
        const error = await fails('invalid_request', () => vault.readObjectByName(name));
        assert.match(error.message, /by its ID/);
        assert.equal((await vault.readObject({ id })).name, name);
      }
    },
  },
  {
    name: 'updateObject writes versions, under a lock where asked',
    run: async () => {
      const { vault } = local();
      const first = await vault.createObject({ name: 'a', value: '1', context });
      const { id } = first;
      const second = await vault.updateObject({ id, value: '22', versionCheck: first.versionId });
      assert.sameMembers(Object.keys(second), ['id', 'name', 'value', 'metadata']);
      assert.isUndefined(second.value);
      assert.notEqual(second.metadata.versionId, first.versionId);
      const error = await fails('version_mismatch', () =>
        vault.updateObject({ id, value: '3', versionCheck: first.versionId }),
      );
      assert.equal(error.status, 409);
      assert.match(error.requestId ?? '', /^req_/);
      assert.isFalse(error.retryable);
      await vault.updateObject({ id, value: '333' });
      await vault.updateObject({ id, value: '333', versionCheck: null });
      const versions = await vault.listObjectVersions({ id });
      assert.deepEqual(
        versions.map(({ size, currentVersion }) => [size, currentVersion]),
        [
          [3, true],
          [3, false],
          [2, false],
          [1, false],
        ],
      );
      assert.equal(versions[3]?.id, first.versionId);
      assert.equal(versions[0]?.etag, versions[1]?.etag, 'the same value, the same etag');
      assert.notEqual(versions[1]?.etag, versions[2]?.etag);
      assert.instanceOf(versions[0]?.createdAt, Date);
      assert.equal((await vault.readObject({ id })).value, '333');
    },
  },
  {
    name: 'describeObject has no value',
    run: async () => {
      const { vault } = local();
      const { id } = await vault.createObject({ name: 'a', value: 'secret', context });
      const described = await vault.describeObject({ id });
      assert.isUndefined(described.value);
      assert.notInclude(JSON.stringify(described), 'secret');
      assert.deepEqual(described.metadata.context, context);
    },
  },
  {
    name: 'deleteObject makes an object unavailable to every operation, and its name free',
    run: async () => {
      const { vault, emulator } = local();
      const { id, versionId } = await vault.createObject({ name: 'a', value: '1', context });
      await fails('version_mismatch', () => vault.deleteObject({ id, versionCheck: 'other' }));
      assert.isUndefined(await vault.deleteObject({ id, versionCheck: versionId }));
      for (const call of [
        () => vault.readObject({ id }),
        () => vault.readObjectByName('a'),
        () => vault.describeObject({ id }),
        () => vault.listObjectVersions({ id }),
        () => vault.updateObject({ id, value: '2' }),
        () => vault.deleteObject({ id }),
      ]) {
        const error = await fails('not_found', call);
        assert.equal(error.status, 404);
      }
      assert.equal(emulator.objectCount, 0);
      const again = await vault.createObject({ name: 'a', value: '2', context });
      assert.notEqual(again.id, id);
    },
  },
  {
    name: 'a name can be taken once',
    run: async () => {
      const { vault } = local();
      await vault.createObject({ name: 'a', value: '1', context });
      const error = await fails('name_conflict', () =>
        vault.createObject({ name: 'a', value: '2', context }),
      );
      assert.equal(error.status, 409);
      assert.equal((await vault.readObjectByName('a')).value, '1');
    },
  },
  {
    name: 'listObjects pages both ways, in both orders, without gap or double',
    run: async () => {
      const { vault } = local();
      const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
      for (const name of names) await vault.createObject({ name, value: name, context });
      for (const order of ['asc', 'desc'] as const) {
        const expected = order === 'asc' ? names : [...names].reverse();
        const pages: string[][] = [];
        let page: ObjectPage | undefined = await vault.listObjects({ limit: 10, order });
        assert.instanceOf(page, ObjectPage);
        assert.isNull(page.listMetadata.before);
        let last = page;
        for (; page; page = await page.nextPage()) {
          last = page;
          pages.push(page.data.map(({ name }) => name));
        }
        assert.deepEqual(
          pages.map(({ length }) => length),
          [10, 10, 5],
        );
        assert.deepEqual(pages.flat(), expected);
        assert.isNull(last.listMetadata.after);
        const back = await vault.listObjects({ limit: 10, order, before: last.listMetadata.before });
        assert.deepEqual(
          back.data.map(({ name }) => name),
          expected.slice(10, 20),
        );
        const seven = await vault.listObjects({ limit: 7, order });
        assert.lengthOf(
          await seven.autoPagination(),
          7,
          'as the official SDK has it: with a limit, this page',
        );
        const all = await (await vault.listObjects({ order })).autoPagination();
        assert.deepEqual(
          all.map(({ name }) => name),
          expected,
        );
      }
      const iterated: string[] = [];
      for await (const { name } of vault.listObjects({ limit: 4, search: 'N1' })) iterated.push(name);
      assert.deepEqual(iterated, [
        'n19',
        'n18',
        'n17',
        'n16',
        'n15',
        'n14',
        'n13',
        'n12',
        'n11',
        'n10',
        'n1',
      ]);
      assert.lengthOf((await vault.listObjects()).data, 10, 'the default');
    },
  },
  {
    name: 'going through all pages takes few requests, and ends where the service repeats itself',
    run: async () => {
      const { emulator } = local();
      let requests = 0;
      const { vault } = local(undefined, {
        fetch: (url, init) => {
          requests++;
          return emulator.fetch(url, init);
        },
      });
      for (let index = 0; index < 111; index++)
        await vault.createObject({ name: `${index}`, value: '', context });
      requests = 0;
      assert.lengthOf(await (await vault.listObjects()).autoPagination(), 111);
      assert.equal(requests, 3, '10, 100, 1');
      const circle = stubbed((_url, _init, count) =>
        json({ data: [{ id: 'a', name: 'n' }], list_metadata: { after: count % 2 ? 'odd' : 'even' } }),
      );
      await fails('malformed_response', async () => (await circle.vault.listObjects()).autoPagination());
      assert.lengthOf(circle.requests, 3);
      assert.lengthOf((await circle.vault.listObjects(null as never)).data, 1);
    },
  },
  {
    name: 'a cursor outlives the object it points at',
    run: async () => {
      const { vault } = local();
      for (const name of ['a', 'b', 'c', 'd']) await vault.createObject({ name, value: name, context });
      const page = await vault.listObjects({ limit: 2, order: 'asc' });
      await vault.deleteObject({ id: page.data[1]?.id ?? '' });
      const next = await page.nextPage();
      assert.deepEqual(
        next?.data.map(({ name }) => name),
        ['c', 'd'],
      );
    },
  },
  {
    name: 'updatedAfter takes a Date, or a text that is sent exactly',
    run: async () => {
      const { vault, emulator } = local();
      await vault.createObject({ name: 'old', value: '1', context });
      emulator.advance(60_000);
      const { updatedAt } = await vault.createObject({ name: 'new', value: '1', context });
      const just = new Date(updatedAt.getTime() - 1000);
      for (const updatedAfter of [just, just.toISOString()]) {
        const { data } = await vault.listObjects({ updatedAfter });
        assert.deepEqual(
          data.map(({ name }) => name),
          ['new'],
        );
      }
      const { vault: client, requests } = stubbed(() => json({ data: [], list_metadata: {} }));
      await client.listObjects({
        updatedAfter: '2024-06-15T10:30:00.123456789Z',
        search: 'a b&c',
        limit: 100,
      });
      assert.equal(
        requests[0]?.url,
        'https://api.workos.com/vault/v1/kv?limit=100&search=a%20b%26c&updatedAfter=2024-06-15T10%3A30%3A00.123456789Z',
      );
      await fails('invalid_request', () => client.listObjects({ updatedAfter: new Date(Number.NaN) }));
      await fails('invalid_request', () => client.listObjects({ updatedAfter: 'yesterday' }));
      await fails('invalid_request', () => client.listObjects({ updatedAfter: '1 June 2024' }));
    },
  },
  {
    name: 'wrong arguments are told all at once, before any request',
    run: async () => {
      const { vault, requests } = stubbed(() => json({}));
      const wrong = vault as unknown as Record<string, (...options: unknown[]) => Promise<unknown>>;
      const cases: [string, unknown[], string[]][] = [
        ['createObject', [], ['options']],
        ['createObject', [{}], ['name', 'value', 'key_context']],
        [
          'createObject',
          [{ name: 'n'.repeat(201), value: 1, context: { a: 1, b: 'x'.repeat(501) } }],
          ['name', 'value', 'key_context.a', 'key_context.b'],
        ],
        ['readObject', [{ id: '' }], ['id']],
        ['readObject', [{ id: '..' }], ['id']],
        ['readObject', [{ id: 5 }], ['id']],
        ['readObject', ['an id'], ['options']],
        ['readObject', [{ id: 'a', as: 'json' }], ['as']],
        ['describeObject', [{ id: 'name' }], ['id']],
        ['readObject', [{ id: 'a\ud800' }], ['id']],
        ['updateObject', [{ id: 'a', value: 'v\ud800' }], ['value']],
        ['readObject', [{ id: 'a' }, 'x'], ['call options']],
        ['readObjectByName', [''], ['name']],
        ['updateObject', [{ id: 'a', value: 'b', versionCheck: 7 }], ['versionCheck']],
        ['deleteObject', [null], ['options']],
        ['listObjects', [{ limit: 0, order: 'up' }], ['limit', 'order']],
        ['listObjects', [{ limit: 101 }], ['limit']],
        ['listObjects', [{ limit: 1.5 }], ['limit']],
        ['listObjects', [{ limit: Number.NaN }], ['limit']],
        ['listObjects', [{ limit: '10' }], ['limit']],
        ['listObjects', [{ before: 'a', after: 'b' }], ['before']],
        ['readObject', [{ id: 'a' }, { timeoutMs: 0 }], ['timeoutMs']],
        ['readObject', [{ id: 'a' }, { timeoutMs: 2 ** 31 }], ['timeoutMs']],
        ['readObject', [{ id: 'a' }, { signal: {} }], ['signal']],
        ['readObject', [{ id: 'a' }, { idempotencyKey: 'a\nb' }], ['idempotencyKey']],
      ];
      for (const [method, options, fields] of cases) {
        try {
          await wrong[method]?.call(vault, ...options);
          assert.fail(`${method} took ${JSON.stringify(options)}`);
        } catch (error) {
          assert.instanceOf(error, VaultError, `${error}`);
          const found = (error as VaultError).problems.map(({ field }) => field);
          assert.deepEqual(found, fields, `${method} ${JSON.stringify(options)}: ${error}`);
        }
      }
      assert.isEmpty(requests);
    },
  },
];
