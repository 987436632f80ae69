// The official SDK, through its public API, against our emulator: every operation, field by field what our client
// returns.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WorkOS } from '@workos-inc/node';
import { VaultClient } from 'workos-vault-edge';
import { VaultEmulator, type VaultEmulatorOptions } from 'workos-vault-edge/emulator';

function both(options?: VaultEmulatorOptions) {
  const emulator = new VaultEmulator(options);
  const sent: string[] = [];
  const fetchFn = (input: string | URL | Request, init?: RequestInit) => {
    sent.push(`${init?.method} ${String(input)}`);
    return emulator.fetch(input, init);
  };
  const official = new WorkOS(emulator.apiKey, { fetchFn, maxRetries: 0 } as ConstructorParameters<
    typeof WorkOS
  >[1]).vault;
  return {
    emulator,
    official,
    ours: new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch }),
    sent,
  };
}

/** As plain data, with dates as they print: the two SDKs' objects differ in the order of fields only. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

const context = { organization_id: 'org_1', user_id: 'user_1' };

describe('the official SDK and ours see the same', () => {
  test('the fetch of the emulator is really the one it uses', async () => {
    const { official, sent } = both();
    await official.listObjects();
    assert.equal(sent.length, 1);
    assert.match(sent[0] ?? '', /^GET https:\/\/api\.workos\.com\/vault\/v1\/kv/);
  });

  test('createObject', async () => {
    const { official, ours } = both();
    const theirs = await official.createObject({ name: 'a', value: 'v', context });
    const mine = await ours.createObject({ name: 'b', value: 'v', context });
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(theirs).sort());
    for (const field of ['environmentId', 'context', 'keyId', 'updatedBy'] as const) {
      assert.deepEqual(mine[field], theirs[field], field);
    }
    assert.ok(theirs.updatedAt instanceof Date && mine.updatedAt instanceof Date);
  });

  test('readObject, readObjectByName, describeObject, listObjectVersions', async () => {
    const { official, ours } = both();
    const { id } = await official.createObject({ name: 'a/b?', value: 'naïve 🔑', context });
    await ours.updateObject({ id, value: 'second' });
    assert.deepEqual(plain(await ours.readObject({ id })), plain(await official.readObject({ id })));
    assert.deepEqual(await ours.readObject({ id }), await official.readObject({ id }));
    assert.deepEqual(await ours.readObjectByName('a/b?'), await official.readObjectByName('a/b?'));
    assert.deepEqual(
      await ours.readObjectByName({ name: 'a/b?' }),
      await official.readObjectByName({ name: 'a/b?' }),
    );
    assert.deepEqual(await ours.describeObject({ id }), await official.describeObject({ id }));
    assert.deepEqual(await ours.listObjectVersions({ id }), await official.listObjectVersions({ id }));
  });

  test('updateObject, with and without a lock', async () => {
    const { official, ours } = both();
    const { id, versionId } = await ours.createObject({ name: 'a', value: 'v', context });
    const theirs = await official.updateObject({ id, value: 'w', versionCheck: versionId ?? '' });
    const mine = await ours.updateObject({ id, value: 'x', versionCheck: theirs.metadata.versionId ?? null });
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(theirs).sort());
    assert.deepEqual(Object.keys(mine.metadata).sort(), Object.keys(theirs.metadata).sort());
    assert.ok('value' in theirs && theirs.value === undefined && 'value' in mine && mine.value === undefined);
    await assert.rejects(official.updateObject({ id, value: 'y', versionCheck: versionId ?? '' }), {
      name: 'ConflictException',
      status: 409,
    });
    await assert.rejects(ours.updateObject({ id, value: 'y', versionCheck: versionId }), {
      code: 'version_mismatch',
      status: 409,
    });
    await official.updateObject({ id, value: 'z' });
    assert.equal((await ours.readObject({ id })).value, 'z');
  });

  test('deleteObject', async () => {
    const { official, ours, emulator } = both();
    const first = await ours.createObject({ name: 'a', value: 'v', context });
    const second = await ours.createObject({ name: 'b', value: 'v', context });
    await assert.rejects(official.deleteObject({ id: first.id, versionCheck: 'x' }), {
      name: 'ConflictException',
    });
    assert.equal(
      await official.deleteObject({ id: first.id, versionCheck: first.versionId ?? '' }),
      undefined,
    );
    assert.equal(await ours.deleteObject({ id: second.id }), undefined);
    assert.equal(emulator.objectCount, 0);
    await assert.rejects(official.readObject({ id: first.id }), { name: 'NotFoundException', status: 404 });
  });

  test('listObjects, page by page and all at once', async () => {
    const { official, ours } = both();
    for (let index = 0; index < 12; index++)
      await ours.createObject({ name: `n${index}`, value: 'v', context });
    for (const options of [{}, { limit: 5 }, { limit: 5, order: 'asc' as const }, { search: 'n1' }]) {
      const theirs = await official.listObjects(options);
      const mine = await ours.listObjects(options);
      assert.deepEqual(mine.data, theirs.data);
      assert.deepEqual(mine.listMetadata, theirs.listMetadata);
      assert.equal(mine.object, theirs.object);
    }
    const all = await (await official.listObjects()).autoPagination();
    assert.equal(all.length, 12);
    assert.deepEqual(await (await ours.listObjects()).autoPagination(), all);
  });

  test('createDataKey, decryptDataKey, createRekey', async () => {
    const { official, ours } = both();
    const theirs = await official.createDataKey({ context });
    const mine = await ours.createDataKey({ context });
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(theirs).sort());
    assert.deepEqual(mine.context, theirs.context);
    assert.deepEqual(await ours.decryptDataKey({ keys: theirs.encryptedKeys }), theirs.dataKey);
    assert.deepEqual(await official.decryptDataKey({ keys: mine.encryptedKeys }), mine.dataKey);
    const rekey = { encryptedKeys: mine.encryptedKeys, context: { tier: 'cold' } };
    const [theirRekey, ourRekey] = [await official.createRekey(rekey), await ours.createRekey(rekey)];
    assert.deepEqual(Object.keys(ourRekey).sort(), Object.keys(theirRekey).sort());
    for (const field of ['context', 'dataKey', 'id'] as const)
      assert.deepEqual(ourRekey[field], theirRekey[field]);
    assert.deepEqual(await official.decryptDataKey({ keys: ourRekey.encryptedKeys }), mine.dataKey);
  });

  test('its encrypt and decrypt work over our data keys', async () => {
    const { official } = both();
    const envelope = await official.encrypt('naïve 🔑', context, 'row-1');
    assert.equal(await official.decrypt(envelope, 'row-1'), 'naïve 🔑');
    await assert.rejects(official.decrypt(envelope, 'row-2'));
  });

  test('each decrypts what the other encrypts', async () => {
    const { official, ours } = both();
    for (const text of ['', 'naïve 🔑', 'x'.repeat(8191), 'y'.repeat(100_000)]) {
      for (const aad of [undefined, 'row-1 🔑']) {
        assert.equal(await official.decrypt(await ours.encrypt(text, context, aad), aad), text);
        assert.equal(await ours.decrypt(await official.encrypt(text, context, aad), aad), text);
      }
    }
    await assert.rejects(ours.decrypt(await official.encrypt('x', context, 'a'), 'b'), {
      code: 'decryption_failed',
    });
  });

  test('what the service refuses', async () => {
    const { official } = both({ organizations: ['org_1'], recoveryPeriodMs: 60_000 });
    const create = (name: string, context: Record<string, unknown>) =>
      official.createObject({ name, value: 'v', context });
    const { id } = await create('a', context);
    await assert.rejects(create('a', context), { name: 'ConflictException', status: 409 });
    await assert.rejects(create('b', { tier: 2 }), { status: 400 });
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, 'v']));
    await assert.rejects(create('b', many), { name: 'UnprocessableEntityException', status: 422 });
    await assert.rejects(create('b', { organization_id: 'org_2' }), { name: 'UnprocessableEntityException' });
    await official.deleteObject({ id });
    await assert.rejects(create('a', context), { name: 'ConflictException', message: /marked for deletion/ });
    const stranger = new WorkOS('sk_test_stranger', {
      fetchFn: new VaultEmulator().fetch,
    } as ConstructorParameters<typeof WorkOS>[1]);
    await assert.rejects(stranger.vault.readObject({ id }), { name: 'UnauthorizedException', status: 401 });
  });

  test('listEvents', async () => {
    const emulator = new VaultEmulator({
      customerKeys: [{ organizationId: 'org_c', provider: 'AZURE_KEY_VAULT' }],
    });
    const official = new WorkOS(emulator.apiKey, {
      fetchFn: emulator.fetch,
      maxRetries: 0,
    } as ConstructorParameters<typeof WorkOS>[1]);
    const ours = new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
    const { id } = await ours.createObject({ name: 'a', value: 'v', context });
    await ours.readObject({ id });
    await ours.updateObject({ id, value: 'w' });
    await ours.listObjects();
    await ours.describeObject({ id });
    await ours.decrypt(await ours.encrypt('x', context));
    await ours.deleteObject({ id });
    const events = [
      'vault.data.created',
      'vault.data.read',
      'vault.data.updated',
      'vault.data.deleted',
      'vault.names.listed',
      'vault.metadata.read',
      'vault.kek.created',
      'vault.dek.read',
      'vault.dek.decrypted',
      'vault.byok_key.verification_completed',
    ] as const;
    const theirs = await official.events.listEvents({ events: [...events], limit: 100 });
    const mine = await ours.listEvents({ events, limit: 100 });
    assert.equal(mine.data.length, 11);
    assert.equal(new Set(mine.data.map(({ event }) => event)).size, events.length, 'one of each');
    // Theirs have dates as texts, and a context that these events do not have.
    const plainly = theirs.data.map(({ id, event, createdAt, data }) => ({ id, event, createdAt, data }));
    assert.deepEqual(plain(mine.data), plain(plainly));
    const next = await official.events.listEvents({
      events: [...events],
      limit: 2,
      after: mine.data[2]?.id ?? '',
    });
    assert.deepEqual(
      next.data.map(({ id }) => id),
      mine.data.slice(3, 5).map(({ id }) => id),
    );
  });
});
