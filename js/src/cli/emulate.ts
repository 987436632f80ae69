/** `workos-vault emulate`: the local Vault as a server. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type CustomerKey,
  type Fault,
  type Seed,
  VaultEmulator,
  type VaultEmulatorOptions,
} from 'workos-vault-edge/emulator';
import { serve } from 'workos-vault-edge/emulator/server';
import { parse as parseYaml } from 'yaml';
import colors from './colors.js';
import { type Common, collect, exit, Stop } from './io.js';

interface Options extends Common {
  port: string;
  host: string;
  apiKey?: string[];
  state?: string;
  seed?: string;
  byok?: string[];
  byokDelay?: string;
  org?: string[];
  faults?: string[];
  faultSeed?: string;
  recoveryPeriod?: string;
  rateLimit?: boolean;
  cors?: boolean;
  quiet?: boolean;
}

/** A file of JSON or YAML, which JSON is too. */
function document(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Stop(`${file}: cannot be read: ${(error as Error).message}`);
  }
  try {
    // Without the lines that are wrong: there may be a secret in them.
    return parseYaml(text, { prettyErrors: false });
  } catch (error) {
    const at = (error as { pos?: [number, number] }).pos?.[0] ?? 0;
    const line = text.slice(0, at).split('\n').length;
    throw new Stop(`${file}: line ${line}: ${(error as Error).message}`);
  }
}

/** Makes the objects of a seed. */
function sow(emulator: VaultEmulator, seed: Seed): void {
  try {
    emulator.seed(seed);
  } catch (error) {
    throw new Stop((error as Error).message);
  }
}

/** `org_1=AWS_KMS`. */
function customerKey(text: string): CustomerKey {
  const [organizationId, provider] = text.split('=');
  return { organizationId, provider } as CustomerKey;
}

/** A file of rules, or one in words: `kind=status,status=503,every=3`. */
function faultsOf(text: string): Fault[] {
  if (!text.includes('=')) {
    const found = document(text) as Fault[] | { faults?: Fault[] };
    return Array.isArray(found) ? found : (found?.faults ?? (found as unknown as Fault[]));
  }
  const words = text.split(',').map((word) => {
    const at = word.indexOf('=');
    const [name, value] = [word.slice(0, at), word.slice(at + 1)];
    return [name, value !== '' && Number.isFinite(Number(value)) ? Number(value) : value] as const;
  });
  return [Object.fromEntries(words) as unknown as Fault];
}

/** A number that was given as text; what is none is the emulator's to refuse. */
const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

/** Whether a server runs: it outlives whoever reads what it says. */
export const serving = { now: false };

/** Adds the command. */
export function emulate(program: Command): void {
  program
    .command('emulate')
    .description('serve a Vault on this machine: no account, no network')
    .option('--port <port>', '0 for one that is free', '4180')
    .option('--host <host>', 'the address to listen on', '127.0.0.1')
    .option('--api-key <key>', 'an accepted API key; can be repeated (sk_test_emulator)', collect)
    .option(
      '--state <file>',
      'keep the state in a file; encrypted under WORKOS_VAULT_STATE_KEY (32 bytes, base64) where that is set',
    )
    .option('--seed <file>', 'objects to start with, JSON or YAML; not where the state is there already')
    .option('--org <id>', 'an organization that exists, the only ones then; can be repeated', collect)
    .option('--byok <org=provider>', 'a customer key: org_1=AWS_KMS, GCP_KMS or AZURE_KEY_VAULT', collect)
    .option('--byok-delay <ms>', 'how long access to a customer key takes to spread')
    .option('--recovery-period <ms>', "how long a deleted object's name stays taken")
    .option('--faults <rule>', 'what goes wrong: kind=status,status=503,every=3, or a file of rules', collect)
    .option('--fault-seed <n>', 'makes the chance in faults repeat')
    .option('--rate-limit', "the service's 6,000 requests a minute")
    .option('--cors', 'pages of any origin may call it')
    .option('--quiet', 'do not show requests')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const port = Number(options.port);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new Stop('--port: expected a whole number from 0 to 65535');
      const settings: Record<string, unknown> = {
        apiKeys: options.apiKey,
        organizations: options.org,
        customerKeys: options.byok?.map(customerKey),
        customerKeyDelayMs: number(options.byokDelay),
        recoveryPeriodMs: number(options.recoveryPeriod),
        faults: options.faults?.flatMap(faultsOf),
        faultSeed: number(options.faultSeed),
        rateLimit: options.rateLimit,
        cors: options.cors,
      };
      const seed = options.seed === undefined ? undefined : (document(options.seed) as Seed);
      let emulator: VaultEmulator;
      try {
        emulator = new VaultEmulator(settings as VaultEmulatorOptions);
      } catch (error) {
        throw new Stop((error as Error).message);
      }
      const stateKey = process.env.WORKOS_VAULT_STATE_KEY;
      if (options.state !== undefined && stateKey === '')
        throw new Stop('WORKOS_VAULT_STATE_KEY is set, but empty: set it to a key, or do not set it');
      const served = await serve(emulator, {
        port,
        host: options.host,
        ...(options.state === undefined ? {} : { state: options.state }),
        ...(options.state !== undefined && stateKey !== undefined ? { stateKey } : {}),
        ...(seed === undefined ? {} : { seed: () => sow(emulator, seed) }),
        ...(options.quiet || options.json
          ? {}
          : {
              onRequest: (method, target, status) => {
                // Whoever does not read as fast does not fill the memory.
                if (process.stdout.writableNeedDrain) return;
                const color = status < 400 ? colors.green : status < 500 ? colors.yellow : colors.red;
                process.stdout.write(`${color(String(status))} ${method} ${target}\n`);
              },
            }),
      }).catch((error: NodeJS.ErrnoException) => {
        if (error instanceof Stop || error instanceof RangeError)
          throw error instanceof Stop ? error : new Stop(error.message);
        throw new Stop(
          error.code === 'EADDRINUSE'
            ? `port ${port} is taken; give another with --port, or 0 for one that is free`
            : error.message,
          exit.failed,
        );
      });

      serving.now = true;
      const { url } = served;
      const { apiKey } = emulator;
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify({ ready: true, url, apiKey, objects: emulator.objectCount })}\n`,
        );
      } else {
        const open = stateKey === undefined;
        const lines = [
          `${colors.bold('WorkOS Vault, emulated')}  ${url}`,
          `${emulator.objectCount} objects, API key ${apiKey}`,
          ...(options.state === undefined
            ? [colors.dim('The state is in memory: it is gone when this ends. --state keeps it.')]
            : [`The state is kept in ${options.state}${open ? colors.yellow(' (NOT ENCRYPTED)') : ''}`]),
          '',
          'Point an app at it:',
          `  export WORKOS_API_URL=${url}`,
          `  export WORKOS_API_KEY=${apiKey}`,
          '  export WORKOS_CLIENT_ID=client_emulator',
          '',
          'Ready. Ctrl-C ends it.',
        ];
        process.stdout.write(`${lines.join('\n')}\n`);
      }

      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      await served.close();
      if (!options.json) process.stdout.write('\nStopped.\n');
    });
}
