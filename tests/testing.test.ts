// `workos-vault-edge/testing`: that it finds what leaks, and only that.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VaultClient } from 'workos-vault-edge';
import {
  assertVaultError,
  createTestVault,
  LeakWatch,
  rejectsWith,
  vaultMatchers,
} from 'workos-vault-edge/testing';

const context = { organization_id: 'org_1' };
const secret = 'ssn: 123-45-6789 "ü"';

describe('testing', () => {
  test('createTestVault gives a Vault of its own each time', async () => {
    const one = createTestVault();
    const two = createTestVault({ emulator: { organizations: ['org_2'] }, client: { maxRetries: 0 } });
    await one.vault.createObject({ name: 'n', value: 'v', context });
    await rejectsWith('not_found', two.vault.readObjectByName('n'));
    await rejectsWith('organization_not_found', two.vault.createDataKey({ context }));
    assert.equal(one.emulator.objectCount, 1);
    for (const { leaks } of [one, two]) leaks.stop();
  });

  test('local encryption leaks nothing, an object its value: to the Vault, in the body of one request', async () => {
    const { vault, leaks } = createTestVault();
    leaks.secret(secret, 'the SSN');
    const envelope = await vault.encrypt(secret, context, 'row');
    assert.equal(await vault.decrypt(envelope, 'row'), secret);
    leaks.assertNone();
    await vault.createObject({ name: 'n', value: secret, context });
    assert.deepEqual(leaks.find(), [
      { where: 'request 3 (POST /vault/v1/kv): body', what: 'the SSN, in JSON' },
    ]);
    assert.throws(
      () => leaks.assertNone(),
      (error: Error) => {
        assert.doesNotMatch(error.message, /123-45/);
        return true;
      },
    );
    leaks.stop();
  });

  test('a data key that the Vault gave out is a secret, without being named', async (t) => {
    t.mock.method(process.stdout, 'write', () => true);
    const { vault, leaks } = createTestVault();
    const { dataKey } = await vault.createDataKey({ context });
    leaks.assertNone();
    console.log(dataKey);
    const found = leaks.find();
    leaks.stop();
    t.mock.restoreAll();
    assert.deepEqual(found, [{ where: 'console.log', what: 'a data key, as it is' }]);
  });

  test('finds a secret however it is written, and in errors, maps and bytes', async (t) => {
    const bytes = new TextEncoder().encode(secret);
    const cyclic: Record<string, unknown> = { list: [{ secret }] };
    cyclic.self = cyclic;
    const ways: Record<string, unknown> = {
      plain: `before ${secret} after`,
      json: JSON.stringify({ secret }),
      url: `/x?${new URLSearchParams({ q: 'y' })}&s=${encodeURIComponent(secret)}`,
      hexadecimal: Buffer.from(secret).toString('hex'),
      'base64 by itself': Buffer.from(secret).toString('base64'),
      'base64, one byte in': Buffer.from(`a${secret}b`).toString('base64'),
      'base64, two bytes in': Buffer.from(`ab${secret}`).toString('base64'),
      'base64, further in': Buffer.from(`abcdefg${secret}xyz`).toString('base64'),
      base64url: Buffer.from(`xyz${secret}`).toString('base64url'),
      object: { deep: { deeper: [secret] } },
      cyclic,
      map: new Map([['k', secret]]),
      error: new Error(secret),
      'error in an object': { list: [{ error: new Error(secret) }] },
      cause: new Error('outer', { cause: new Error(secret) }),
      bytes: new TextEncoder().encode('123-45-6789'),
    };
    for (const [name, value] of Object.entries(ways)) {
      using leaks = new LeakWatch();
      leaks.secret(secret);
      leaks.secret('123-45-6789');
      const { log } = console;
      t.mock.method(process.stdout, 'write', () => true);
      console.log(value);
      t.mock.restoreAll();
      assert.ok(leaks.find().length > 0, `${name} was not found`);
      assert.equal(console.log, log);
    }
    assert.ok(bytes.length > 0);
  });

  test('says nothing of what is no secret, and takes none that would be found by chance', async () => {
    using leaks = new LeakWatch();
    leaks.secret('abcdefgh');
    const fetch = leaks.watch(async (_url, init) => new Response(init.body as string));
    await fetch('https://api.workos.com/vault/v1/kv?search=abcdefg', {
      method: 'POST',
      body: 'abcdefg h',
      headers: { authorization: 'Bearer abcdefgh', 'x-other': 'abcdef' },
    });
    assert.deepEqual(leaks.find(), []);
    assert.equal(leaks.requests, 1);
    assert.throws(() => leaks.secret('abc'), /at least 6 characters/);
  });

  test('tells where without the name, and two watches do not hold each other', async () => {
    const { log } = console;
    const [first, second] = [new LeakWatch(), new LeakWatch()];
    first.secret('123-45-6789');
    await first.watch(async () => new Response('{}'))('https://x.example/vault/v1/kv/name/123-45-6789', {});
    assert.throws(
      () => first.assertNone(),
      (error: Error) => {
        assert.match(error.message, /name\/\{name\}/);
        assert.doesNotMatch(error.message, /123-45/);
        return true;
      },
    );
    second.stop();
    first.stop();
    assert.equal(console.log, log);
  });

  test('gives the console back', () => {
    const { log, error } = console;
    const leaks = new LeakWatch();
    assert.notEqual(console.log, log);
    leaks.stop();
    assert.deepEqual([console.log, console.error], [log, error]);
  });

  test('assertions and matchers tell what they met', async () => {
    const { vault, leaks } = createTestVault();
    leaks.stop();
    const error = await rejectsWith('not_found', vault.readObject({ id: 'none' }));
    assert.throws(
      () => assertVaultError(error, 'forbidden'),
      /expected a VaultError forbidden, got not_found/,
    );
    assert.throws(() => assertVaultError(new Error('x'), 'forbidden'), /got Error: x/);
    await assert.rejects(rejectsWith('not_found', Promise.resolve(1)), /but the call succeeded/);
    assert.deepEqual(
      [error, new TypeError('x')].map((one) => vaultMatchers.toBeVaultError(one, 'not_found').pass),
      [true, false],
    );
    assert.match(
      vaultMatchers.toBeVaultError(error, 'forbidden').message(),
      /expected a VaultError forbidden, got/,
    );
    assert.ok(vaultMatchers.toHaveNoLeaks(leaks).pass);
    assert.ok(vault instanceof VaultClient);
  });
});
