// The local Vault in process: events, environments, time, faults, snapshots.
import { assert } from 'chai';
import { VaultClient, type VaultEvent } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { base, type Case, fails, local } from './case.ts';

const context = { organization_id: 'org_1' };

export const emulator: Case[] = [
  {
    name: 'the audit log, by the client and in process, is the same and typed',
    run: async () => {
      const { vault, emulator } = local({ customerKeys: [{ organizationId: 'org_c', provider: 'GCP_KMS' }] });
      const { id, keyId } = await vault.createObject({ name: 'a', value: 'v', context });
      await vault.readObject({ id });
      await vault.decrypt(await vault.encrypt('x', { ...context, tier: 'gold' }));
      const events = [
        'vault.data.created',
        'vault.data.read',
        'vault.dek.read',
        'vault.kek.created',
      ] as const;
      const page = await vault.listEvents({ events, limit: 100 });
      assert.deepEqual(
        page.data.map(({ event }) => event),
        ['vault.data.created', 'vault.kek.created', 'vault.data.read', 'vault.dek.read', 'vault.kek.created'],
      );
      assert.deepEqual(emulator.events({ events }), page.data);
      assert.isNull(page.listMetadata.after);
      const created = page.data[0];
      if (created?.event !== 'vault.data.created') throw new Error('not the creation');
      // Told apart by its name, an event's data is typed.
      assert.deepEqual(created.data.keyContext, context);
      assert.equal(created.data.keyId, keyId);
      assert.equal(created.data.actorSource, 'api');
      assert.instanceOf(created.createdAt, Date);
      const dek = page.data.find(
        (event): event is VaultEvent<'vault.dek.read'> => event.event === 'vault.dek.read',
      );
      assert.deepEqual(dek?.data.keyContext, { organization_id: 'org_1', tier: 'gold' });
      assert.lengthOf(dek?.data.keyIds ?? [], 2);
      const byok = emulator.events({ organizationId: 'org_c' });
      assert.deepEqual(
        byok.map(({ data }) => data),
        [{ organizationId: 'org_c', keyProvider: 'GCP_KMS', verified: true }],
      );
      // Page by page, from an event seen, and in a span of time.
      const first = await vault.listEvents({ events, limit: 2 });
      assert.lengthOf(first.data, 2);
      const rest = await vault.listEvents({ events, limit: 100, after: first.listMetadata.after });
      assert.deepEqual([...first.data, ...rest.data], page.data);
      const late = await vault.listEvents({ events, rangeStart: new Date(Date.now() + 60_000) });
      assert.isEmpty(late.data);
      const newest = await vault.listEvents({ events, order: 'desc', limit: 1 });
      assert.deepEqual(newest.data[0], page.data[4]);
      const wrong: [string, object][] = [
        ['events', {}],
        ['events', { events: [] }],
        ['events', { events: 'vault.data.read' }],
        ['events', { events: ['Vault Data'] }],
        ['limit', { events, limit: 0 }],
        ['rangeStart', { events, rangeStart: '2024-01-01' }],
        ['range_start', { events, range_start: '2024-01-01T00:00:00Z' }],
      ];
      for (const [field, options] of wrong) {
        const error = await fails('invalid_request', () => vault.listEvents(options as never));
        assert.equal(error.problems[0]?.field, field);
      }
    },
  },
  {
    name: 'environments see nothing of one another',
    run: async () => {
      const emulator = new VaultEmulator({
        apiKeys: ['sk_test_one'],
        environments: [{ apiKeys: ['sk_test_two'], organizations: ['org_1'] }],
      });
      const [one, two] = ['sk_test_one', 'sk_test_two'].map(
        (apiKey) => new VaultClient({ ...base(emulator.fetch), apiKey }),
      ) as [VaultClient, VaultClient];
      const { id } = await one.createObject({ name: 'a', value: 'v', context });
      await two.createObject({ name: 'a', value: 'v', context });
      await fails('not_found', () => two.readObject({ id }));
      await fails('organization_not_found', () => two.encrypt('x', { organization_id: 'org_2' }));
      assert.isString(await one.encrypt('x', { organization_id: 'org_2' }));
      assert.lengthOf(emulator.events({ apiKey: 'sk_test_two', events: ['vault.data.created'] }), 1);
      emulator.addCustomerKey({ organizationId: 'org_1', provider: 'AWS_KMS' }, { apiKey: 'sk_test_two' });
      assert.throws(() => emulator.setCustomerKeyAccess('org_1', false), /org_1 has no customer key/);
      emulator.setCustomerKeyAccess('org_1', false, { apiKey: 'sk_test_two' });
      await fails('customer_key_inaccessible', () => two.encrypt('x', context));
      assert.isString(await one.encrypt('x', context));
      assert.throws(
        () => new VaultEmulator({ environments: [{} as never] }),
        /apiKeys: expected at least one/,
      );
    },
  },
  {
    name: 'time is set and advanced by the test, and access to a customer key spreads slowly',
    run: async () => {
      const { vault, emulator } = local({
        customerKeys: [{ organizationId: 'org_c', provider: 'AWS_KMS' }],
        customerKeyDelayMs: 60_000,
        recoveryPeriodMs: 1000,
      });
      emulator.setTime(new Date('2030-01-01T00:00:00Z'));
      const { id, updatedAt } = await vault.createObject({
        name: 'a',
        value: 'v',
        context: { organization_id: 'org_c' },
      });
      assert.equal(updatedAt.getUTCFullYear(), 2030);
      emulator.setCustomerKeyAccess('org_c', false);
      emulator.setCustomerKeyAccess('org_c', true);
      await fails('customer_key_inaccessible', () => vault.readObject({ id }));
      emulator.advance(60_000);
      assert.equal((await vault.readObject({ id })).value, 'v');
      await vault.deleteObject({ id });
      await fails('object_pending_deletion', () => vault.createObject({ name: 'a', value: 'v', context }));
      emulator.advance(1000);
      await vault.createObject({ name: 'a', value: 'v', context });
      assert.throws(() => emulator.setTime(new Date(Number.NaN)), RangeError);
      assert.throws(() => emulator.advance(-1), RangeError);
    },
  },
  {
    name: 'faults arrive at the client as what they are',
    run: async () => {
      const { vault, emulator } = local({}, { maxRetries: 0 });
      const { id } = await vault.createObject({ name: 'a', value: 'v'.repeat(500), context });
      const read = () => vault.readObject({ id });
      const strike = (fault: Parameters<typeof emulator.setFaults>[0][number]) => emulator.setFaults([fault]);
      strike({ kind: 'status', status: 503 });
      await fails('server_error', read);
      strike({ kind: 'status', status: 429, retryAfterMs: 2000 });
      assert.equal((await fails('rate_limited', read)).retryAfterMs, 2000);
      strike({ kind: 'status', status: 429, retryAfterMs: 2000, retryAfterForm: 'date' });
      assert.isAtMost((await fails('rate_limited', read)).retryAfterMs ?? 9e9, 3000);
      strike({ kind: 'html', status: 502 });
      await fails('server_error', read);
      strike({ kind: 'reset' });
      await fails('network_error', read);
      strike({ kind: 'cut' });
      await fails('network_error', read);
      for (const kind of ['truncate', 'malform'] as const) {
        strike({ kind });
        await fails('malformed_response', read);
      }
      strike({ kind: 'drip', next: 1 });
      assert.equal((await read()).value.length, 500);
      strike({ kind: 'latency', delayMs: 5000 });
      const started = Date.now();
      await fails('timeout', () => vault.readObject({ id }, { timeoutMs: 30 }));
      assert.isBelow(Date.now() - started, 4000);
      strike({ kind: 'reset', when: 'after', route: 'updateObject', next: 1 });
      await fails('network_error', () => vault.updateObject({ id, value: 'written all the same' }));
      assert.equal((await read()).value, 'written all the same');
      assert.throws(() => strike({ kind: 'gremlin' as never }), /faults\[0\]\.kind: expected one of latency/);
      // Retried, a request gets through.
      const patient = local({ faults: [{ kind: 'status', next: 2 }] });
      await patient.vault.listObjects();
      const limited = local({ rateLimit: { requests: 1, windowMs: 60_000 } }, { maxRetries: 0 });
      await limited.vault.listObjects();
      await fails('rate_limited', () => limited.vault.listObjects());
      await fails('rate_limited', () => limited.vault.listObjects());
    },
  },
  {
    name: 'snapshots, seeds and resets set a test up',
    run: async () => {
      const { vault, emulator } = local();
      assert.equal(emulator.seed({ objects: [{ name: 'seeded', value: 'v', context }] }), 1);
      assert.equal((await vault.readObjectByName('seeded')).value, 'v');
      const envelope = await vault.encrypt('x', context);
      const snapshot = emulator.snapshot();
      const again = local();
      again.emulator.restore(snapshot);
      assert.equal((await again.vault.readObjectByName('seeded')).value, 'v');
      assert.equal(await again.vault.decrypt(envelope), 'x');
      emulator.reset();
      assert.equal(emulator.objectCount, 0);
      await fails('not_found', () => vault.readObjectByName('seeded'));
      await fails('decryption_failed', () => vault.decrypt(envelope));
      emulator.restore(snapshot);
      assert.equal(await vault.decrypt(envelope), 'x');
      assert.throws(() => emulator.restore('nonsense'), /line 1: it does not begin as a snapshot does/);
      assert.throws(
        () => emulator.seed({ objects: [{ name: '', value: 'v', context }] }),
        /objects\[0\]\.name: expected 1 to 200 characters/,
      );
      emulator.watchChanges();
      await vault.readObjectByName('seeded');
      assert.equal(emulator.takeChanges(), '');
      await vault.createObject({ name: 'more', value: 'v', context });
      const changes = emulator.takeChanges();
      assert.include(changes, '"name":"more"');
      again.emulator.restore(snapshot + changes);
      assert.equal(again.emulator.objectCount, 2);
    },
  },
];
