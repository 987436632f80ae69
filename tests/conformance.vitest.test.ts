// The suite in workerd again, by Cloudflare's pool for vitest.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { report } from './hosts/report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Results {
  testResults: { message: string; assertionResults: { title: string; failureMessages: string[] }[] }[];
}

report('workerd (vitest-pool-workers)', async () => {
  const folder = mkdtempSync(join(root, 'target/vitest-'));
  try {
    const file = join(folder, 'results.json');
    const config = 'tests/vitest-workers/vitest.config.ts';
    const parameters = ['run', '--config', config, '--reporter=json', `--outputFile=${file}`];
    const ran = await promisify(execFile)(join(root, 'node_modules/.bin/vitest'), parameters, {
      cwd: root,
      timeout: 180_000,
    }).catch((error: { stdout: string; stderr: string }) => error);
    const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Results;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    if (results.length === 0) throw new Error(testResults[0]?.message ?? ran.stdout + ran.stderr);
    return results.map(({ title, failureMessages: [error] }) => ({
      name: title,
      ...(error !== undefined && { error }),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, ['the matchers']);
