// What takes too long for the conformance suite: a request for a key that never settles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

test('a request for a key that is lost is given up after ten seconds, and another is sent', async () => {
  const emulator = new VaultEmulator();
  const sent: Record<string, number> = {};
  // The first request of each kind is never answered, as when the Worker's request that sent it was cancelled.
  const fetch = (url: string, init: RequestInit) => {
    const count = (sent[url] ?? 0) + 1;
    sent[url] = count;
    return count === 1 ? new Promise<Response>(() => {}) : emulator.fetch(url, init);
  };
  const vault = new VaultClient({ apiKey: emulator.apiKey, fetch, timeoutMs: 15_000 });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 60_000, maxMessages: 10, maxBytes: 1000 });
  const envelope = await new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch }).encrypt('x', {
    a: 'b',
  });
  const [encrypted, also, decrypted] = await Promise.all([
    keyring.encrypt('y'),
    keyring.encrypt('z'),
    keyring.decrypt(envelope),
  ]);
  assert.equal(decrypted, 'x');
  assert.deepEqual(Object.values(sent), [2, 2]);
  assert.equal(await keyring.decrypt(encrypted), 'y');
  assert.equal(await keyring.decrypt(also), 'z');
  keyring.close();
});
