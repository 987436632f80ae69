// The quickstart example, as `cargo xtask demo` runs it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const cures = [
  'organization_not_found',
  'invalid_key_context',
  'key_context_too_large',
  'version_mismatch',
  'customer_key_inaccessible',
  'object_pending_deletion',
];

for (const [file, runtime] of [
  ['node.js', 'Node'],
  ['workerd.js', 'workerd'],
]) {
  test(`the quickstart passes in ${runtime}`, () => {
    const path = fileURLToPath(new URL(`../examples/quickstart/${file}`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`${runtime}: 29 steps passed, 0 failed`));
    for (const code of cures) assert.match(stdout, new RegExp(`${code}: .*\\n +cure: `));
  });
}
