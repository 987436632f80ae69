// Every JavaScript block of the README and of docs/, run as it stands.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const docs = ['encryption', 'emulator'].map((name) =>
  readFileSync(new URL(`../docs/${name}.md`, import.meta.url), 'utf8'),
);
const blocks = [...[readme, ...docs].join('\n').matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(
  (match) => match[1] ?? '',
);

/** What each block prints. */
const expected = [
  /^gho_s3cret\n$/,
  /^3\n1 true\nsigning-key .+\ncard .+\nRead the current version, .+\ntrue\n4111 1111 1111 1111\n$/,
  /^customer_key_inaccessible\n$/,
  /^1\n{ hits: 1, misses: 1, apiCalls: 1 }\n400000\n{ ok: true, value: 'b' }\n123-45-6789\n$/,
  /^s3cret\n\[ 'token' \]\ns3cret\n$/,
];

describe('the documentation', () => {
  test('has the blocks that are tested here', () => assert.equal(blocks.length, expected.length));
  for (const [index, block] of blocks.entries()) {
    test(`block ${index + 1} runs`, () => {
      const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module'], {
        cwd: root,
        encoding: 'utf8',
        input: block,
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, expected[index] ?? /$^/);
    });
  }
  test("the README is the package's own", () => {
    assert.equal(readFileSync(new URL('../pkg/README.md', import.meta.url), 'utf8'), readme);
  });
});
