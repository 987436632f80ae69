/** For tests of code that uses the Vault: a Vault of their own, assertions, and a watch over what must not leak. */

import { VaultClient, type VaultClientOptions, VaultError, type VaultErrorCode } from 'workos-vault-edge';
import { VaultEmulator, type VaultEmulatorOptions } from 'workos-vault-edge/emulator';

/** How a test's Vault is set up. */
export interface TestVaultOptions {
  /** Of the local Vault. */
  emulator?: VaultEmulatorOptions;
  /** Of the client. */
  client?: Partial<VaultClientOptions>;
}

/** A Vault for one test. */
export interface TestVault {
  /** A client of the local Vault. */
  vault: VaultClient;
  /** The local Vault: its clock, faults, customer keys, audit log. */
  emulator: VaultEmulator;
  /** What was sent, and whether anything leaked into it: see {@link LeakWatch}. */
  leaks: LeakWatch;
  /** Stops watching, and wipes the client's keys. For `using`. */
  [Symbol.dispose](): void;
}

/**
 * A local Vault and a client of it: `const { vault, emulator } = createTestVault()`. Nothing is shared between two of
 * them, and nothing leaves the process.
 */
export function createTestVault(options: TestVaultOptions = {}): TestVault {
  const emulator = new VaultEmulator(options.emulator);
  const leaks = new LeakWatch();
  leaks.secret(options.client?.apiKey ?? emulator.apiKey, 'the API key');
  const vault = new VaultClient({
    apiKey: emulator.apiKey,
    // A test that runs in a page holds no key but the local Vault's.
    dangerouslyAllowBrowser: true,
    ...options.client,
    fetch: leaks.watch(options.client?.fetch ?? emulator.fetch),
  });
  return {
    vault,
    emulator,
    leaks,
    [Symbol.dispose]() {
      leaks.stop();
      vault.close();
    },
  };
}

/** Where a secret was found. */
export interface Leak {
  /** `request 3 (POST /vault/v1/kv): body`, `console.log`, … */
  where: string;
  /** What was found, and how it was written; not the secret itself. */
  what: string;
}

/** A text in the forms in which it could stand in a request or a log. */
function forms(secret: string): [form: string, text: string][] {
  const bytes = new TextEncoder().encode(secret);
  let binary = '';
  let hexadecimal = '';
  for (const byte of bytes) {
    binary += String.fromCharCode(byte);
    hexadecimal += byte.toString(16).padStart(2, '0');
  }
  const found: [string, string][] = [
    ['as it is', secret],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(secret)],
    ['in hexadecimal', hexadecimal],
    ['in hexadecimal', hexadecimal.toUpperCase()],
  ];
  // Base64 of a text in the middle of another differs by where it begins; its ends share a letter with what is beside.
  for (const before of ['', 'x', 'xx']) {
    const from = before === '' ? 0 : before.length + 1;
    const text = btoa(before + binary).replace(/=+$/, '');
    const inside = text.slice(from, bytes.length + before.length > 3 ? -1 : undefined);
    if (inside.length >= 4) {
      found.push(['in base64', inside]);
      found.push(['in base64url', inside.replaceAll('+', '-').replaceAll('/', '_')]);
    }
  }
  return found;
}

/** Logging functions that are watched. */
const loggers = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
/** Shorter than this, a secret would be found by chance. */
const SECRET_MIN = 6;

/**
 * Watches requests and logs for what must stand in neither: the texts named by {@link secret}, and the data keys that
 * the Vault gives out, which it learns by itself. `createTestVault()` has one; for a client of your own:
 *
 * @example
 * ```ts
 * const leaks = new LeakWatch();
 * const vault = new VaultClient({ apiKey, fetch: leaks.watch(fetch) });
 * leaks.secret('123-45-6789');
 * // … the code under test …
 * leaks.assertNone();
 * ```
 */
export class LeakWatch {
  readonly #secrets = new Map<string, string>();
  readonly #seen: { where: string; text: string }[] = [];
  readonly #restore: (() => void)[] = [];
  #requests = 0;
  #stopped = false;

  constructor() {
    const target = globalThis.console as unknown as Record<string, unknown>;
    for (const name of loggers) {
      const log = target[name];
      if (typeof log !== 'function') continue;
      const watching = (...parts: unknown[]) => {
        if (!this.#stopped) this.#note(`console.${name}`, parts.map(shown).join(' '));
        return Reflect.apply(log, target, parts) as unknown;
      };
      target[name] = watching;
      this.#restore.push(() => {
        // Whoever replaced it since keeps what they put there.
        if (target[name] === watching) target[name] = log;
      });
    }
  }

  /** How many requests were sent so far. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Names a text that must not leave the process. @param name What to call it in messages.
   * @throws {RangeError} If it has fewer than 6 characters, which are found by chance.
   */
  secret(secret: string, name = 'a secret'): void {
    if (secret.length < SECRET_MIN)
      throw new RangeError(`secret: at least ${SECRET_MIN} characters, or it is found by chance`);
    this.#secrets.set(secret, name);
  }

  /** A `fetch` that notes what is sent through it, URL, headers but Authorization, and body, and passes it on. */
  watch(fetch: (url: string, init: RequestInit) => Promise<Response>) {
    return async (url: string, init: RequestInit = {}): Promise<Response> => {
      const { pathname, search } = new URL(url);
      const where = `request ${++this.#requests} (${init.method ?? 'GET'} ${route(pathname)})`;
      this.#note(`${where}: URL`, pathname + search);
      for (const [name, value] of new Headers(init.headers))
        if (name !== 'authorization') this.#note(`${where}: header ${name}`, value);
      // The client sends text; another's body is read from a copy.
      const body =
        typeof init.body === 'string' || init.body == null ? init.body : await new Response(init.body).text();
      if (typeof body === 'string') this.#note(`${where}: body`, body);
      const response = await fetch(url, { ...init, ...(typeof body === 'string' && { body }) });
      if (typeof response.clone === 'function') await this.#learn(response.clone());
      return response;
    };
  }

  /** Data keys in an answer are secrets from then on, as text and as bytes. */
  async #learn(answer: Response): Promise<void> {
    const text = await answer.text().catch(() => '');
    const key = /"data_key"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    if (key === undefined) return;
    this.#secrets.set(key, 'a data key');
    // As bytes, which loggers show one character each.
    if (/^[A-Za-z0-9+/]{43}=$/.test(key)) this.#secrets.set(atob(key), 'a data key');
  }

  #note(where: string, text: string): void {
    this.#seen.push({ where, text });
  }

  /** Where secrets were found. Empty where none was. */
  find(): Leak[] {
    const found: Leak[] = [];
    for (const [secret, name] of this.#secrets) {
      for (const { where, text } of this.#seen) {
        const form = forms(secret).find(([, written]) => text.includes(written));
        if (form) found.push({ where, what: `${name}, ${form[0]}` });
      }
    }
    return found;
  }

  /** @throws {Error} If a secret stood in a request or in a log, telling where and not what. */
  assertNone(): void {
    const found = this.find();
    if (found.length === 0) return;
    throw new Error(`leaked: ${found.map(({ where, what }) => `${where} holds ${what}`).join('; ')}`);
  }

  /** Gives the console back as it was. What was noted stays. */
  stop(): void {
    // A watch that began later may still hold on to this one's.
    this.#stopped = true;
    for (const restore of this.#restore.splice(0)) restore();
  }

  /** {@link stop}. */
  [Symbol.dispose](): void {
    this.stop();
  }
}

/** A path without the ID or name in it, which may be the secret. */
const route = (pathname: string) =>
  pathname
    .replace(/^(\/vault\/v1\/kv\/name\/).+/, '$1{name}')
    .replace(/^(\/vault\/v1\/kv\/)(?!name\/)[^/]+/, '$1{id}');

/** What a logger would show of a value, deeply enough to find a secret in it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error)
    return [value.stack, value.message, shown(value.cause ?? ''), json(value)].join('\n');
  if (value instanceof Uint8Array) return String.fromCharCode(...value.subarray(0, 65_536));
  return typeof value === 'object' && value !== null ? json(value) : String(value);
}

function json(value: object): string {
  const seen = new Set<object>();
  try {
    return JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'bigint') return String(part);
      if (typeof part !== 'object' || part === null) return part;
      if (seen.has(part)) return '';
      seen.add(part);
      if (part instanceof Map || part instanceof Set) return [...part];
      if (part instanceof Error)
        return {
          text: `${part.stack}\n${part.message}`,
          cause: part.cause,
          errors: 'errors' in part ? part.errors : undefined,
          ...part,
        };
      return part instanceof Uint8Array ? shown(part) : part;
    });
  } catch {
    return String(value);
  }
}

/** @throws {Error} If it is not a {@link VaultError} of this code. @returns It. For node:test, and any runner. */
export function assertVaultError(error: unknown, code: VaultErrorCode): VaultError {
  if (!(error instanceof VaultError)) throw new Error(`expected a VaultError ${code}, got ${String(error)}`);
  if (error.code !== code)
    throw new Error(`expected a VaultError ${code}, got ${error.code}: ${error.message}`, { cause: error });
  return error;
}

/** @throws {Error} If it does not reject with a {@link VaultError} of this code. @returns The error. */
export async function rejectsWith(code: VaultErrorCode, call: Promise<unknown>): Promise<VaultError> {
  const failed: unknown = await call.then(
    () => undefined,
    (error: unknown) => error ?? new Error('rejected with nothing'),
  );
  if (failed === undefined) throw new Error(`expected a VaultError ${code}, but the call succeeded`);
  return assertVaultError(failed, code);
}

/** What a matcher answers. */
export interface MatcherResult {
  /** Whether it matches. */
  pass: boolean;
  /** Why not; where it is negated, why it does. */
  message: () => string;
}

/**
 * The types of {@link vaultMatchers}, for vitest:
 * `declare module 'vitest' { interface Matchers<T> extends VaultMatchers<T> {} }`.
 */
export interface VaultMatchers<R = unknown> {
  /** A {@link VaultError}, of this code where one is given. */
  toBeVaultError(code?: VaultErrorCode): R;
  /** A {@link LeakWatch} that found nothing. */
  toHaveNoLeaks(): R;
}

/**
 * Matchers for vitest and Jest: `expect.extend(vaultMatchers)`, then
 * `await expect(vault.readObject({ id })).rejects.toBeVaultError('not_found')` and `expect(leaks).toHaveNoLeaks()`.
 */
export const vaultMatchers = {
  /** A {@link VaultError}, of this code where one is given. */
  toBeVaultError(received: unknown, code?: VaultErrorCode): MatcherResult {
    const is = received instanceof VaultError;
    const pass = is && (code === undefined || received.code === code);
    const got = is ? `VaultError ${received.code}: ${received.message}` : String(received);
    return {
      pass,
      message: () =>
        `expected ${pass ? 'anything but ' : ''}a VaultError${code ? ` ${code}` : ''}, got ${got}`,
    };
  },
  /** A {@link LeakWatch} that found nothing. */
  toHaveNoLeaks(received: LeakWatch): MatcherResult {
    const found = received.find();
    return {
      pass: found.length === 0,
      message: () =>
        found.length === 0
          ? 'expected a leak, and there is none'
          : `leaked: ${found.map(({ where, what }) => `${where} holds ${what}`).join('; ')}`,
    };
  },
};
