import { Miniflare } from 'miniflare';
import type { Outcome } from './conformance/case.ts';
import { bundle } from './hosts/bundle.ts';
import { report } from './hosts/report.ts';

report('workerd (miniflare)', async () => {
  const files = await bundle('hosts/worker.ts', ['workerd', 'worker']);
  const worker = new Miniflare({
    modules: files.map(({ name, contents }) => ({
      type: name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
      path: name,
      contents,
    })),
    compatibilityDate: '2026-01-01',
  });
  try {
    const response = await worker.dispatchFetch('http://localhost/');
    return (await response.json()) as Outcome[];
  } finally {
    await worker.dispose();
  }
});
