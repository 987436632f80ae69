// The command line as it is installed: in a child process, in a pipe and on a terminal, against the emulator.
import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { type ServedVault, serve } from 'workos-vault-edge/emulator/server';

const cli = fileURLToPath(new URL('../pkg/dist/cli.js', import.meta.url));

/** How a color begins (ECMA-48, SGR). */
const color = '\u001b[';

interface Ended {
  status: number | null;
  out: string;
  bytes: Buffer;
  errors: string;
}

describe('workos-vault', () => {
  const emulator = new VaultEmulator({
    organizations: ['org_1', 'org_c'],
    customerKeys: [{ organizationId: 'org_c', provider: 'AWS_KMS' }],
  });
  let served: ServedVault;
  let folder = '';
  let env: Record<string, string | undefined> = {};

  before(async () => {
    served = await serve(emulator, { port: 0 });
    folder = mkdtempSync(join(tmpdir(), 'workos-vault-cli-'));
  });
  after(async () => {
    await served.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    emulator.reset();
    env = {
      PATH: process.env.PATH,
      HOME: folder,
      WORKOS_API_KEY: emulator.apiKey,
      WORKOS_API_URL: served.url,
    };
  });

  function end(
    program: string,
    args: string[],
    input: string | Uint8Array,
    options: SpawnOptions = {},
  ): Promise<Ended> {
    const child = spawn(program, args, { cwd: folder, env, ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (part: Buffer) => out.push(part));
    child.stderr?.on('data', (part: Buffer) => errors.push(part));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    return new Promise((resolve) =>
      child.on('close', (status) => {
        const bytes = Buffer.concat(out);
        resolve({ status, out: bytes.toString(), bytes, errors: Buffer.concat(errors).toString() });
      }),
    );
  }
  const run = (args: string[], input: string | Uint8Array = '') =>
    end(process.execPath, [cli, ...args], input);
  /** On a terminal of its own, which `script` makes; what it types is `input`. */
  const terminal = (args: string[], input = '') => {
    const words = [process.execPath, cli, ...args].map((word) => `'${word}'`).join(' ');
    return end('script', ['--quiet', '--return', '--command', words, '/dev/null'], input);
  };
  const ok = async (args: string[], input?: string | Uint8Array) => {
    const ended = await run(args, input);
    assert.equal(ended.status, 0, ended.errors);
    return ended;
  };
  const json = async <T>(args: string[], input?: string | Uint8Array) =>
    JSON.parse((await ok(['--json', ...args], input)).out) as T;

  test('the life of an object, by ID and by name', async () => {
    const created = await json<{ id: string; versionId: string }>(
      ['kv', 'create', 'token', '-c', 'organization_id=org_1', '--context', 'tier=gold'],
      's3cret 🔑',
    );
    assert.equal((await ok(['kv', 'get', created.id])).out, 's3cret 🔑', 'as it is, without an end of line');
    const shown = await json<{ value: string; metadata: { context: object } }>([
      'kv',
      'get',
      '--by-name',
      'token',
    ]);
    assert.deepEqual(shown.metadata.context, { organization_id: 'org_1', tier: 'gold' });
    assert.equal(shown.value, 's3cret 🔑');
    const described = await ok(['kv', 'describe', '--by-name', 'token']);
    assert.match(described.out, /context +organization_id=org_1 {2}tier=gold/);
    assert.doesNotMatch(described.out, /s3cret/);

    const file = join(folder, 'value');
    writeFileSync(file, 'second');
    const updated = await json<{ metadata: { versionId: string } }>([
      ...['kv', 'update', created.id, '--version-check', created.versionId, '--file', file],
    ]);
    assert.equal((await ok(['kv', 'get', created.id])).out, 'second');
    const stale = await run(['kv', 'update', created.id, '--version-check', created.versionId], 'third');
    assert.equal(stale.status, 4);
    assert.match(
      stale.errors,
      /version mismatch \(status 409\)\n +Read the current version[^\n]+\n +request req_/,
    );
    const versions = await json<{ id: string; currentVersion: boolean }[]>([
      'kv',
      'versions',
      '--by-name',
      'token',
    ]);
    assert.deepEqual(
      versions.map(({ id, currentVersion }) => [id, currentVersion]),
      [
        [updated.metadata.versionId, true],
        [created.versionId, false],
      ],
    );
    assert.equal((await run(['kv', 'delete', created.id, '--version-check', created.versionId])).status, 4);
    assert.match((await ok(['kv', 'delete', '--by-name', 'token'])).out, /^deleted /);
    const gone = await run(['--json', 'kv', 'get', created.id]);
    assert.equal(gone.status, 4);
    const { error } = JSON.parse(gone.errors) as { error: { code: string; recovery: string } };
    assert.equal(error.code, 'not_found');
    assert.ok(error.recovery);
  });

  test('bytes are stored and come back as bytes', async () => {
    const bytes = Buffer.from([0, 255, 254, 10, 13]);
    await ok(['kv', 'create', 'key', '-c', 'a=b'], bytes);
    assert.deepEqual((await ok(['kv', 'get', '--by-name', 'key', '--bytes'])).bytes, bytes);
  });

  test('lists', async () => {
    assert.equal((await ok(['kv', 'list'])).out, 'no objects\n');
    emulator.seed({
      objects: Array.from({ length: 120 }, (_, at) => ({ name: `n${at}`, value: 'v', context: { a: 'b' } })),
    });
    const rows = async (...args: string[]) =>
      (await ok(['kv', 'list', ...args])).out.trimEnd().split('\n').length - 1;
    assert.deepEqual(
      [await rows(), await rows('--limit', '105'), await rows('--all'), await rows('--search', 'n11')],
      [10, 105, 120, 10],
    );
    const oldest = await json<{ name: string }[]>(['kv', 'list', '--order', 'asc', '--limit', '1']);
    assert.equal(oldest[0]?.name, 'n0');
    assert.equal((await run(['kv', 'list', '--limit', 'x'])).status, 2);
  });

  test('on a terminal values are masked unless they are to be shown', async () => {
    await ok(['kv', 'create', 'token', '-c', 'a=b'], 's3cret-value');
    const masked = await terminal(['kv', 'get', '--by-name', 'token']);
    assert.equal(masked.status, 0, masked.out);
    assert.doesNotMatch(masked.out, /s3cret/);
    assert.match(masked.out, /•+.*12 characters; --reveal shows them/);
    assert.ok(masked.out.includes(color), 'in colors');
    const revealed = await terminal(['kv', 'get', '--by-name', 'token', '--reveal']);
    assert.match(revealed.out, /s3cret-value/);
    assert.doesNotMatch((await terminal(['--json', 'kv', 'get', '--by-name', 'token'])).out, /s3cret/);
    for (const args of [['kv', 'get', '--by-name', 'token', '--bytes'], ['decrypt']]) {
      const refused = await terminal(args);
      assert.equal(refused.status, 2, args.join(' '));
      assert.match(refused.out, /this would be shown on the terminal: give --reveal/);
    }
    env.NO_COLOR = '1';
    assert.ok(!(await terminal(['kv', 'get', '--by-name', 'token'])).out.includes(color));
  });

  test('colors are for terminals: none in a pipe, also where CI is set, unless forced', async () => {
    env.CI = 'true';
    assert.equal((await ok(['context', 'check', 'a=b'])).out, 'valid  {"a":"b"}\n');
    env.FORCE_COLOR = '1';
    assert.ok((await ok(['context', 'check', 'a=b'])).out.includes(color));
    env.NO_COLOR = '1';
    assert.equal((await ok(['context', 'check', 'a=b'])).out, 'valid  {"a":"b"}\n');
  });

  test('local encryption from standard input to standard output', async () => {
    const text = 'naïve 🔑\n'.repeat(1000);
    for (const layout of [[], ['--layout', 'go'], ['--binary'], ['--stream']]) {
      const sealed = await ok(['encrypt', '-c', 'organization_id=org_1', '--aad', 'row', ...layout], text);
      assert.equal((await ok(['decrypt', '--aad', 'row'], sealed.bytes)).out, text, layout.join(' '));
      const other = await run(['decrypt', '--aad', 'other'], sealed.bytes);
      assert.equal(other.status, 1);
      assert.match(other.errors, /could not be decrypted/);
    }
    const { envelope: one } = await json<{ envelope: string }>(['encrypt', '-c', 'a=b'], 'x');
    assert.deepEqual(
      await json(['decrypt'], one.replace(/.{30}/g, '$&\n')),
      { text: 'x' },
      'also with line breaks',
    );
    assert.equal((await run(['--json', 'encrypt', '-c', 'a=b', '--binary'], 'x')).status, 2);
    const envelope = (await ok(['encrypt', '-c', 'organization_id=org_c'], 'x')).out;
    const rekeyed = (await ok(['rekey', '-c', 'organization_id=org_1'], envelope)).out;
    emulator.setCustomerKeyAccess('org_c', false);
    assert.equal((await run(['decrypt'], envelope)).status, 4);
    assert.equal((await ok(['decrypt'], rekeyed)).out, 'x');
    assert.equal((await run(['decrypt'], 'nonsense!')).status, 1);
    assert.equal((await run(['encrypt'], 'x')).status, 2);
    assert.equal((await run(['encrypt', '-c', 'nonsense'], 'x')).status, 2);
    assert.equal((await run(['encrypt', '-c', 'organization_id=org_no'], 'x')).status, 4);
  });

  test('contexts are checked, explained and found', async () => {
    assert.match(
      (await ok(['context', 'check', 'organization_id=org_1'])).out,
      /valid {2}\{"organization_id":"org_1"\}/,
    );
    const misspelled = await run(['context', 'check'], '{"organizationId": "org_1"}');
    assert.equal(misspelled.status, 1);
    assert.match(misspelled.out, /did you mean organization_id\?/);
    const invalid = await run(['context', 'check'], '{"a": 1, "": "x"}');
    assert.equal(invalid.status, 1);
    assert.match(invalid.out, /key_context\.a: expected a string, got number 1; write "1"/);
    assert.equal((await run(['context', 'check'], 'no JSON')).status, 2);
    assert.equal((await run(['context', 'check', 'a=b', 'a=c'])).status, 2);
    const file = join(folder, 'context.json');
    writeFileSync(file, '{"organization_id": "org_1", "user_id": "u"}');
    const explained = await json<{ isolation: string; keks: object[] }>([
      'context',
      'explain',
      '--file',
      file,
    ]);
    assert.deepEqual([explained.isolation, explained.keks.length], ['organization_user', 2]);
    assert.match((await ok(['context', 'explain', 'tier=gold'])).out, /WorkOS's, always/);

    const found = await json<{ context: object; typescript: string; rust: string }>([
      ...['context', 'strategy', '--isolation', 'user', '--customer-keys'],
    ]);
    assert.deepEqual(found.context, { organization_id: 'org_123', user_id: 'user_456' });
    assert.match(found.typescript, /forOrganization\(organizationId\)\.withUser\(userId\)/);
    assert.match(found.rust, /for_organization\(organization_id\)\?\.with_user\(user_id\)\?/);
    const impossible = await run(['context', 'strategy', '--isolation', 'tenant', '--customer-keys']);
    assert.equal(impossible.status, 1);
    assert.match(impossible.errors, /need organization_id/);
    assert.equal((await run(['context', 'strategy'])).status, 2);
    // The interview, answered by number.
    const asked = await terminal(['context', 'strategy'], '2\n1\n3\n');
    assert.equal(asked.status, 0, asked.out);
    assert.match(asked.out, /"user_id":"user_456"/);
    assert.match(asked.out, /withRotation\(new Date\(\), 'quarter'\)/);
  });

  test('the audit log, and its going on', async () => {
    await ok(['kv', 'create', 'a', '-c', 'organization_id=org_1'], 'v');
    const lines = (await ok(['--json', 'events', '--event', 'vault.data.created', '--org', 'org_1'])).out
      .trim()
      .split('\n');
    assert.equal(lines.length, 1);
    assert.equal((JSON.parse(lines[0] ?? '') as { data: { kvName: string } }).data.kvName, 'a');
    assert.match((await ok(['events', '--limit', '1'])).out, /vault\.byok_key\.verification_completed/);
    assert.equal((await run(['events', '--event', 'nonsense'])).status, 2);
    const follow = spawn(process.execPath, [cli, 'events', '--follow', '--event', 'vault.data.created'], {
      cwd: folder,
      env,
    });
    let out = '';
    const two = new Promise<void>((resolve) =>
      follow.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (out.includes('kvName=a') && out.includes('kvName=b')) resolve();
      }),
    );
    await ok(['kv', 'create', 'b', '-c', 'organization_id=org_1'], 'v');
    await two;
    follow.kill('SIGINT');
  });

  test('doctor: all is well', async () => {
    writeFileSync(join(folder, 'package.json'), '{"dependencies": {"workos-vault-edge": "*"}}');
    writeFileSync(join(folder, 'pnpm-lock.yaml'), '');
    writeFileSync(join(folder, '.dev.vars'), `WORKOS_API_KEY=${emulator.apiKey}\n`);
    delete env.WORKOS_API_KEY;
    const missing = await run(['doctor', '--org', 'org_c', '--live-roundtrip']);
    assert.equal(missing.status, 1);
    assert.match(
      missing.out,
      /FAIL {2}package +in dependencies, but not installed \(pnpm, by pnpm-lock\.yaml\)\n +→ pnpm install/,
    );
    assert.match(missing.out, /PASS {2}WORKOS_API_KEY +well formed, from \.dev\.vars/);
    assert.match(missing.out, /PASS {2}customer key +the organization's own \(AWS_KMS\), verified/);
    for (const check of [
      'service',
      'key',
      'clock',
      'organization',
      'create',
      'read',
      'update',
      'lock',
      'delete',
    ])
      assert.match(missing.out, new RegExp(`PASS  ${check} `), check);
    assert.equal(emulator.objectCount, 0, 'it leaves nothing');
    rmSync(join(folder, 'package.json'));
    const report = await json<{ ok: boolean; checks: { outcome: string; check: string }[] }>([
      'doctor',
      '--org',
      'org_1',
    ]);
    assert.ok(report.ok);
    assert.deepEqual(report.checks.find(({ check }) => check === 'roundtrip')?.outcome, 'SKIP');
    rmSync(join(folder, '.dev.vars'));
  });

  test('doctor: what is wrong, with its cure', async () => {
    env.WORKOS_API_KEY = 'client_123';
    const wrongKey = await run(['doctor']);
    assert.equal(wrongKey.status, 1);
    assert.match(
      wrongKey.out,
      /FAIL {2}WORKOS_API_KEY +WORKOS_API_KEY|FAIL {2}WORKOS_API_KEY +apiKey: this is a client ID/,
    );
    env.WORKOS_API_KEY = 'sk_test_stranger';
    const stranger = await run(['doctor', '--org', 'org_1', '--live-roundtrip']);
    assert.match(
      stranger.out,
      /PASS {2}service[^\n]+\nFAIL {2}key +[^\n]*Unauthorized[^\n]*\n +→ Check that the API key/,
    );
    assert.doesNotMatch(stranger.out, /sk_test_stranger/);
    env.WORKOS_API_KEY = emulator.apiKey;
    assert.match(
      (await run(['doctor', '--org', 'org_no'])).out,
      /FAIL {2}organization +[^\n]*organization_id not found/,
    );
    emulator.setCustomerKeyAccess('org_c', false);
    const blocked = await run(['doctor', '--org', 'org_c']);
    assert.match(
      blocked.out,
      /FAIL {2}customer key +the organization's own \(AWS_KMS\); its last verification failed/,
    );
    env.WORKOS_API_URL = 'http://127.0.0.1:1';
    const down = await run(['doctor']);
    assert.equal(down.status, 1);
    assert.match(down.out, /FAIL {2}service +no answer/);
    assert.equal((await run(['kv', 'list'])).status, 3);
    delete env.WORKOS_API_URL;
    delete env.WORKOS_API_KEY;
    assert.match((await run(['doctor'])).out, /FAIL {2}WORKOS_API_KEY +not set/);
    assert.equal((await run(['kv', 'list'])).status, 2);

    // A clock that is off, and something in between that is not the service.
    const proxy = createServer((_, response) => {
      response.setHeader('date', 'Wed, 01 Jan 2020 00:00:00 GMT');
      response.end('<html>');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    env.WORKOS_API_KEY = emulator.apiKey;
    const off = await run([
      '--base-url',
      `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      'doctor',
    ]);
    assert.match(off.out, /FAIL {2}clock +\d+ s ahead of the service's\n +→ Set the clock by NTP/);
    assert.match(off.out, /FAIL {2}service +the answer is not what the API describes/);
    const page = await run([
      '--base-url',
      `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      'kv',
      'list',
    ]);
    assert.equal(page.status, 3);
    proxy.close();
  });

  test('doctor cleans up, also where its round trip is interrupted', async () => {
    emulator.setFaults([{ kind: 'latency', route: 'updateObject', delayMs: 60_000 }]);
    const doctor = spawn(process.execPath, [cli, 'doctor', '--live-roundtrip'], { cwd: folder, env });
    let out = '';
    const updating = new Promise<void>((resolve) =>
      doctor.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (/PASS {2}read/.test(out)) resolve();
      }),
    );
    await updating;
    assert.equal(emulator.objectCount, 1);
    doctor.kill('SIGINT');
    const status = await new Promise((resolve) => doctor.on('close', resolve));
    assert.equal(status, 1);
    assert.match(out, /PASS {2}clean-up/);
    assert.equal(emulator.objectCount, 0);
    // An answer that was lost on its way: the object is found by its name.
    emulator.setFaults([{ kind: 'reset', route: 'createObject', when: 'after' }]);
    const lost = await run(['doctor', '--live-roundtrip']);
    assert.equal(lost.status, 1);
    assert.match(lost.out, /PASS {2}clean-up/);
    assert.equal(emulator.objectCount, 0);
  });

  test('calls that are wrong end with 2 and say what there is', async () => {
    for (const args of [
      ['nonsense'],
      ['kv'],
      ['kv', 'nonsense'],
      ['kv', 'get'],
      ['kv', 'get', 'a', '--nonsense'],
      ['kv', 'create', 'a'],
      ['context'],
      ['kv', 'create', 'a', '-c', 'a=b', '--file', 'missing'],
    ]) {
      const ended = await run(args);
      assert.equal(ended.status, 2, args.join(' '));
      assert.match(ended.errors, /error: /, args.join(' '));
    }
    for (const args of [['kv', 'get'], ['nonsense'], ['kv', 'get', 'a', '--nonsense']]) {
      const ended = await run(['--json', ...args]);
      assert.equal(ended.status, 2);
      assert.ok((JSON.parse(ended.errors) as { error: { message: string } }).error.message, args.join(' '));
    }
    assert.equal((await run(['context', 'strategy', '--isolation', 'constructor'])).status, 2);
    for (const args of [['--help'], ['kv', '--help'], ['emulate', '--help'], ['--version']])
      assert.equal((await run(args)).status, 0);
    const manifest = JSON.parse(readFileSync(new URL('../pkg/package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.equal((await run(['--version'])).out.trim(), manifest.version);
  });

  test('emulate goes on when its reader goes away', async () => {
    const child = spawn(process.execPath, [cli, 'emulate', '--port', '0'], { cwd: folder, env });
    let out = '';
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (out.includes('Ready.')) resolve();
      }),
    );
    child.stdout.destroy();
    const url = /export WORKOS_API_URL=(\S+)/.exec(out)?.[1] ?? '';
    for (let count = 0; count < 20; count++)
      assert.equal(
        (await fetch(`${url}/vault/v1/kv`, { headers: { authorization: 'Bearer sk_test_emulator' } })).status,
        200,
      );
    child.kill('SIGTERM');
    assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
  });

  test('emulate: options, a seed in YAML, and what is wrong with them', async () => {
    const seed = join(folder, 'seed.yaml');
    writeFileSync(
      seed,
      'objects:\n  - name: seeded\n    value: from a file\n    context:\n      organization_id: org_1\n',
    );
    const child = spawn(
      process.execPath,
      [
        ...[
          cli,
          'emulate',
          '--port',
          '0',
          '--seed',
          seed,
          '--api-key',
          'sk_test_mine',
          '--byok',
          'org_2=GCP_KMS',
        ],
        ...['--faults', 'kind=status,status=503,route=createObject,next=1', '--rate-limit', '--cors'],
      ],
      { cwd: folder, env },
    );
    let out = '';
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (out.includes('Ready.')) resolve();
      }),
    );
    assert.match(out, /1 objects, API key sk_test_mine/);
    env.WORKOS_API_URL = /export WORKOS_API_URL=(\S+)/.exec(out)?.[1];
    env.WORKOS_API_KEY = /export WORKOS_API_KEY=(\S+)/.exec(out)?.[1];
    env.WORKOS_CLIENT_ID = /export WORKOS_CLIENT_ID=(\S+)/.exec(out)?.[1];
    assert.equal((await ok(['kv', 'get', '--by-name', 'seeded'])).out, 'from a file');
    await ok(['kv', 'create', 'again', '-c', 'organization_id=org_2'], 'v');
    child.kill('SIGINT');
    assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0);
    assert.match(out, /200 GET \/vault\/v1\/kv\/name\/seeded\n/);
    assert.match(out, /503 POST \/vault\/v1\/kv\n201 POST \/vault\/v1\/kv\n/);
    assert.match(out, /Stopped\.\n$/);

    const taken = Number(new URL(served.url).port);
    for (const [args, status, said] of [
      [['--port', '99999'], 2, /expected a whole number from 0 to 65535/],
      [['--port', String(taken)], 1, /port \d+ is taken/],
      [['--byok', 'org_1'], 2, /customerKeys\[0\]\.provider/],
      [['--faults', 'kind=gremlin'], 2, /faults\[0\]\.kind/],
      [['--faults', 'missing.json'], 2, /missing\.json: cannot be read/],
      [['--api-key', 'nonsense'], 2, /apiKeys\[0\]/],
      [['--seed', 'missing.yaml'], 2, /missing\.yaml: cannot be read/],
    ] as [string[], number, RegExp][]) {
      const ended = await run(['emulate', ...args]);
      assert.equal(ended.status, status, args.join(' '));
      assert.match(ended.errors, said);
    }
    writeFileSync(seed, 'objects:\n  - name: a\n    value: "TOP-SECRET\n');
    const broken = await run(['emulate', '--port', '0', '--seed', seed]);
    assert.equal(broken.status, 2);
    assert.match(broken.errors, /seed\.yaml: line \d: /);
    assert.doesNotMatch(broken.errors, /TOP-SECRET/);
    writeFileSync(seed, 'objects:\n  - name: ""\n    value: 5\n');
    const bad = await run(['emulate', '--port', '0', '--seed', seed]);
    assert.equal(bad.status, 2);
    assert.match(bad.errors, /objects\[0\]\.name: expected 1 to 200 characters, got none/);
  });
});
