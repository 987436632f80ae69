// The example of a Vault that a team shares, in workerd with a real Durable Object: its state outlives the Worker.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import { VaultClient } from 'workos-vault-edge';
import { bundle, modules } from './hosts/bundle.ts';

const context = { organization_id: 'org_1' };

test("a team's Vault keeps everything in its Durable Object", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'workos-vault-worker-'));
  const files = await bundle('../examples/emulator-worker/worker.js', ['workerd', 'worker']);
  const start = async () => {
    const worker = new Miniflare({
      modules: modules(files),
      compatibilityDate: '2026-01-01',
      bindings: { VAULT_API_KEY: 'sk_test_team' },
      durableObjects: { VAULT: { className: 'SharedVault', useSQLite: true } },
      durableObjectsPersist: folder,
      port: 0,
    });
    const baseUrl = String(await worker.ready).replace(/\/$/, '');
    return { worker, vault: new VaultClient({ apiKey: 'sk_test_team', baseUrl, maxRetries: 0 }) };
  };
  try {
    const first = await start();
    const { id, versionId } = await first.vault.createObject({ name: 'shared', value: 'one', context });
    await first.vault.updateObject({ id, value: 'two', versionCheck: versionId });
    const { id: gone } = await first.vault.createObject({ name: 'gone', value: 'v', context });
    await first.vault.deleteObject({ id: gone });
    const envelope = await first.vault.encrypt('sealed', context);
    const many = Array.from({ length: 30 }, (_, index) =>
      first.vault.createObject({ name: `many ${index}`, value: 'x'.repeat(1000), context }),
    );
    await Promise.all(many);
    // Larger than a row.
    const large = 'é'.repeat(1_000_000);
    const { id: ofLarge } = await first.vault.createObject({ name: 'large', value: large, context });
    const stranger = new VaultClient({
      apiKey: 'sk_test_stranger',
      baseUrl: String(await first.worker.ready).replace(/\/$/, ''),
      maxRetries: 0,
    });
    await assert.rejects(stranger.listObjects(), { code: 'unauthorized' });
    await first.worker.dispose();

    const second = await start();
    assert.equal((await second.vault.readObjectByName('shared')).value, 'two');
    assert.equal((await second.vault.listObjectVersions({ id })).length, 2);
    await assert.rejects(second.vault.readObject({ id: gone }), { code: 'not_found' });
    assert.equal(await second.vault.decrypt(envelope), 'sealed');
    assert.equal((await second.vault.listObjects().then((page) => page.autoPagination())).length, 32);
    assert.equal((await second.vault.readObject({ id: ofLarge })).value, large);
    // Locks hold across clients, as there is one object for all.
    const racing = Array.from({ length: 8 }, () =>
      second.vault.modifyObject({ id, maxAttempts: 50 }, ({ value }) => `${value}+`),
    );
    await Promise.all(racing);
    assert.equal((await second.vault.readObject({ id })).value, `two${'+'.repeat(8)}`);
    await second.worker.dispose();

    const third = await start();
    assert.equal((await third.vault.readObject({ id })).value, `two${'+'.repeat(8)}`);
    await third.worker.dispose();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
