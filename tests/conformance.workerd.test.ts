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
