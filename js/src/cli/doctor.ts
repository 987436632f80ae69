/** `workos-vault doctor`: what has to be right, checked line by line. */

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { explain, VaultClient, VaultError } from 'workos-vault-edge';
import colors from './colors.js';
import { type Common, exit } from './io.js';
import { environment, variables } from './settings.js';

const PACKAGE = 'workos-vault-edge';
/** More than this and time stamps, ranges and Retry-After dates go wrong. */
const SKEW_MAX_MS = 30_000;

type Outcome = 'PASS' | 'FAIL' | 'SKIP';

interface Line {
  outcome: Outcome;
  check: string;
  detail: string;
  cure?: string;
}

interface Options extends Common {
  org?: string;
  liveRoundtrip?: boolean;
}

/** Lock files, the package manager that each belongs to, and how it installs. */
const managers: [string, string, string][] = [
  ['bun.lock', 'bun', 'bun add'],
  ['bun.lockb', 'bun', 'bun add'],
  ['pnpm-lock.yaml', 'pnpm', 'pnpm add'],
  ['yarn.lock', 'yarn', 'yarn add'],
  ['deno.lock', 'deno', 'deno add npm:'],
  ['package-lock.json', 'npm', 'npm install'],
  ['npm-shrinkwrap.json', 'npm', 'npm install'],
];

class Report {
  readonly lines: Line[] = [];
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  add(outcome: Outcome, check: string, detail: string, cure?: string): void {
    const line: Line = { outcome, check, detail, ...(cure === undefined ? {} : { cure }) };
    this.lines.push(line);
    if (this.#json) return;
    const color = { PASS: colors.green, FAIL: colors.red, SKIP: colors.yellow }[outcome];
    process.stdout.write(`${color(outcome)}  ${check.padEnd(18)} ${detail}\n`);
    if (cure !== undefined) process.stdout.write(`                         ${colors.dim('→')} ${cure}\n`);
  }

  failed(check: string, error: unknown): void {
    if (error instanceof VaultError) this.add('FAIL', check, error.message, error.recovery);
    else this.add('FAIL', check, error instanceof Error ? error.message : String(error));
  }
}

function checkVariables(report: Report, options: Options): void {
  const found = variables();
  const key = found.WORKOS_API_KEY;
  if (key === undefined) {
    report.add(
      'FAIL',
      'WORKOS_API_KEY',
      'not set in the environment, .env or .dev.vars',
      "Set it to a secret key from the dashboard's API Keys page; for the emulator: sk_test_emulator.",
    );
  } else {
    try {
      new VaultClient({ apiKey: key.value });
      report.add('PASS', 'WORKOS_API_KEY', `well formed, from ${key.from}`);
    } catch (error) {
      report.failed('WORKOS_API_KEY', error);
    }
  }
  const id = found.WORKOS_CLIENT_ID;
  if (id === undefined) {
    report.add('SKIP', 'WORKOS_CLIENT_ID', 'not set; Vault does not need it');
  } else {
    try {
      new VaultClient({ apiKey: 'sk_test_doctor', clientId: id.value });
      report.add('PASS', 'WORKOS_CLIENT_ID', `well formed, from ${id.from}`);
    } catch (error) {
      report.failed('WORKOS_CLIENT_ID', error);
    }
  }
  const url =
    options.baseUrl === undefined ? found.WORKOS_API_URL : { value: options.baseUrl, from: '--base-url' };
  if (url === undefined) {
    report.add('PASS', 'WORKOS_API_URL', 'not set: https://api.workos.com');
    return;
  }
  try {
    new VaultClient({ apiKey: 'sk_test_doctor', baseUrl: url.value });
    report.add('PASS', 'WORKOS_API_URL', `${url.value}, from ${url.from}`);
  } catch (error) {
    report.failed('WORKOS_API_URL', error);
  }
}

function checkPackage(report: Report): void {
  const lock = managers.find(([file]) => existsSync(file));
  const [, manager, install] = lock ?? ['', 'npm', 'npm install'];
  const command = install.endsWith(':') ? `${install}${PACKAGE}` : `${install} ${PACKAGE}`;
  const because = lock === undefined ? 'no lock file: npm is assumed' : `${manager}, by ${lock[0]}`;
  try {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const wanted = ['dependencies', 'devDependencies', 'optionalDependencies'].find(
      (field) => manifest[field]?.[PACKAGE] !== undefined,
    );
    const installed = join('node_modules', PACKAGE, 'package.json');
    if (wanted === undefined) {
      report.add('FAIL', 'package', `${PACKAGE} is not in package.json (${because})`, command);
    } else if (manager !== 'deno' && !existsSync(installed)) {
      report.add(
        'FAIL',
        'package',
        `in ${wanted}, but not installed (${because})`,
        `${install.split(' ')[0]} install`,
      );
    } else {
      report.add('PASS', 'package', `in ${wanted} (${because})`);
    }
  } catch {
    report.add('SKIP', 'package', 'there is no package.json here', `In the project's folder: ${command}`);
  }
  try {
    explain({ organization_id: 'org_1' });
    report.add('PASS', 'module', `WebAssembly loads and runs in Node ${process.versions.node}`);
  } catch (error) {
    report.failed('module', error);
  }
}

/** Whether an error is the service's own answer: then it can be reached. */
const answered = (error: unknown): error is VaultError =>
  error instanceof VaultError && error.status !== undefined && error.code !== 'malformed_response';

async function checkService(report: Report, options: Options): Promise<VaultClient | undefined> {
  let date: string | null = null;
  let vault: VaultClient;
  try {
    vault = VaultClient.fromEnv(environment(options), {
      maxRetries: 1,
      timeoutMs: 15_000,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        date = response.headers.get('date');
        return response;
      },
    });
  } catch {
    for (const check of ['service', 'key', 'clock', 'organization', 'customer key'])
      report.add('SKIP', check, 'the variables above have to be right first');
    return undefined;
  }
  let accepted = true;
  try {
    await vault.listObjects({ limit: 1 });
    report.add('PASS', 'service', 'it answers');
    report.add('PASS', 'key', 'accepted');
  } catch (error) {
    accepted = false;
    if (answered(error)) {
      report.add('PASS', 'service', 'it answers');
      report.failed('key', error);
    } else {
      report.failed('service', error);
      report.add('SKIP', 'key', 'the service has to be reached first');
    }
  }
  if (date === null) {
    report.add('SKIP', 'clock', 'the answer had no date');
  } else {
    const ahead = Date.now() - Date.parse(date);
    // The header has whole seconds.
    const seconds = Math.round(Math.abs(ahead) / 1000);
    if (Math.abs(ahead) > SKEW_MAX_MS)
      report.add(
        'FAIL',
        'clock',
        `${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} the service's`,
        'Set the clock by NTP.',
      );
    else report.add('PASS', 'clock', `within ${seconds + 1} s of the service's`);
  }
  if (options.org === undefined) {
    report.add('SKIP', 'organization', 'none named', '--org org_… checks one');
    report.add('SKIP', 'customer key', 'no organization named');
  } else if (!accepted) {
    report.add('SKIP', 'organization', 'the key has to be accepted first');
    report.add('SKIP', 'customer key', 'the key has to be accepted first');
  } else {
    await checkOrganization(report, vault, options.org);
  }
  return accepted ? vault : undefined;
}

async function checkOrganization(report: Report, vault: VaultClient, org: string): Promise<void> {
  const context = { organization_id: org };
  const lint = explain(context).lints[0];
  try {
    await vault.createDataKey({ context });
    report.add(
      'PASS',
      'organization',
      lint === undefined ? `${org} is accepted` : `${org} is accepted; ${lint.message}`,
    );
  } catch (error) {
    report.failed('organization', error);
    if (!(error instanceof VaultError && error.code === 'customer_key_inaccessible')) {
      report.add('SKIP', 'customer key', 'the organization has to be accepted first');
      return;
    }
  }
  try {
    const { data } = await vault.listEvents({
      events: ['vault.byok_key.verification_completed', 'vault.byok_key.deleted'],
      organizationId: org,
      order: 'desc',
      limit: 1,
    });
    const last = data[0];
    if (last === undefined || last.event === 'vault.byok_key.deleted') {
      report.add('PASS', 'customer key', "none in the audit log: WorkOS's keys are used");
    } else if (last.data.verified) {
      report.add('PASS', 'customer key', `the organization's own (${last.data.keyProvider}), verified`);
    } else {
      report.add(
        'FAIL',
        'customer key',
        `the organization's own (${last.data.keyProvider}); its last verification failed`,
        "Check the key's policy and region in their cloud account; IAM changes take up to 60 s to spread.",
      );
    }
  } catch (error) {
    report.failed('customer key', error);
  }
}

async function roundTrip(report: Report, vault: VaultClient, options: Options): Promise<void> {
  const name = `workos-vault-doctor-${randomUUID()}`;
  const context = options.org === undefined ? { doctor: 'roundtrip' } : { organization_id: options.org };
  const interrupted = new AbortController();
  const stop = () => interrupted.abort(new Error('interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const { signal } = interrupted;
  let id: string | undefined;
  try {
    const value = randomUUID();
    const created = await vault.createObject({ name, value, context }, { signal });
    id = created.id;
    report.add('PASS', 'create', name);
    const read = await vault.readObject({ id }, { signal });
    if (read.value !== value) throw new Error('what was read is not what was written');
    report.add('PASS', 'read', `under key ${read.metadata.keyId}`);
    const updated = await vault.updateObject(
      { id, value: `${value}!`, versionCheck: created.versionId },
      { signal },
    );
    report.add('PASS', 'update', 'under a lock on its version');
    try {
      await vault.updateObject({ id, value: 'lost', versionCheck: created.versionId }, { signal });
      report.add('FAIL', 'lock', 'a write with an old version was taken');
    } catch (error) {
      if (!(error instanceof VaultError && error.code === 'version_mismatch')) throw error;
      report.add('PASS', 'lock', 'a write with the old version is refused');
    }
    await vault.deleteObject({ id, versionCheck: updated.metadata.versionId }, { signal });
    id = undefined;
    report.add('PASS', 'delete', 'it is gone');
  } catch (error) {
    report.failed('roundtrip', error);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    await cleanUp(report, vault, name, id);
  }
}

/** Deletes what the round trip left, also where its creation was cut off before the answer. */
async function cleanUp(
  report: Report,
  vault: VaultClient,
  name: string,
  id: string | undefined,
): Promise<void> {
  if (id === undefined && !report.lines.some(({ outcome }) => outcome === 'FAIL')) return;
  try {
    const left = id ?? (await vault.readObjectByName({ name })).id;
    await vault.deleteObject({ id: left });
    report.add('PASS', 'clean-up', 'the object of the round trip is deleted');
  } catch (error) {
    if (error instanceof VaultError && error.code === 'not_found') return;
    report.add('FAIL', 'clean-up', `${name} may still be there`, `workos-vault kv delete --by-name ${name}`);
  }
}

/** Adds the command. */
export function doctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'check settings, package, service, key, organization and clock; ends with 1 if a check fails',
    )
    .option('--org <id>', 'an organization to check a context with')
    .option('--live-roundtrip', 'create, read, update, lock and delete one object')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const report = new Report(options.json === true);
      checkVariables(report, options);
      checkPackage(report);
      const vault = await checkService(report, options);
      if (!options.liveRoundtrip)
        report.add('SKIP', 'roundtrip', 'not asked for', '--live-roundtrip does one');
      else if (vault === undefined) report.add('SKIP', 'roundtrip', 'the key has to be accepted first');
      else await roundTrip(report, vault, options);
      const failed = report.lines.filter(({ outcome }) => outcome === 'FAIL').length;
      if (options.json)
        process.stdout.write(`${JSON.stringify({ ok: failed === 0, checks: report.lines })}\n`);
      else
        process.stdout.write(
          failed === 0
            ? colors.green('\nAll is well.\n')
            : colors.red(`\n${failed} of ${report.lines.length} checks failed.\n`),
        );
      if (failed > 0) process.exitCode = exit.failed;
    });
}
