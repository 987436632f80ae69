// The package as its users get it: packed, installed in an empty project, imported.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import binaryen from 'binaryen';
import { pack, root } from './hosts/packed.ts';

const pkg = fileURLToPath(new URL('../pkg', import.meta.url));

describe('the packed package', () => {
  let project = '';
  let files: string[] = [];
  let tarball = '';
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  before(async () => {
    project = mkdtempSync(join(tmpdir(), 'workos-vault-edge-'));
    writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
    ({ tarball, files } = await pack(project));
    run('npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  test('holds what it needs and nothing else', () => {
    for (const file of [
      'package.json',
      'README.md',
      'docs/encryption.md',
      'docs/emulator.md',
      'dist/cli.js',
      'dist/cli.LICENSES.txt',
      'LICENSE-MIT',
      'LICENSE-APACHE',
      'CHANGELOG.md',
    ])
      assert.ok(files.includes(file), file);
    for (const file of files) {
      assert.match(
        file,
        /^(package\.json|README\.md|CHANGELOG\.md|LICENSE-(MIT|APACHE)|docs\/(.+\.md|chart\.svg)|dist\/.+\.(js|js\.map|d\.ts)|dist\/cli\.LICENSES\.txt|wasm\/(client|cipher|emulator)\/.+\.(js|wasm)|wasm\/module\.d\.ts|(cjs\/)?bundle\/.+\.js|cjs\/package\.json|cjs\/dist\/.+\.(js|d\.ts)|cjs\/wasm\/(emulator\/inline\.js|module\.d\.ts))$/,
      );
    }
    const manifest = JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8')) as Record<string, unknown>;
    for (const field of ['dependencies', 'scripts', 'optionalDependencies', 'peerDependencies'])
      assert.equal(manifest[field], undefined, field);
  });

  test('publint and attw find nothing, with no rule left out', () => {
    const tool = (name: string) => join(root, 'node_modules/.bin', name);
    assert.match(
      run(tool('publint'), join(project, 'node_modules/workos-vault-edge'), '--strict'),
      /All good!/,
    );
    assert.match(run(tool('attw'), tarball, '--format', 'ascii'), /No problems found/);
  });

  test('no function of the modules returns one reference', () => {
    // Calls of those V8 inlines, and up to 11.3 (Node 20) a process can end so: "Fatal error: unreachable code".
    const numbers = [binaryen.i32, binaryen.i64, binaryen.f32, binaryen.f64];
    for (const name of ['client', 'cipher', 'emulator']) {
      const file = join(pkg, `wasm/${name}/${name}_bg.wasm`);
      const module = binaryen.readBinary(new Uint8Array(readFileSync(file)));
      let functions = 0;
      for (let at = 0; at < module.getNumExports(); at++) {
        const { kind, name, value } = binaryen.getExportInfo(module.getExportByIndex(at));
        if (kind !== binaryen.ExternalFunction) continue;
        functions++;
        const results = binaryen.expandType(binaryen.getFunctionInfo(module.getFunction(value)).results);
        if (results.length === 1) assert.ok(numbers.includes(results[0] ?? 0), name);
      }
      assert.ok(functions >= 4, name);
    }
  });

  test('says its own version where errors link to the documentation', () => {
    const { version } = JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8')) as { version: string };
    assert.match(readFileSync(join(pkg, 'dist/errors.js'), 'utf8'), new RegExp(`version = '${version}'`));
  });

  test('every file that package.json names is there', () => {
    const manifest = JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const named: string[] = [];
    JSON.stringify(manifest.exports, (_, value: unknown) => {
      if (typeof value === 'string') named.push(value.slice(2));
      return value;
    });
    assert.ok(named.length > 10);
    for (const file of named) assert.ok(files.includes(file), file);
  });

  test('whatever the conditions, all that shares state is one copy', () => {
    const { exports } = JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8')) as {
      exports: Record<string, object>;
    };
    /** The file of a subpath, as Node finds it: the first condition that holds. */
    const fileOf = (entry: unknown, conditions: string[]): string => {
      if (typeof entry === 'string') return entry;
      const found = Object.entries(entry as object).find(
        ([name]) => name === 'default' || conditions.includes(name),
      );
      return fileOf(found?.[1], conditions);
    };
    const runtimes = ['node', 'browser', 'deno', 'bun', 'workerd', 'edge-light', 'worker', 'module'];
    for (const way of ['import', 'require'])
      for (let chosen = 0; chosen < 1 << runtimes.length; chosen++) {
        const conditions = [way, ...runtimes.filter((_, at) => (chosen >> at) & 1)];
        const files = ['.', './inline', './wasm', './cipher'].map((path) =>
          fileOf(exports[path], conditions),
        );
        const folders = new Set(files.map((file) => file.replace(/\/(entry\/)?[^/]+$/, '')));
        assert.equal(folders.size, 1, `${conditions.join(' ')}: ${files.join(' ')}`);
      }
  });

  const program = `
    const vault = new VaultClient({ apiKey: 'sk_test_emulator', fetch: new VaultEmulator().fetch });
    const { id } = await vault.createObject({ name: 'n', value: 'packed', context: { organization_id: 'org_1' } });
    console.log((await vault.readObject({ id })).value);`;
  const subpaths = ['inline', 'wasm', 'types', 'testing', 'compat', 'emulator', 'emulator/server', 'cipher'];

  test('every subpath can be imported and required, and shares what the others load', () => {
    const names = subpaths.map((path) => `workos-vault-edge/${path}`);
    const check = `
      if (testing.createTestVault().vault instanceof main.VaultClient !== true) throw new Error('two clients');
      if (inline.VaultError !== main.VaultError || wasm.VaultError !== main.VaultError) throw new Error('two errors');
      wasm.initSync(readFileSync('node_modules/workos-vault-edge/wasm/client/client_bg.wasm'));
      console.log(new compat.WorkOS('sk_test_x').vault.constructor.name, Object.keys(types).length);`;
    const variables = [
      'main',
      'inline',
      'wasm',
      'types',
      'testing',
      'compat',
      'emulator',
      'server',
      'cipher',
    ];
    const all = ['workos-vault-edge', ...names];
    writeFileSync(
      join(project, 'all.mjs'),
      `import { readFileSync } from 'node:fs';\n${all.map((name, at) => `import * as ${variables[at]} from '${name}';`).join('\n')}${check}`,
    );
    writeFileSync(
      join(project, 'all.cjs'),
      `const { readFileSync } = require('node:fs');\n${all.map((name, at) => `const ${variables[at]} = require('${name}');`).join('\n')}${check}`,
    );
    assert.equal(run('node', 'all.mjs').trim(), 'VaultClient 0');
    assert.equal(run('node', '--no-experimental-require-module', 'all.cjs').trim(), 'VaultClient 0');
  });

  test('without its module loaded, /wasm says what to call', () => {
    const code = `import { VaultClient } from 'workos-vault-edge/wasm';
      try { new VaultClient({ apiKey: 'sk_test_x' }); } catch (error) { console.log(error.code, error.message); }`;
    const told = run('node', '--input-type=module', '--eval', code);
    assert.match(told, /^invalid_config init: call init or initSync of workos-vault-edge\/wasm/);
  });

  test('imports as an ES module', () => {
    writeFileSync(
      join(project, 'esm.mjs'),
      `import { VaultClient } from 'workos-vault-edge';\nimport { VaultEmulator } from 'workos-vault-edge/emulator';\n${program}`,
    );
    assert.equal(run('node', 'esm.mjs').trim(), 'packed');
  });

  test('can be required from CommonJS', () => {
    writeFileSync(
      join(project, 'cjs.cjs'),
      `const { VaultClient } = require('workos-vault-edge');\nconst { VaultEmulator } = require('workos-vault-edge/emulator');\n(async () => {${program}})();`,
    );
    assert.equal(run('node', '--no-experimental-require-module', 'cjs.cjs').trim(), 'packed');
  });

  test('its command runs, by the name that npm gives it', () => {
    assert.match(run('npx', '--no-install', 'workos-vault', 'context', 'check', 'a=b'), /^valid/m);
    const server = run(
      'node',
      '--input-type=module',
      '--eval',
      `
      import { VaultEmulator } from 'workos-vault-edge/emulator';
      import { serve } from 'workos-vault-edge/emulator/server';
      const served = await serve(new VaultEmulator(), { port: 0 });
      console.log((await fetch(served.url + '/_emulator/health')).status);
      await served.close();`,
    );
    assert.equal(server.trim(), '200');
  });

  test('its declarations check under strict TypeScript, with every library check on', () => {
    cpSync(join(root, 'tests/types/usage.ts'), join(project, 'usage.ts'));
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          module: 'nodenext',
          skipLibCheck: false,
          types: [],
          lib: ['es2022', 'dom'],
          exactOptionalPropertyTypes: true,
        },
        files: ['usage.ts'],
      }),
    );
    run(join(root, 'node_modules/.bin/tsc'), '-p', '.');
  });

  test('no declaration says any', () => {
    for (const file of files.filter((file) => file.endsWith('.d.ts'))) {
      const text = readFileSync(join(pkg, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      assert.doesNotMatch(text, /\bany\b/, file);
    }
  });
});
