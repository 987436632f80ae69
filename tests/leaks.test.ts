// What a client shows when it is printed, and what it leaves behind when a process is done.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { KeyContext, VaultClient, VaultError } from 'workos-vault-edge';

test('inspection shows no secret', async () => {
  const fetch = async () => new Response('{"error":"no"}', { status: 404 });
  const vault = new VaultClient({ apiKey: 'sk_test_inspected', fetch });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 1, maxMessages: 1, maxBytes: 1 });
  const error: unknown = await vault
    .updateObject({ id: 'a', value: 'plain secret' })
    .catch((error: unknown) => error);
  assert.ok(error instanceof VaultError);
  const shown = inspect([vault, vault.forOrganization('org_1'), keyring, error], {
    depth: 9,
    showHidden: true,
  });
  assert.match(shown, /VaultClient/);
  assert.match(shown, /not_found/);
  for (const secret of ['sk_test_inspected', 'plain secret']) assert.ok(!shown.includes(secret), shown);
  assert.equal(inspect(KeyContext.from({ a: 'b' })), "{ a: 'b' }");
});

test('a process ends when its calls have ended: no timer is left', () => {
  const program = `
    import { VaultClient } from 'workos-vault-edge';
    const ok = async () => new Response('{}', { status: 404 });
    const vault = new VaultClient({ apiKey: 'sk_test_timers', fetch: ok });
    const signal = new AbortController().signal;
    await vault.readObject({ id: 'a' }, { signal }).catch((error) => console.log(error.code));
    await vault.readObject({ id: '' }).catch((error) => console.log(error.code));
    await vault.modifyObject({ id: 'a' }, () => 'x').catch((error) => console.log(error.code));
    const never = new VaultClient({ apiKey: 'sk_test_timers', fetch: () => new Promise(() => {}) });
    await never.readObject({ id: 'a' }, { timeoutMs: 20 }).catch((error) => console.log(error.code));
  `;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--input-type=module'], {
    cwd,
    encoding: 'utf8',
    input: program,
    timeout: 20_000,
  });
  assert.equal(signal, null, 'it was still there after 20 s; a call may take 60');
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'not_found\ninvalid_request\nnot_found\ntimeout\n');
});
