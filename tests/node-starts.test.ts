// What Node's calls share at their start (`js/src/engine/node-starts.ts`), and what they must not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VaultClient, type VaultError } from './hosts/parts.ts';

const metadata = {
  id: 'secret_1',
  environment_id: 'environment_1',
  context: { organization_id: 'org_1' },
  key_id: 'key_1',
  updated_at: '2026-01-01T00:00:00.000Z',
  updated_by: { id: 'key_1', name: 'Key' },
  version_id: 'version_1',
};
const object = { id: 'secret_1', name: 'n', value: 'v', metadata };
const apiKey = 'sk_test_starts';
const [create, read, update] = [
  { name: 'n', value: 'v', context: { organization_id: 'org_1' } },
  { id: 'secret_1' },
  { id: 'secret_1', value: 'w', versionCheck: 'version_1' },
];

/** From Node 22 on a signal costs next to nothing, and each call has its own. */
const isOld = Number.parseInt(process.versions.node, 10) < 22;

/** Answers everything, and keeps the signals that it was given. */
function answering(signals: AbortSignal[], look: (signal: AbortSignal) => void = () => {}) {
  const fetch = async (_: string, { method, signal }: RequestInit) => {
    signals.push(signal as AbortSignal);
    look(signal as AbortSignal);
    if (method === 'DELETE') return new Response(null, { status: 204 });
    return Response.json(method === 'POST' ? metadata : object);
  };
  return new VaultClient({ apiKey, fetch });
}

/** Answers no read, and of a list's items refuses the first and answers no other. */
function refusing(requests: { url: string; signal: AbortSignal }[]) {
  const summaries = ['a', 'b', 'c'].map((id) => ({ id: `secret_${id}`, name: id, updated_at: null }));
  const fetch = async (url: string, { signal }: RequestInit) => {
    requests.push({ url, signal: signal as AbortSignal });
    if (url.endsWith('/kv')) return Response.json({ data: summaries, list_metadata: {} });
    if (url.endsWith('/secret_a/metadata')) return Response.json({ error: 'no' }, { status: 403 });
    return new Promise<Response>((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason)),
    );
  };
  return new VaultClient({ apiKey, fetch, maxRetries: 0 });
}

test('calls that begin and end together share a signal, sixteen of them, in Node before 22; no others do', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const signals: AbortSignal[] = [];
  const vault = answering(signals);
  const taken = () => signals.splice(0);
  for (let round = 0; round < 7; round++) {
    await vault.createObject(create);
    await vault.readObject(read);
    await vault.updateObject(update);
  }
  const together = taken();
  assert.deepEqual(
    [...new Set(together)].map((signal) => together.filter((one) => one === signal).length),
    isOld ? [16, 5] : Array(21).fill(1),
  );
  await vault.readObject(read, { signal: new AbortController().signal });
  for (let round = 0; round < 2; round++) await vault.readObject(read, { timeoutMs: 999 });
  await vault.readObject(read, { timeoutMs: 30_000 });
  await vault.readObject(read, { attemptTimeoutMs: 1_000 });
  await vault.deleteObject(read);
  await vault.modifyObject(read, () => undefined);
  await vault.listObjects().catch(() => {});
  await vault.createDataKey({ context: { a: 'b' } }).catch(() => {});
  t.mock.timers.tick(1);
  await vault.readObject(read);
  const apart = taken();
  assert.equal(apart.length, 10);
  assert.equal(new Set([...together, ...apart]).size, (isOld ? 2 : 21) + 10);
});

test('at their time all of them end, and no others', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(Date, 'now', () => 1_800_000_000_000);
  const requests: { url: string; signal: AbortSignal }[] = [];
  const vault = refusing(requests);
  const ended: string[] = [];
  const call = (id: string, asked?: object) =>
    vault
      .readObject({ id }, asked)
      .catch(({ code, message }: VaultError) => ended.push(`${id} ${code} ${message}`));
  const calls = [
    call('secret_0', { timeoutMs: 60_001 }),
    call('secret_1'),
    call('secret_2', { attemptTimeoutMs: 60_001 }),
  ];
  // Its own timer is later, and the date stands still: the first's ends it.
  t.mock.timers.tick(1);
  calls.push(call('secret_3'));
  await new Promise(setImmediate);
  // So it does here, but the event loop has gone on.
  calls.push(call('secret_4'));
  t.mock.timers.tick(59_998);
  await new Promise(setImmediate);
  assert.deepEqual(ended, []);
  t.mock.timers.tick(1);
  await new Promise(setImmediate);
  const late = 'timeout no answer within 60000 ms';
  const together = [`secret_1 ${late}`, `secret_2 ${late}`, ...(isOld ? [`secret_3 ${late}`] : [])];
  assert.deepEqual(ended, together);
  const aborted = requests.map(({ signal }) => signal.aborted);
  assert.deepEqual(aborted, [false, true, true, isOld, false]);
  t.mock.timers.tick(1);
  await Promise.all(calls);
  assert.equal(ended.length, 5);
});

test('who begins when they have just ended does not end with them', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(Date, 'now', () => 1_800_000_000_000);
  const requests: { url: string; signal: AbortSignal }[] = [];
  const vault = refusing(requests);
  const ended = assert.rejects(vault.readObject(read), { code: 'timeout' });
  t.mock.timers.tick(60_000);
  const next = assert.rejects(vault.readObject(read), { code: 'timeout' });
  assert.deepEqual(
    requests.map(({ signal }) => signal.aborted),
    [true, false],
  );
  await ended;
  t.mock.timers.tick(60_000);
  await next;
});

test('what a call cancels is its own', async () => {
  const requests: { url: string; signal: AbortSignal }[] = [];
  const vault = refusing(requests);
  const reads = [vault.readObject(read, { timeoutMs: 1_000 }), vault.readObject(read, { timeoutMs: 1_000 })];
  const list = vault.forOrganization('org_1').listObjects({}, { timeoutMs: 1_000 });
  const codes = Promise.all(reads.map((one) => one.catch(({ code }: VaultError) => code)));
  await assert.rejects(Promise.resolve(list), { code: 'forbidden' });
  const aborted = (of: string) =>
    requests.filter(({ url }) => url.endsWith(of)).map(({ signal }) => signal.aborted);
  assert.deepEqual(aborted('/secret_1'), [false, false]);
  assert.deepEqual([...aborted('/secret_b/metadata'), ...aborted('/secret_c/metadata')], [true, true]);
  assert.deepEqual(await codes, ['timeout', 'timeout']);
});

test('calls that have sent nothing have no time in common', async () => {
  const dataKey = { id: 'data_key_1', data_key: Buffer.alloc(32, 7).toString('base64') };
  const fetch = async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return Response.json({ ...dataKey, encrypted_keys: 'a2V5cw==', context: { a: 'b' } });
  };
  const vault = new VaultClient({ apiKey, fetch });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 60_000, maxMessages: 10, maxBytes: 1_000 });
  const short = keyring.encrypt('a', undefined, { timeoutMs: 20 });
  const long = keyring.encrypt('b');
  await assert.rejects(short, { code: 'timeout' });
  assert.equal(await keyring.decrypt(await long), 'b');
  keyring.close();
});

test('a fetch that leaves listeners is not taken for a leak, however often a call sends', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_100_000 });
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const vault = answering([], (signal) => {
    for (let listener = 0; listener < 4; listener++) signal.addEventListener('abort', () => {});
  });
  const scoped = vault.forOrganization('org_1');
  for (let round = 0; round < 20; round++) {
    await vault.readObject(read);
    await scoped.updateObject(update);
  }
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test('a signal keeps nothing once its calls have ended', () => {
  const program = `
    import { VaultClient } from 'workos-vault-edge';
    const refs = [];
    const fetch = async (_, { signal }) => {
      const mine = { big: new Uint8Array(1 << 16) };
      refs.push(new WeakRef(mine));
      signal.addEventListener('abort', () => mine);
      return new Response('{}', { status: 404 });
    };
    const vault = new VaultClient({ apiKey: 'sk_test_kept', fetch });
    await Promise.all(['secret_1', 'secret_2'].map((id) => vault.readObject({ id }).catch(() => {})));
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    console.log(refs.length, refs.filter((ref) => ref.deref()).length);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    input: program,
    timeout: 20_000,
  });
  assert.equal(stdout, '2 0\n', stderr);
});
