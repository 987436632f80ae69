// What happens where answers are lost, late, or refused for a while: retries, reading back, budgets, hooks.
import { assert } from 'chai';
import type { RequestEvent, ResponseEvent, RetryEvent, VaultClientOptions } from 'workos-vault-edge';
import type { Fault, VaultEmulator } from 'workos-vault-edge/emulator';
import { type Case, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };

/** A local Vault with one object, and what goes wrong next. */
async function faulty(fault: Fault, options: Partial<VaultClientOptions> = {}) {
  const { emulator, vault } = local({}, options);
  const { id, versionId } = await vault.createObject({ name: 'n', value: '1', context });
  const strike = () => emulator.setFaults([{ ...fault, next: 1 }]);
  strike();
  return { emulator, vault, id, versionCheck: versionId ?? '', strike };
}

const reads = (emulator: VaultEmulator) => emulator.events({ events: ['vault.data.read'] }).length;
const lost: Fault = { kind: 'reset', when: 'after' };

export const faults: Case[] = [
  {
    name: 'an update under a lock whose answer was lost is sent again, and found to have landed',
    run: async () => {
      const { vault, id, versionCheck, emulator } = await faulty(lost);
      const written = await vault.updateObject({ id, value: '2', versionCheck });
      const [newest, ...older] = await vault.listObjectVersions({ id });
      assert.equal(written.metadata.versionId, newest?.id);
      assert.lengthOf(older, 1);
      assert.isUndefined(written.value);
      assert.equal(reads(emulator), 1);
    },
  },
  {
    name: 'an update that did not land and then finds another is a conflict',
    run: async () => {
      const { vault, id, versionCheck, emulator } = await faulty({ kind: 'reset' });
      // Between the attempts, someone else.
      emulator.setFaults([]);
      let sent = 0;
      const fetch: typeof emulator.fetch = async (url, init) => {
        if (init?.method !== 'PUT' || ++sent > 1) return emulator.fetch(url, init);
        await vault.updateObject({ id, value: 'theirs' });
        throw new TypeError('fetch failed');
      };
      const { vault: ours } = stubbed((url, init) => fetch(url, init));
      await fails('version_mismatch', () => ours.updateObject({ id, value: '2', versionCheck }));
      assert.equal((await vault.readObject({ id })).value, 'theirs');
    },
  },
  {
    name: 'what others wrote over it hides an update: its outcome is unknown, and said to be',
    run: async () => {
      const { vault, id, versionCheck, emulator } = await faulty(lost);
      emulator.setFaults([]);
      let sent = 0;
      const { vault: ours } = stubbed(async (url, init) => {
        const answer = await emulator.fetch(url, init);
        if (init.method !== 'PUT' || ++sent > 1) return answer;
        await vault.modifyObject({ id }, ({ value }) => String(Number(value) + 1));
        throw new TypeError('fetch failed');
      });
      const error = await fails('outcome_unknown', () => ours.updateObject({ id, value: '2', versionCheck }));
      assert.isFalse(error.retryable);
      assert.match(error.recovery, /applied/);
      // Of another length than what followed the lock: that was not it.
      sent = 0;
      const { metadata } = await vault.readObject({ id });
      const other = ours.updateObject({ id, value: '22', versionCheck: metadata.versionId ?? '' });
      await fails('outcome_unknown', () => other);
    },
  },
  {
    name: 'a refusal after a lost answer does not pass for one of the whole update',
    run: async () => {
      for (const [status, headers] of [
        [429, { 'retry-after': '60' }],
        [403, {}],
      ] as const) {
        const { vault, id, versionCheck, emulator } = await faulty(lost);
        emulator.setFaults([]);
        let sent = 0;
        const { vault: ours } = stubbed(async (url, init) => {
          if (init.method !== 'PUT') return emulator.fetch(url, init);
          if (++sent > 1) return json({ error: 'no' }, status, headers);
          await emulator.fetch(url, init);
          throw new TypeError('fetch failed');
        });
        await fails('outcome_unknown', () => ours.updateObject({ id, value: '2', versionCheck }));
        assert.equal((await vault.readObject({ id })).value, '2');
        sent = 0;
        const applied = ({ value }: { value: string }) => value === '2+';
        const modified = ours.modifyObject({ id, applied, maxAttempts: 1 }, ({ value }) => `${value}+`);
        assert.equal((await modified).value, '2+');
      }
    },
  },
  {
    name: "a caller's Idempotency-Key is for what they create",
    run: async () => {
      const sent: (string | null)[] = [];
      const { vault } = local({}, { maxRetries: 0 });
      const pairs = await Promise.all([1, 2].map(() => vault.createDataKey({ context })));
      const sealed = await Promise.all(pairs.map((pair) => vault.encryptWith(pair, 'x')));
      const { vault: noting } = stubbed((_, init) => {
        sent.push(new Headers(init.headers).get('idempotency-key'));
        const { keys } = JSON.parse(String(init.body));
        return json({
          id: 'i',
          data_key: pairs.find(({ encryptedKeys }) => encryptedKeys === keys)?.dataKey.key,
        });
      });
      const items = sealed.map((envelope) => ({ envelope }));
      const opened = await noting.decryptMany(items, { idempotencyKey: 'mine' });
      assert.deepEqual(
        opened.map((result) => result.ok && result.value),
        ['x', 'x'],
      );
      assert.notInclude(sent, 'mine');
    },
  },
  {
    name: 'modifyObject asks `applied` where it cannot know, and else says so',
    run: async () => {
      const lostUpdate: Fault = { ...lost, route: 'updateObject' };
      const plain = await faulty(lostUpdate);
      await fails('outcome_unknown', () => plain.vault.modifyObject({ id: plain.id }, () => '2'));
      for (const answer of [true, Promise.resolve(true)]) {
        const { vault, id } = await faulty(lostUpdate);
        const seen: string[] = [];
        const applied = ({ value }: { value: string }) => {
          seen.push(value);
          return answer;
        };
        const object = await vault.modifyObject({ id, applied }, ({ value }) => `${value}+`);
        assert.deepEqual(seen, ['1+']);
        assert.equal(object.value, '1+');
        assert.lengthOf(await vault.listObjectVersions({ id }), 2);
      }
      // Not in it: done again.
      const { vault, id } = await faulty(lostUpdate);
      await vault.modifyObject({ id, applied: () => false }, ({ value }) => `${value}+`);
      assert.equal((await vault.readObject({ id })).value, '1++');
      await fails('invalid_request', () => vault.modifyObject({ id, applied: 1 as never }, () => 'x'));
    },
  },
  {
    name: 'an update without a lock is sent once; only a 429 surely did nothing',
    run: async () => {
      const { vault, id, strike, emulator } = await faulty(lost);
      await fails('network_error', () => vault.updateObject({ id, value: '2' }));
      assert.lengthOf(await vault.listObjectVersions({ id }), 2);
      strike();
      emulator.setFaults([{ kind: 'status', status: 429, retryAfterMs: 0, next: 1 }]);
      await vault.updateObject({ id, value: '3' });
      assert.lengthOf(await vault.listObjectVersions({ id }), 3);
    },
  },
  {
    name: 'a deletion whose answer was lost is sent again, and that nothing is there is its success',
    run: async () => {
      for (const lock of [true, false]) {
        const { vault, id, versionCheck, emulator } = await faulty(lost);
        await vault.deleteObject(lock ? { id, versionCheck } : { id });
        assert.equal(emulator.objectCount, 0);
        // Without a lost answer it is what it is.
        await fails('not_found', () => vault.deleteObject({ id }));
      }
      const { vault, id, strike } = await faulty({ kind: 'reset' });
      await fails('version_mismatch', () => vault.deleteObject({ id, versionCheck: 'other' }));
      strike();
      assert.equal(
        (await fails('version_mismatch', () => vault.deleteObject({ id, versionCheck: 'x' }))).status,
        409,
      );
    },
  },
  {
    name: 'a body that broke off is asked for again',
    run: async () => {
      for (const kind of ['cut', 'truncate', 'malform'] as const) {
        const { vault, id } = await faulty({ kind });
        assert.equal((await vault.readObject({ id })).value, '1');
      }
    },
  },
  {
    name: 'an attempt has its own time where asked, the call its deadline',
    run: async () => {
      const { vault, id, emulator } = await faulty(
        { kind: 'latency', delayMs: 30_000 },
        { attemptTimeoutMs: 50 },
      );
      assert.equal((await vault.readObject({ id })).value, '1');
      emulator.setFaults([{ kind: 'latency', delayMs: 30_000 }]);
      const error = await fails('timeout', () =>
        vault.readObject({ id }, { attemptTimeoutMs: 20, timeoutMs: 300 }),
      );
      assert.match(error.message, /no answer within (20|300) ms/);
      await fails('invalid_request', () => vault.readObject({ id }, { attemptTimeoutMs: 0 }));
    },
  },
  {
    name: "a customer's key that cannot be used is tried once more after a while, where asked",
    run: async () => {
      const options = {
        customerKeys: [{ organizationId: 'org_1', provider: 'AWS_KMS' as const, accessible: false }],
      };
      const { emulator, vault } = local(options, { retryInaccessibleKeyAfterMs: 20, maxRetries: 0 });
      const create = () => vault.createObject({ name: 'n', value: 'v', context });
      await fails('customer_key_inaccessible', create);
      const creating = create();
      emulator.setCustomerKeyAccess('org_1', true);
      assert.isString((await creating).id);
      const count = { requests: 0 };
      const { vault: never } = local(options, { onRequest: () => count.requests++ });
      await fails('customer_key_inaccessible', () => never.createDataKey({ context }));
      assert.equal(count.requests, 1);
    },
  },
  {
    name: 'hooks are told of each attempt, see no secret, and may throw or call the client',
    run: async () => {
      const told: (RequestEvent | ResponseEvent | RetryEvent)[] = [];
      const secret = 's3cret-value';
      const { emulator, vault } = local(
        {},
        {
          onRequest: (event) => {
            told.push(event);
            throw new Error('a hook of yours failed');
          },
          onResponse: (event) => {
            told.push(event);
          },
          onRetry: async (event) => {
            told.push(event);
            if (event.attempt > 1) throw new Error('a hook of yours failed, later');
            // Comes back into the client while it is in the middle of a call.
            if (event.attempt === 1) void vault.describeObject({ id: 'none' }).catch(() => {});
          },
        },
      );
      emulator.setFaults([{ kind: 'status', status: 503, route: 'createObject', next: 1 }]);
      const { id } = await vault.createObject({ name: 'private-name', value: secret, context });
      await vault.readObject({ id });
      const creations = told.filter(({ operation }) => operation === 'createObject');
      assert.deepEqual(
        creations.map((event) => [
          event.method,
          event.route,
          event.attempt,
          'durationMs' in event ? (event.code ?? event.status) : 'delayMs' in event ? 'retry' : 'request',
        ]),
        [
          ['POST', '/vault/v1/kv', 1, 'request'],
          ['POST', '/vault/v1/kv', 1, 'server_error'],
          ['POST', '/vault/v1/kv', 1, 'retry'],
          ['POST', '/vault/v1/kv', 2, 'request'],
          ['POST', '/vault/v1/kv', 2, 201],
        ],
      );
      assert.lengthOf(new Set(creations.map(({ call }) => call)), 1);
      const read = told.filter(({ operation }) => operation === 'readObject');
      assert.equal(read[0]?.route, '/vault/v1/kv/{id}');
      assert.isString((read[1] as ResponseEvent).requestId);
      for (const hidden of [secret, 'private-name', 'sk_test_emulator', 'org_1', id])
        assert.notInclude(JSON.stringify(told), hidden);
      await fails('invalid_config', () => local({}, { onRetry: 'x' as never }));
    },
  },
];
