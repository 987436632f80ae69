// PyPI's workos as a client of the emulator's server, and schemathesis over its description. `cargo xtask test` names
// the Python that has both in WORKOS_PYTHON.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { serve } from 'workos-vault-edge/emulator/server';

const python = process.env.WORKOS_PYTHON ?? 'python3';

/** Runs a program to its end; this process meanwhile serves. */
async function run(
  program: string,
  args: string[],
  input = '',
): Promise<{ output: string; status: number | null }> {
  // Elsewhere than in the project: schemathesis leaves what it found in the present folder.
  const child = spawn(program, args, { cwd: tmpdir(), stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: status === 0 ? stdout : stdout + stderr, status };
}

test("PyPI's workos drives every operation, and reads our envelopes as we read its", async () => {
  const emulator = new VaultEmulator();
  const served = await serve(emulator, { port: 0 });
  try {
    const vault = new VaultClient({ apiKey: emulator.apiKey, baseUrl: served.url });
    const context = { organization_id: 'org_node' };
    const ours: { text: string; associatedData: string | null; envelope: string }[] = [];
    for (const text of ['', 'a', 'naïve 🔑', 'x'.repeat(9000)]) {
      for (const associatedData of [null, 'row-1'])
        ours.push({ text, associatedData, envelope: await vault.encrypt(text, context, associatedData) });
    }
    const script = fileURLToPath(new URL('python/drive.py', import.meta.url));
    const { output, status } = await run(python, [script, served.url, emulator.apiKey], JSON.stringify(ours));
    assert.equal(status, 0, output);
    const theirs = JSON.parse(output) as typeof ours;
    assert.equal(theirs.length, 8);
    for (const { text, associatedData, envelope } of theirs)
      assert.equal(await vault.decrypt(envelope, associatedData), text);
  } finally {
    await served.close();
  }
});

test('schemathesis finds no status that is not documented, no 500, and no answer beside its schema', async () => {
  const emulator = new VaultEmulator();
  const served = await serve(emulator, { port: 0 });
  try {
    const { output, status } = await run(join(dirname(python), 'schemathesis'), [
      'run',
      `${served.url}/openapi.json`,
      '--url',
      served.url,
      '--header',
      `Authorization: Bearer ${emulator.apiKey}`,
      '--checks',
      'all',
      // A schema cannot say which key blobs open, nor that a key was used before.
      '--exclude-checks',
      'positive_data_acceptance',
      '--max-examples',
      '50',
      // The same requests each time.
      '--seed',
      '1',
      '--no-color',
    ]);
    assert.equal(status, 0, output.slice(-8000));
    assert.match(output, /Tested: 12/);
  } finally {
    await served.close();
  }
});
