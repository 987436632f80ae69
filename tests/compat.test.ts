// One program, written for the official SDK, run with it and with `workos-vault-edge/compat`: what it sees is the same.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as official from '@workos-inc/node';
import * as compat from 'workos-vault-edge/compat';
import { type Fault, VaultEmulator } from 'workos-vault-edge/emulator';

/** What both modules have. */
type Either = typeof official | typeof compat;

/** What of an exception a program may look at: its name, its class, its status, its message. */
function seen(sdk: Either, error: unknown) {
  const { name, status, message, requestID } = error as Record<string, unknown>;
  const Class = (sdk as unknown as Record<string, new () => unknown>)[String(name)];
  return {
    name,
    status,
    // Where the official SDK has a sentence of its own for a status, ours has what the service says.
    message: [401, 404, 429].includes(Number(status)) ? undefined : message,
    requestID: typeof requestID,
    isError: error instanceof Error,
    isClass: Class !== undefined && error instanceof Class,
  };
}

/** IDs and times differ from run to run. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (key, part: unknown) => {
      if (/^(id|environmentId|keyId|versionId|etag|after|before|key|encryptedKeys)$/.test(key))
        return typeof part;
      if (key === 'dataKey' && typeof part === 'string') return 'a key';
      return /At$/.test(key) ? 'a time' : part;
    }),
  );

async function program(sdk: Either) {
  const emulator = new VaultEmulator({ organizations: ['org_1', 'org_2'], recoveryPeriodMs: 60_000 });
  const workos = new (sdk as typeof compat).WorkOS(emulator.apiKey, {
    fetchFn: emulator.fetch as typeof fetch,
    maxRetries: 0,
  });
  const { vault } = workos;
  const transcript: unknown[] = [];
  const note = async (name: string, call: () => Promise<unknown>) =>
    transcript.push([
      name,
      await call().then(plain, (error: unknown) => {
        return seen(sdk, error);
      }),
    ]);
  const context = { organization_id: 'org_1' };
  const fault = (fault: Fault) => emulator.setFaults([{ ...fault, next: 1 }]);

  const { id } = await vault.createObject({ name: 'token', value: 'one', context });
  const { metadata } = await vault.readObject({ id });
  await note('created', () => vault.createObject({ name: 'other', value: 'x', context }));
  await note('read', () => vault.readObject({ id }));
  await note('read by name', () => vault.readObjectByName('token'));
  await note('described', () => vault.describeObject({ id }));
  await note('updated', () =>
    vault.updateObject({ id, value: 'two', versionCheck: metadata.versionId ?? '' }),
  );
  await note('versions', () => vault.listObjectVersions({ id }));
  await note('listed', async () => (await vault.listObjects({ limit: 1 })).data);
  await note('all pages', async () => (await (await vault.listObjects()).autoPagination()).length);
  const pair = await vault.createDataKey({ context });
  await note('data key', async () => pair);
  await note('decrypted key', async () => {
    const { key } = await vault.decryptDataKey({ keys: pair.encryptedKeys });
    return key === pair.dataKey.key;
  });
  await note('re-keyed', () => vault.createRekey({ context: { a: 'b' }, encryptedKeys: pair.encryptedKeys }));
  await note('encrypted', async () => vault.decrypt(await vault.encrypt('text', context, 'aad'), 'aad'));

  await note('not found', () => vault.readObject({ id: 'none' }));
  await note('no such name', () => vault.readObjectByName('none'));
  await note('version mismatch', () =>
    vault.updateObject({ id, value: 'three', versionCheck: metadata.versionId ?? '' }),
  );
  await note('name taken', () => vault.createObject({ name: 'token', value: 'x', context }));
  await note('no organization', () => vault.createDataKey({ context: { organization_id: 'org_x' } }));
  for (const status of [403, 429, 500, 503]) {
    fault({ kind: 'status', status, retryAfterMs: 2000 });
    await note(`status ${status}`, () => vault.readObject({ id }));
  }
  await note('deleted', () => vault.deleteObject({ id }));
  await note('pending deletion', () => vault.createObject({ name: 'token', value: 'x', context }));
  const stranger = new (sdk as typeof compat).WorkOS('sk_test_stranger', {
    fetchFn: emulator.fetch as typeof fetch,
  });
  await note('unauthorized', () => stranger.vault.readObject({ id }));
  return transcript;
}

describe('compat', () => {
  test('a program for the official SDK sees the same', async () => {
    const wanted = await program(official);
    assert.ok(wanted.length > 20);
    assert.deepEqual(await program(compat), wanted);
  });

  test('a key from the environment, or none', () => {
    const { WORKOS_API_KEY } = process.env;
    try {
      delete process.env.WORKOS_API_KEY;
      assert.throws(() => new compat.WorkOS(), { name: 'NoApiKeyProvidedException', status: 500 });
      process.env.WORKOS_API_KEY = 'sk_test_env';
      assert.ok(new compat.WorkOS().vault);
      assert.ok(
        new compat.WorkOS({ apiKey: 'sk_test_option', apiHostname: '127.0.0.1', https: false, port: 1 })
          .vault,
      );
    } finally {
      if (WORKOS_API_KEY === undefined) delete process.env.WORKOS_API_KEY;
      else process.env.WORKOS_API_KEY = WORKOS_API_KEY;
    }
  });

  test('what is found before a request is a BadRequestException, with each problem and what to do', async () => {
    const { vault } = new compat.WorkOS('sk_test_1', { fetchFn: () => assert.fail('no request is needed') });
    await assert.rejects(
      vault.createObject({
        name: '',
        value: 's3cret',
        context: { a: 1 } as unknown as Record<string, string>,
      }),
      (error: compat.BadRequestException) => {
        assert.ok(error instanceof compat.BadRequestException);
        assert.equal(error.status, 400);
        assert.equal(error.errors.length, 2);
        assert.match(error.recovery, /Correct/);
        assert.doesNotMatch(JSON.stringify(error) + error.stack, /s3cret/);
        return true;
      },
    );
  });

  test('iterates over lists, and translates what fails on a later page', async () => {
    const emulator = new VaultEmulator();
    const { vault } = new compat.WorkOS(emulator.apiKey, {
      fetchFn: emulator.fetch as typeof fetch,
      maxRetries: 0,
    });
    for (const name of ['a', 'b', 'c']) await vault.createObject({ name, value: 'v', context: { a: 'b' } });
    const names: string[] = [];
    for await (const { name } of vault.listObjects({ limit: 2 })) names.push(name);
    assert.deepEqual(names.sort(), ['a', 'b', 'c']);
    const page = await vault.listObjects({ limit: 2 });
    emulator.setFaults([{ kind: 'status', status: 429, next: 1 }]);
    await assert.rejects(page.nextPage(), { name: 'RateLimitExceededException', status: 429 });
  });
});
