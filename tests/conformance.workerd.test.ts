import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import type { Outcome } from './conformance/case.ts';
import { bundle, modules } from './hosts/bundle.ts';
import { report } from './hosts/report.ts';

report('workerd (miniflare)', async () => {
  const files = await bundle('hosts/worker.ts', ['workerd', 'worker']);
  const worker = new Miniflare({
    modules: modules(files),
    compatibilityDate: '2026-01-01',
  });
  try {
    const response = await worker.dispatchFetch('http://localhost/');
    return (await response.json()) as Outcome[];
  } finally {
    await worker.dispose();
  }
});

test('the module may be in the file, too, where workerd compiles as a Worker starts', async () => {
  const files = await bundle('hosts/inline-worker.ts', ['workerd', 'worker']);
  const worker = new Miniflare({ modules: modules(files), compatibilityDate: '2025-07-01' });
  try {
    const response = await worker.dispatchFetch('http://localhost/');
    assert.deepEqual(await response.json(), [
      'readObject: /vault/v1/kv/secret_1 (status 404)',
      'readObjectByName: /vault/v1/kv/name/a%20b (status 404)',
    ]);
  } finally {
    await worker.dispose();
  }
});
