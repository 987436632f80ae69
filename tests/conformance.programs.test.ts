// The suite in runtimes that run a program, each importing the package by its name, as its own conditions resolve it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundle } from './hosts/bundle.ts';
import { outcomesOf, report } from './hosts/report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(root, 'node_modules/.bin', name);
// Below the project, so that the package is found by its name.
const folder = mkdtempSync(join(root, 'target/conformance-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const program = (async () => {
  const [file] = await bundle('hosts/program.ts', [], ['workos-vault-edge', 'workos-vault-edge/*']);
  const path = join(folder, 'program.mjs');
  writeFileSync(path, file?.contents ?? '');
  return path;
})();
program.catch(() => {});

const version = (path: string, ...parameters: string[]) =>
  /\d+\.\d+\.\d+/.exec(execFileSync(path, parameters, { encoding: 'utf8' }))?.[0];

report(`Deno ${version(bin('deno'), '--version')}`, async () =>
  // No permission at all: nothing is read, nothing is asked for.
  outcomesOf(
    bin('deno'),
    ['run', '--no-remote', '--no-prompt', '--node-modules-dir=manual', await program],
    folder,
  ),
);
report(`Bun ${version(bin('bun'), '--version')}`, async () =>
  outcomesOf(bin('bun'), [await program], folder),
);

// A newer Node than the one that runs the tests; `cargo xtask test` installs it.
const newer = process.env.NODE_NEWER;
if (newer)
  report(`Node ${version(newer, '--version')}`, async () => outcomesOf(newer, [await program], folder));
