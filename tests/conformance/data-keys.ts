// Data keys that are used again: keyrings, and a client's cache.
import { assert } from 'chai';
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { base, type Case, counting, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };
const bounds = { maxAgeMs: 60_000, maxMessages: 1000, maxBytes: 1_000_000 };

export const dataKeys: Case[] = [
  {
    name: 'a keyring: one request for many, shared by those who wait, never beyond its bounds',
    run: async () => {
      const { vault, count } = counting();
      const keyring = vault.keyring({ context, ...bounds });
      const envelopes = await Promise.all(
        Array.from({ length: 100 }, (_, index) => keyring.encrypt(`text ${index}`, 'row')),
      );
      assert.deepEqual(count, { 'data-key': 1 });
      assert.deepEqual(keyring.counters, { hits: 0, misses: 100, apiCalls: 1 });
      assert.lengthOf(new Set(envelopes.map((envelope) => envelope.slice(0, 16))), 100, 'no nonce twice');
      await keyring.encrypt('one more');
      assert.equal(keyring.counters.hits, 1);
      const opened = await Promise.all(envelopes.map((envelope) => keyring.decrypt(envelope, 'row')));
      assert.equal(opened[99], 'text 99');
      assert.deepEqual(count, { 'data-key': 1 }, 'a key that encrypts is at hand for decryption too');
      assert.equal(await vault.decrypt(envelopes[5] ?? '', 'row'), 'text 5', 'by whoever may');
      await fails('decryption_failed', () => keyring.decrypt(envelopes[5] ?? '', 'another'));
      const other = vault.keyring({ ...bounds, context: { organization_id: 'org_2' } });
      await other.encrypt('x');
      assert.equal(count['data-key'], 2, 'two contexts never share a key');
      assert.include([1, 2], keyring.counters.apiCalls, 'a wrong tag makes it look for another reading');
      assert.equal(other.counters.apiCalls, 1);
    },
  },
  {
    name: 'a keyring fetches the next key ahead, and a new one where a bound is reached',
    run: async () => {
      const { vault, count } = counting();
      const keyring = vault.keyring({ context, maxAgeMs: 60_000, maxMessages: 20, maxBytes: 1000 });
      const keys = new Set<string>();
      for (let message = 0; message < 100; message++) {
        const envelope = atob(await keyring.encrypt('x'));
        keys.add(envelope.slice(envelope.indexOf('WOS.EKM.v1')).slice(11, 47));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      assert.isAtLeast(keys.size, 5);
      assert.isAtMost(keys.size, 6);
      assert.equal(keyring.counters.misses, 1, 'nobody waited but the first');
      assert.isAtMost((count['data-key'] ?? 0) - keys.size, 1);
      await fails('invalid_request', () => keyring.encrypt('y'.repeat(1001)));
      const large = vault.keyring({ context, maxAgeMs: 60_000, maxMessages: 20, maxBytes: 10 });
      for (let message = 0; message < 3; message++) await large.encrypt('8 bytes.');
      assert.equal(large.counters.apiCalls, 3);
      const brief = vault.keyring({ context, maxAgeMs: 5, maxMessages: 20, maxBytes: 10 });
      await brief.encrypt('x');
      await new Promise((resolve) => setTimeout(resolve, 10));
      await brief.encrypt('x');
      assert.equal(brief.counters.apiCalls, 2);
    },
  },
  {
    name: 'a keyring that is closed is of no use, and its trouble is told to each who waits',
    run: async () => {
      const { vault } = local();
      const keyring = vault.keyring({ context, ...bounds });
      await keyring.encrypt('x');
      const envelope = await vault.encrypt('x', context);
      const pending = fails('invalid_request', () => keyring.decrypt(envelope));
      keyring.close();
      await pending;
      await fails('invalid_request', () => keyring.encrypt('x'));
      const disposed = vault.keyring({ context, ...bounds });
      disposed[Symbol.dispose]();
      await fails('invalid_request', () => disposed.encrypt('x'));
      const down = stubbed(() => json({}, 503), { maxRetries: 0 });
      const broken = down.vault.keyring({ context, ...bounds });
      await Promise.all([1, 2, 3].map(() => fails('server_error', () => broken.encrypt('x'))));
      assert.lengthOf(down.requests, 1, 'shared');
      await fails('server_error', () => broken.encrypt('x'));
      assert.lengthOf(down.requests, 2, 'and tried again by the next');
      for (const wrong of [
        {},
        { context },
        { context, ...bounds, maxMessages: 2 ** 32 + 1 },
        { context, ...bounds, maxAge: 5 },
      ]) {
        await fails('invalid_request', () => vault.keyring(wrong as never));
      }
      await fails('invalid_key_context', () => vault.keyring({ ...bounds, context: {} }));
    },
  },
  {
    name: 'hooks and a fetch that come back to the keys they are asked for share one request, or find them closed',
    run: async () => {
      const { vault, count, emulator } = counting({ onRequest: () => void again?.() });
      let again: (() => void) | undefined;
      const keyring = vault.keyring({ context, ...bounds });
      const inner: Promise<string>[] = [];
      again = () => {
        if (inner.length < 50) inner.push(keyring.encrypt('inner'));
      };
      assert.equal(await keyring.decrypt(await keyring.encrypt('outer')), 'outer');
      for (const envelope of await Promise.all(inner)) assert.equal(await keyring.decrypt(envelope), 'inner');
      assert.equal(count['data-key'], 1);
      // Closed by the very request that was sent ahead for the next key.
      let requests = 0;
      const closing = new VaultClient({
        ...base((url, init) => {
          if (++requests === 2) ahead.close();
          return emulator.fetch(url, init);
        }),
      });
      const ahead = closing.keyring({ context, ...bounds, maxMessages: 2 });
      await ahead.encrypt('1');
      await ahead.encrypt('2').catch((error: unknown) => assert.instanceOf(error, VaultError));
      await fails('invalid_request', () => ahead.encrypt('3'));
    },
  },
  {
    name: 'a keyring encrypts and decrypts batches and fields under its keys',
    run: async () => {
      const { vault, count } = counting();
      const keyring = vault.keyring({ context, ...bounds, maxMessages: 30, maxBytes: 1000 });
      const items = Array.from({ length: 70 }, (_, index) => ({ data: `${index}` }));
      const sealed = await keyring.encryptMany([...items, { data: 'x'.repeat(1001) }]);
      const last = sealed.pop();
      assert.isFalse(last?.ok, 'more than maxBytes');
      if (last && !last.ok) assert.equal(last.error.problems[0]?.field, 'items[70].data');
      const envelopes = sealed.map((result) => ({ envelope: result.ok ? result.value : '' }));
      const used = new Set(envelopes.map(({ envelope }) => envelope.slice(40, 120)));
      assert.isAtLeast(used.size, 3, 'no key beyond its bounds');
      const opened = await keyring.decryptMany(envelopes);
      assert.deepEqual(
        opened,
        items.map(({ data }) => ({ ok: true, value: data })),
      );
      assert.isUndefined(count.decrypt);
      const row = { id: 1, ssn: '123' };
      const stored = await keyring.encryptFields(row, ['ssn'], { bindTo: 'users/1' });
      assert.notEqual(stored.ssn, '123');
      assert.deepEqual(await keyring.decryptFields(stored, ['ssn'], { bindTo: 'users/1' }), row);
      await fails('decryption_failed', () => keyring.decryptFields(stored, ['ssn'], { bindTo: 'users/2' }));
    },
  },
  {
    name: "a client's cache: one request for N operations of a context, none shared between contexts",
    run: async () => {
      const { vault, count } = counting({ dataKeyCache: bounds });
      assert.deepEqual(vault.dataKeyCounters, { hits: 0, misses: 0, apiCalls: 0 });
      const envelopes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => vault.encrypt(`text ${index}`, context, 'row')),
      );
      for (const envelope of envelopes.slice(0, 20)) await vault.decrypt(envelope, 'row');
      const sealed = await vault.encryptMany([{ data: 'a' }, { data: 'b' }], { organization_id: 'org_1' });
      assert.isTrue(sealed.every(({ ok }) => ok));
      assert.deepEqual(count, { 'data-key': 1 });
      assert.deepEqual(vault.dataKeyCounters, { hits: 22, misses: 50, apiCalls: 1 });
      // The order of items is not part of a context; a scope is.
      const two = { organization_id: 'org_1', user_id: 'u' };
      await vault.encrypt('x', two);
      await vault.encrypt('x', { user_id: 'u', organization_id: 'org_1' });
      await vault.forOrganization('org_1').encrypt('x', { user_id: 'u' });
      assert.deepEqual(count, { 'data-key': 2 });
      const id = (envelope: string) => atob(envelope).slice(40, 76);
      assert.equal(id(await vault.encrypt('x', two)), id(await vault.encrypt('y', two)));
      assert.notEqual(id(await vault.encrypt('x', two)), id(await vault.encrypt('x', context)));
      // Without one, each has a key of its own.
      const { vault: plain, count: each } = counting();
      await plain.encrypt('x', context);
      await plain.encrypt('x', context);
      assert.deepEqual(each, { 'data-key': 2 });
      assert.isUndefined(plain.dataKeyCounters);
    },
  },
  {
    name: "a client's cache is bounded in contexts and in keys for decryption",
    run: async () => {
      const { vault, count } = counting({ dataKeyCache: { ...bounds, maxContexts: 2, maxDecryptKeys: 1 } });
      for (const tenant of ['a', 'b', 'a', 'c', 'a', 'b']) await vault.encrypt('x', { tenant });
      assert.deepEqual(count, { 'data-key': 4 }, 'b gave way to c, as a was used later');
      const { vault: other, emulator } = local();
      const strangers = [await other.encrypt('1', context), await other.encrypt('2', context)];
      const small = new VaultClient({
        ...base(emulator.fetch),
        dataKeyCache: { ...bounds, maxDecryptKeys: 1 },
      });
      assert.deepEqual(
        await Promise.all(strangers.map((envelope) => small.decrypt(envelope))),
        ['1', '2'],
        'each gets its key, though only one is kept',
      );
      const wrong: [string, unknown][] = [
        ['dataKeyCache', true],
        ['dataKeyCache.maxAgeMs', { maxMessages: 1, maxBytes: 1 }],
        ['dataKeyCache.maxMessages', { ...bounds, maxMessages: 2 ** 32 + 1 }],
        ['dataKeyCache.context', { ...bounds, context }],
        ['dataKeyCache.maxContexts', { ...bounds, maxContexts: 0 }],
      ];
      for (const [field, dataKeyCache] of wrong) {
        const error = await fails(
          'invalid_config',
          () => new VaultClient({ ...base(fetch), dataKeyCache: dataKeyCache as never }),
        );
        assert.equal(error.problems[0]?.field, field);
      }
      const cipher = await fails(
        'invalid_config',
        () => new VaultClient({ ...base(fetch), cipher: 'des' as never }),
      );
      assert.equal(cipher.problems[0]?.field, 'cipher');
    },
  },
  {
    name: 'a closed client is of no use, nor is one scoped from it',
    run: async () => {
      const { vault } = local({}, { dataKeyCache: bounds });
      const ours = vault.forOrganization('org_1');
      const envelope = await vault.encrypt('x', context);
      const keyring = vault.keyring({ context, ...bounds });
      await keyring.encrypt('x');
      const under = vault.encrypt('y', { tenant: 'other' });
      vault.close();
      await fails('invalid_request', () => keyring.encrypt('x'));
      await fails('invalid_request', () => vault.keyring({ context, ...bounds }));
      await fails('invalid_request', () => under);
      for (const call of [
        () => vault.decrypt(envelope),
        () => vault.encrypt('x', context),
        () => vault.listObjects(),
        () => ours.encrypt('x', undefined),
        () => vault.decryptWith({ key: btoa('x'.repeat(32)) }, envelope),
      ]) {
        const error = await fails('invalid_request', call);
        assert.match(error.message, /closed/);
      }
      const disposed = new VaultClient(base(fetch));
      disposed[Symbol.dispose]();
      await fails('invalid_request', () => disposed.readObject({ id: 'a' }));
    },
  },
  {
    name: 'closing ends the requests that are under way',
    run: async () => {
      let ended = 0;
      const vault = new VaultClient({
        ...base(
          (_, init) =>
            new Promise((_, reject) =>
              init.signal?.addEventListener('abort', () => {
                ended++;
                reject(new Error('aborted'));
              }),
            ),
        ),
        dataKeyCache: bounds,
      });
      const keyring = vault.keyring({ context, ...bounds });
      const { vault: other } = local();
      const waiting = [
        vault.encrypt('x', context),
        vault.decrypt(await other.encrypt('x', context)),
        keyring.encrypt('x'),
      ].map((call) => fails('invalid_request', () => call));
      await new Promise((resolve) => setTimeout(resolve, 5));
      vault.close();
      await Promise.all(waiting);
      assert.equal(ended, 3);
    },
  },
  {
    name: 'a key that was sent for ahead and never came holds nobody up',
    run: async () => {
      const emulator = new VaultEmulator();
      let requests = 0;
      // The second request is never answered, as when the Worker's request that sent it was over.
      const vault = new VaultClient(
        base((url, init) => (++requests === 2 ? new Promise(() => {}) : emulator.fetch(url, init))),
      );
      const keyring = vault.keyring({ context, ...bounds, maxMessages: 10 });
      for (let message = 0; message < 10; message++) await keyring.encrypt('x');
      const started = Date.now();
      await keyring.encrypt('x');
      assert.isBelow(Date.now() - started, 3000);
      assert.equal(requests, 3);
      keyring.close();
    },
  },
  {
    name: 'an envelope is stale, or not, where the cache knows for which context it was made',
    run: async () => {
      const { vault, emulator } = local({}, { dataKeyCache: bounds });
      const [now, before] = [
        { tenant: 'a', rotation: '2026-Q4' },
        { tenant: 'a', rotation: '2026-Q3' },
      ];
      const old = await vault.encrypt('x', before, 'row', { layout: 'go' });
      assert.isTrue(vault.isStale(old, now));
      assert.isFalse(vault.isStale(old, { rotation: '2026-Q3', tenant: 'a' }), 'whatever the order');
      const rekeyed = await vault.rekeyEnvelope(old, now);
      assert.isFalse(vault.isStale(rekeyed, now));
      assert.isTrue(vault.isStale(rekeyed, before));
      assert.equal(await vault.decrypt(rekeyed, 'row'), 'x');
      const stranger = new VaultClient({ ...base(emulator.fetch), dataKeyCache: bounds });
      assert.isUndefined(stranger.isStale(old, now));
      await stranger.decrypt(old, 'row');
      assert.isUndefined(stranger.isStale(old, now), 'the service does not tell');
      assert.isUndefined(new VaultClient(base(emulator.fetch)).isStale(old, now));
      const keyring = vault.keyring({ context: now, ...bounds });
      assert.isFalse(keyring.isStale(await keyring.encrypt('x')));
      assert.isUndefined(keyring.isStale(old));
      await fails('malformed_envelope', () => vault.isStale('nonsense', now));
      await fails('invalid_key_context', () => vault.isStale(old, {}));
    },
  },
  {
    name: 'a batch under kept keys gives out what it encrypted before a key could not be had',
    run: async () => {
      const emulator = new VaultEmulator();
      let requests = 0;
      const vault = new VaultClient({
        ...base((url, init) => (++requests > 1 ? Promise.resolve(json({}, 503)) : emulator.fetch(url, init))),
        maxRetries: 0,
        dataKeyCache: { ...bounds, maxMessages: 2 },
      });
      const results = await vault.encryptMany(
        [{ data: 'a' }, { data: 'b' }, { data: 'c' }, { data: 'd' }],
        context,
      );
      assert.deepEqual(
        results.map((result) => (result.ok ? 'ok' : result.error.code)),
        ['ok', 'ok', 'server_error', 'server_error'],
      );
      await fails('server_error', () => vault.encryptMany([{ data: 'a' }], context));
    },
  },
];
