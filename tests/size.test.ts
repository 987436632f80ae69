// What a Worker ships, held to a budget: bytes are the same on every machine that has the same compiler.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes } from '../benches/sizes.ts';

/** Gzipped bytes, with Rust's own library as it comes; a build that makes it anew for size has fewer. */
const BUDGET = { client: 36_000, emulatorModule: 115_000 } as const;

test('the client and the emulator are within their budgets, and the client is smaller than the official SDK', async (context) => {
  const found = await sizes();
  for (const name of ['client', 'emulatorModule'] as const) {
    context.diagnostic(`${name}: ${found[name]} of ${BUDGET[name]} bytes, gzipped`);
    assert.ok(found[name] <= BUDGET[name], `${name} has ${found[name]} bytes, its budget is ${BUDGET[name]}`);
  }
  assert.ok(found.client < found.official, `${found.client} bytes, the official SDK ${found.official}`);
});
