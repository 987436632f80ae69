// In workerd what one request awaits must not depend on another request's life. A keyring in module scope shares its
// waiting between requests all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { bundle, modules } from './hosts/bundle.ts';

/** A Worker with a keyring in module scope, whose requests go to a local Vault that takes its time. */
async function start(bindings: Record<string, number>, compatibilityDate = '2026-01-01') {
  const emulator = new VaultEmulator();
  const asked: Record<string, number> = {};
  const files = await bundle('hosts/keyring-worker.ts', ['workerd', 'worker']);
  const worker = new Miniflare({
    modules: modules(files),
    compatibilityDate,
    bindings: { WORKOS_API_KEY: emulator.apiKey, ...bindings },
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
  const ask = async (index: number) => {
    const response = await worker.dispatchFetch(`http://localhost/text-${index}`);
    assert.equal(response.status, 200);
    assert.ok(((await response.json()) as { same: boolean }).same);
  };
  return { worker, asked, ask };
}

for (const date of ['2026-01-01', '2023-05-18'])
  test(`requests at the same time share one keyring in module scope, of ${date}`, async () => {
    // Of old the runtime had no weak references.
    const { worker, asked, ask } = await start({}, date);
    try {
      await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)));
      assert.deepEqual(asked, { 'data-key': 1 }, 'the key that encrypts is at hand for decryption too');
    } finally {
      await worker.dispose();
    }
  });

test('a key that is sent for ahead by a request that is over holds up none of those after it', async () => {
  const { worker, ask } = await start({ MAX_MESSAGES: 10 });
  try {
    const slowest: number[] = [];
    // Three keys' worth, one after the other: the request that sends ahead has ended before the key can come.
    for (let index = 0; index < 30; index++) {
      const started = performance.now();
      await ask(index);
      slowest.push(performance.now() - started);
    }
    assert.ok(Math.max(...slowest) < 4000, `${Math.max(...slowest)} ms`);
  } finally {
    await worker.dispose();
  }
});
