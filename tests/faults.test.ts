// Every operation under every fault of the local Vault, with retries and without: it ends in time, in the right result or
// the right error, nothing is written twice, and nothing that was acknowledged is lost. Then many writers of one object.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VaultClient, type VaultClientOptions, VaultError, type VaultErrorCode } from 'workos-vault-edge';
import { type Fault, VaultEmulator } from 'workos-vault-edge/emulator';
import { underClock } from './hosts/clock.ts';

const context = { organization_id: 'org_1' };
const TIMEOUT_MS = 10_000;

interface Fixture {
  emulator: VaultEmulator;
  vault: VaultClient;
  /** Without faults in its way, by which the test sees what is there. */
  witness: VaultClient;
  id: string;
  versionId: string;
  keys: string;
  envelope: string;
}

async function fixture(options: Partial<VaultClientOptions>): Promise<Fixture> {
  const emulator = new VaultEmulator({ faultSeed: 1 });
  const make = (more: Partial<VaultClientOptions>) =>
    new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch, timeoutMs: TIMEOUT_MS, ...more });
  const witness = make({});
  const { id, versionId } = await witness.createObject({ name: 'object', value: 'first', context });
  const { encryptedKeys } = await witness.createDataKey({ context });
  const envelope = await witness.encrypt('sealed', context);
  return {
    emulator,
    vault: make(options),
    witness,
    id,
    versionId: versionId ?? '',
    keys: encryptedKeys,
    envelope,
  };
}

const versions = async ({ witness, id }: Fixture) => (await witness.listObjectVersions({ id })).length;
const value = async ({ witness, id }: Fixture) => (await witness.readObject({ id })).value;
const none = async () => {};

interface Operation {
  run: (at: Fixture) => Promise<unknown>;
  /** Whether a fault that strikes once is got over, given retries. */
  repeatable: boolean;
  /** What holds afterwards, given whether the call was acknowledged. */
  check: (at: Fixture, acknowledged: boolean, result: unknown) => Promise<void>;
}

/** After an update: once or not at all, and surely once where it was acknowledged. */
const updated =
  (wanted: string): Operation['check'] =>
  async (at, acknowledged) => {
    const count = await versions(at);
    assert.ok(count === 1 || count === 2, `${count} versions: written twice`);
    assert.equal(await value(at), count === 2 ? wanted : 'first');
    if (acknowledged) assert.equal(count, 2, 'acknowledged and not there');
  };

const deleted: Operation['check'] = async (at, acknowledged) => {
  if (acknowledged) assert.equal(at.emulator.objectCount, 0, 'acknowledged and still there');
};

const operations: Record<string, Operation> = {
  createObject: {
    run: ({ vault }) => vault.createObject({ name: 'new', value: 'v', context }),
    repeatable: true,
    check: async ({ emulator, witness }, acknowledged, result) => {
      assert.ok(emulator.objectCount <= 2, 'created twice');
      if (acknowledged)
        assert.equal((await witness.readObjectByName('new')).id, (result as { id: string }).id);
    },
  },
  readObject: {
    run: ({ vault, id }) => vault.readObject({ id }),
    repeatable: true,
    check: async (_, acknowledged, result) => {
      if (acknowledged) assert.equal((result as { value: string }).value, 'first');
    },
  },
  readObjectByName: { run: ({ vault }) => vault.readObjectByName('object'), repeatable: true, check: none },
  describeObject: { run: ({ vault, id }) => vault.describeObject({ id }), repeatable: true, check: none },
  listObjects: { run: ({ vault }) => vault.listObjects(), repeatable: true, check: none },
  listObjectVersions: {
    run: ({ vault, id }) => vault.listObjectVersions({ id }),
    repeatable: true,
    check: none,
  },
  'updateObject under a lock': {
    run: ({ vault, id, versionId }) => vault.updateObject({ id, value: 'second', versionCheck: versionId }),
    repeatable: true,
    check: updated('second'),
  },
  'updateObject without': {
    run: ({ vault, id }) => vault.updateObject({ id, value: 'second' }),
    repeatable: false,
    check: updated('second'),
  },
  modifyObject: {
    run: ({ vault, id }) =>
      vault.modifyObject(
        { id, applied: ({ value }) => value === 'first, changed' },
        ({ value }) => `${value}, changed`,
      ),
    repeatable: true,
    check: updated('first, changed'),
  },
  deleteObject: { run: ({ vault, id }) => vault.deleteObject({ id }), repeatable: true, check: deleted },
  'deleteObject under a lock': {
    run: ({ vault, id, versionId }) => vault.deleteObject({ id, versionCheck: versionId }),
    repeatable: true,
    check: deleted,
  },
  createDataKey: {
    run: ({ vault }) => vault.createDataKey({ context }),
    repeatable: true,
    check: async ({ witness }, acknowledged, result) => {
      if (!acknowledged) return;
      const { dataKey, encryptedKeys } = result as { dataKey: { key: string }; encryptedKeys: string };
      assert.equal((await witness.decryptDataKey({ keys: encryptedKeys })).key, dataKey.key);
    },
  },
  decryptDataKey: { run: ({ vault, keys }) => vault.decryptDataKey({ keys }), repeatable: true, check: none },
  createRekey: {
    run: ({ vault, keys }) => vault.createRekey({ encryptedKeys: keys, context: { a: 'b' } }),
    repeatable: true,
    check: none,
  },
  encrypt: {
    run: ({ vault }) => vault.encrypt('text', context),
    repeatable: true,
    check: async ({ witness }, acknowledged, result) => {
      if (acknowledged) assert.equal(await witness.decrypt(result as string), 'text');
    },
  },
  decrypt: {
    run: ({ vault, envelope }) => vault.decrypt(envelope),
    repeatable: true,
    check: async (_, acknowledged, result) => {
      if (acknowledged) assert.equal(result, 'sealed');
    },
  },
  listEvents: {
    run: ({ vault }) => vault.listEvents({ events: ['vault.data.read'] }),
    repeatable: true,
    check: none,
  },
};

interface Trouble {
  fault: Fault;
  /** What a call may fail with. */
  codes: VaultErrorCode[];
  /** Whether the request surely did nothing, so that even what is not repeatable may be sent again. */
  harmless?: boolean;
  /** Whether it is no failure at all. */
  passes?: boolean;
}

const troubles: Record<string, Trouble> = {
  'latency of 1 s': { fault: { kind: 'latency', delayMs: 1_000 }, codes: [], passes: true },
  'latency beyond the deadline': { fault: { kind: 'latency', delayMs: 60_000 }, codes: ['timeout'] },
  'a slow drip': { fault: { kind: 'drip' }, codes: ['timeout'], passes: true },
  '429, Retry-After in seconds': {
    fault: { kind: 'status', status: 429, retryAfterMs: 2_000 },
    codes: ['rate_limited'],
    harmless: true,
  },
  '429, Retry-After as a date': {
    fault: { kind: 'status', status: 429, retryAfterMs: 2_000, retryAfterForm: 'date' },
    codes: ['rate_limited'],
    harmless: true,
  },
  '400': { fault: { kind: 'status', status: 400 }, codes: ['invalid_request'] },
  '401': { fault: { kind: 'status', status: 401 }, codes: ['unauthorized'] },
  'a redirect': { fault: { kind: 'status', status: 302 }, codes: ['malformed_response'] },
  'a page with 503': { fault: { kind: 'html', status: 503 }, codes: ['server_error'] },
  'a page with 502, after it took effect': {
    fault: { kind: 'html', status: 502, when: 'after' },
    codes: ['server_error'],
  },
  'a reset before': { fault: { kind: 'reset' }, codes: ['network_error'] },
  'a reset after it took effect': { fault: { kind: 'reset', when: 'after' }, codes: ['network_error'] },
  'a body cut off': { fault: { kind: 'cut' }, codes: ['network_error'] },
  'half of the JSON': { fault: { kind: 'truncate' }, codes: ['malformed_response'] },
  'no JSON': { fault: { kind: 'malform' }, codes: ['malformed_response'] },
};
for (const status of [408, 500, 502, 503, 504]) {
  const codes: VaultErrorCode[] = [status === 408 ? 'timeout' : 'server_error'];
  troubles[`${status}`] = { fault: { kind: 'status', status }, codes };
  troubles[`${status}, after it took effect`] = { fault: { kind: 'status', status, when: 'after' }, codes };
}

/** Faults that another attempt does not help against, and what a pause that is too long ends in. */
const lasting = new Set(['400', '401', 'a redirect']);

describe('faults', () => {
  test('every operation × every fault × once or always × with retries or without', async (t) => {
    const counts = { cells: 0, acknowledged: 0, refused: 0 };
    for (const [what, operation] of Object.entries(operations)) {
      for (const [trouble, { fault, codes, harmless, passes }] of Object.entries(troubles)) {
        for (const once of [true, false]) {
          for (const retries of [true, false]) {
            const cell = `${what}, ${trouble}, ${once ? 'once' : 'always'}, ${retries ? 'retries' : 'no retries'}`;
            const at = await fixture({
              maxRetries: retries ? 3 : 0,
              ...(retries && { attemptTimeoutMs: 3_000 }),
            });
            at.emulator.setFaults([once ? { ...fault, next: 1 } : fault]);
            const { outcome, ms } = await underClock(() => operation.run(at));
            at.emulator.setFaults([]);
            assert.ok(ms <= TIMEOUT_MS, `${cell}: it took ${ms} ms`);
            const acknowledged = outcome.status === 'fulfilled';
            if (!acknowledged) {
              const error: unknown = outcome.reason;
              assert.ok(error instanceof VaultError, `${cell}: ${error}`);
              // A 400 says of a key blob that it is not the service's.
              const all = what === 'decrypt' && trouble === '400' ? ['decryption_failed'] : codes;
              assert.ok(all.includes(error.code), `${cell}: ${error.code}: ${error.message}`);
            }
            await operation
              .check(at, acknowledged, acknowledged ? outcome.value : undefined)
              .catch((error) => {
                throw new Error(`${cell}: ${error.message}`);
              });
            // A drip or a second's delay is none of the client's business, if there is time.
            const mended = once && retries && !lasting.has(trouble) && (operation.repeatable || harmless);
            if (passes && !codes.length) assert.ok(acknowledged, cell);
            if (mended) assert.ok(acknowledged, `${cell}: ${!acknowledged && outcome.reason}`);
            // Once it has taken effect, a deletion that is sent again finds nothing: that is its answer.
            const gone = retries && what.startsWith('deleteObject');
            if (lasting.has(trouble) || (!passes && !once && !gone)) assert.ok(!acknowledged, cell);
            counts.cells++;
            counts[acknowledged ? 'acknowledged' : 'refused']++;
          }
        }
      }
    }
    assert.equal(counts.cells, Object.keys(operations).length * Object.keys(troubles).length * 4);
    t.diagnostic(`${counts.cells} cells: ${counts.acknowledged} acknowledged, ${counts.refused} refused`);
    console.log(`fault matrix: ${JSON.stringify(counts)}`);
  });

  test('an outage is not multiplied: after a hundred retries a client sends each request once', async () => {
    const emulator = new VaultEmulator({ faults: [{ kind: 'status', status: 503 }] });
    let requests = 0;
    const fetch: typeof emulator.fetch = (input, init) => {
      requests++;
      return emulator.fetch(input, init);
    };
    const vault = new VaultClient({ apiKey: emulator.apiKey, fetch, maxRetries: 3 });
    const calls = 200;
    const { outcome } = await underClock(async () => {
      for (let call = 0; call < calls; call++)
        await assert.rejects(vault.readObject({ id: 'a' }), { code: 'server_error' });
      return requests;
    });
    assert.deepEqual(outcome, { status: 'fulfilled', value: calls + 100 });
  });

  const struck: Fault[] = [
    { kind: 'reset', when: 'after', probability: 0.05 },
    { kind: 'reset', probability: 0.05 },
    { kind: 'status', status: 503, when: 'after', probability: 0.03 },
    { kind: 'status', status: 503, probability: 0.03 },
    { kind: 'truncate', probability: 0.02 },
    { kind: 'status', status: 429, retryAfterMs: 1_000, probability: 0.02 },
  ];

  test('64 writers × 200 changes under 20% faults: the value counts exactly what was acknowledged', async (t) => {
    const [writers, changes] = [64, 200];
    const emulator = new VaultEmulator({ faults: struck, faultSeed: 7 });
    const client = (more: Partial<VaultClientOptions> = {}) =>
      new VaultClient({
        apiKey: emulator.apiKey,
        fetch: emulator.fetch,
        maxRetries: 10,
        timeoutMs: 600_000,
        ...more,
      });
    const { id } = await client().createObject({
      name: 'n',
      value: JSON.stringify(Array(writers).fill(0)),
      context,
    });
    const counts = { acknowledged: 0, unknown: 0, other: 0, attempts: 0, retries: 0 };
    const { outcome, ms } = await underClock(() =>
      Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          // Each with a client, and so a budget, of its own.
          const vault = client({ onRetry: () => counts.retries++ });
          for (let change = 1; change <= changes; change++) {
            const applied = ({ value }: { value: string }) =>
              (JSON.parse(value) as number[])[writer] === change;
            await vault
              .modifyObject({ id, maxAttempts: 100, applied }, ({ value }) => {
                counts.attempts++;
                const all = JSON.parse(value) as number[];
                all[writer] = change;
                return JSON.stringify(all);
              })
              .then(
                () => counts.acknowledged++,
                (error: VaultError) => {
                  // Not acknowledged, and so it may be there or not: done again until it is.
                  counts[error.code === 'outcome_unknown' ? 'unknown' : 'other']++;
                  change--;
                },
              );
          }
        }),
      ),
    );
    if (outcome.status === 'rejected') throw outcome.reason;
    emulator.setFaults([]);
    const all = JSON.parse((await client().readObject({ id })).value) as number[];
    const found = all.reduce((sum, count) => sum + count, 0);
    const line = `${found} of ${writers * changes} changes are in the value, ${JSON.stringify(counts)}, ${ms} ms of its clock`;
    t.diagnostic(line);
    console.log(`writers: ${line}`);
    assert.equal(counts.acknowledged, writers * changes);
    assert.equal(found, counts.acknowledged);
    // A change that is acknowledged twice, or a write that is there twice, would be versions too many.
    const versionCount = (await client().listObjectVersions({ id })).length;
    assert.ok(versionCount <= 1 + counts.attempts);
  });

  test('counters without an ID of their own: never fewer than acknowledged, what is unknown is said', async () => {
    const emulator = new VaultEmulator({ faults: struck, faultSeed: 3 });
    const client = () =>
      new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch, maxRetries: 10, timeoutMs: 600_000 });
    const { id } = await client().createObject({ name: 'n', value: '0', context });
    const counts: Record<string, number> = {};
    const count = (what: string) => {
      counts[what] = (counts[what] ?? 0) + 1;
    };
    const { outcome } = await underClock(() =>
      Promise.all(
        Array.from({ length: 16 }, async () => {
          const vault = client();
          for (let change = 0; change < 50; change++)
            await vault
              .modifyObject({ id, maxAttempts: 100 }, ({ value }) => String(Number(value) + 1))
              .then(
                () => count('acknowledged'),
                (error: VaultError) => count(error.code),
              );
        }),
      ),
    );
    if (outcome.status === 'rejected') throw outcome.reason;
    emulator.setFaults([]);
    const found = Number((await client().readObject({ id })).value);
    const { acknowledged = 0 } = counts;
    const failed = Object.values(counts).reduce((sum, count) => sum + count, 0) - acknowledged;
    console.log(`counters: ${found}, ${JSON.stringify(counts)}`);
    assert.ok(acknowledged <= found && found <= acknowledged + failed, `${found}, ${JSON.stringify(counts)}`);
    assert.ok((counts.outcome_unknown ?? 0) > 0, 'the test met none of what it is for');
    assert.equal(counts.version_mismatch ?? 0, 0, 'a lost answer was told as a plain conflict');
  });
});
