// The suite inside workerd, under vitest, as a team with Cloudflare's own pool runs its tests: the settings of the
// Worker, and the rule that a .wasm file is a compiled module, are those of its wrangler.toml.
import { fileURLToPath } from 'node:url';
import { cloudflareTest } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The pool finds modules below the root only.
  root: fileURLToPath(new URL('../..', import.meta.url)),
  plugins: [cloudflareTest({ wrangler: { configPath: 'tests/vitest-workers/wrangler.toml' } })],
  test: {
    include: ['tests/vitest-workers/*.test.ts'],
    testTimeout: 60_000,
    // workerd reports the end of a body that breaks off twice as unhandled, also where text() was awaited and caught.
    dangerouslyIgnoreUnhandledErrors: true,
  },
});
