// In workerd what one request awaits must not depend on another request's life. A keyring in module scope shares its
// waiting between requests all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { bundle, modules } from './hosts/bundle.ts';

test('requests at the same time share one keyring in module scope', async () => {
  const emulator = new VaultEmulator();
  const asked: Record<string, number> = {};
  const files = await bundle('hosts/keyring-worker.ts', ['workerd', 'worker']);
  const worker = new Miniflare({
    modules: modules(files),
    compatibilityDate: '2026-01-01',
    bindings: { WORKOS_API_KEY: emulator.apiKey },
    outboundService: async (request: {
      url: string;
      method: string;
      headers: Iterable<[string, string]>;
      arrayBuffer(): Promise<ArrayBuffer>;
    }) => {
      const path = new URL(request.url).pathname.split('/').pop() ?? '';
      asked[path] = (asked[path] ?? 0) + 1;
      // Long enough for all of them to wait at once.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { method, headers } = request;
      return emulator.fetch(request.url, {
        method,
        headers: [...headers],
        body: await request.arrayBuffer(),
      });
    },
  } as unknown as ConstructorParameters<typeof Miniflare>[0]);
  try {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const response = await worker.dispatchFetch(`http://localhost/text-${index}`);
        assert.equal(response.status, 200);
        return (await response.json()) as { same: boolean };
      }),
    );
    assert.ok(answers.every(({ same }) => same));
    assert.deepEqual(asked, { 'data-key': 1 }, 'the key that encrypts is at hand for decryption too');
  } finally {
    await worker.dispose();
  }
});
