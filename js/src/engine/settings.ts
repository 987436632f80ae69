// What a client is set up with, from the constructor's options.
import { failed, type Problem, refused, version } from '../errors.js';
import type { VaultClientOptions } from '../types.js';
import { type Cipher, isProvided } from './cipher.js';
import type { Bounds } from './data-keys.js';
import {
  collecting,
  entries,
  expected,
  isAbsent,
  isMap,
  read,
  required,
  unknownNames,
  whole,
} from './kinds.js';
import { TIMEOUT_MAX_MS } from './requests.js';
import { Retries } from './retries.js';
import { isWellFormed } from './runtime.js';
import type { Settings } from './transport.js';

/** What was made of the constructor's options. */
export interface ClientSettings extends Settings {
  cipher: Cipher;
  bounds: Bounds | undefined;
}

/** How long a call may take where nobody says, as in the official SDK. */
export const TIMEOUT_DEFAULT_MS = 60_000;
const RETRIES_MAX = 10;
const DEFAULT_BASE_URL = 'https://api.workos.com';

/** The options there are. */
const NAMES: readonly (keyof VaultClientOptions)[] = [
  'apiKey',
  'clientId',
  'baseUrl',
  'fetch',
  'timeoutMs',
  'attemptTimeoutMs',
  'maxRetries',
  'retryInaccessibleKeyAfterMs',
  'onRequest',
  'onResponse',
  'onRetry',
  'headers',
  'cipher',
  'dataKeyCache',
  'dangerouslyAllowBrowser',
];

/** What is wrong with an API key; no message shows any of it. */
function keyProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.trim() !== text) return 'it has spaces or line breaks at its ends; remove them';
  if (text.startsWith('client_')) return 'this is a client ID; an API key starts with sk_';
  if (text.startsWith('pk_'))
    return 'this is a publishable key; Vault needs a secret key, which starts with sk_';
  if (!text.startsWith('sk_')) return 'a secret API key starts with sk_';
  return /^[\w-]{8,}$/.test(text) ? undefined : 'it is cut off or has characters that no API key has';
}

function clientIdProblem(text: string): string | undefined {
  if (/^client_\w+$/.test(text)) return undefined;
  return text.startsWith('sk_')
    ? 'this is an API key; a client ID starts with client_'
    : 'a client ID starts with client_, followed by letters and digits';
}

/** This machine, by name and by 127.0.0.0/8 in four parts, none of them with a zero in front, which some parsers take for
 * octal. */
const LOOPBACK = /^((.+\.)?localhost|\[::1\]|127(\.(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])){3})$/;

/**
 * Where the API is, or what is wrong with it: `https`, or `http` on this machine; host, port and path prefix only. Stricter
 * than a URL parser on purpose: a host is letters, digits, dots and dashes (or an IPv6 address in brackets), so no spelling
 * of another host slips through.
 */
export function baseUrlOf(text: string): { url: string } | { problem: string } {
  const [scheme = ''] = /^https?:\/\//i.exec(text) ?? [];
  if (scheme === '') return { problem: 'expected an absolute URL that starts with https://' };
  if (/[?#]/.test(text)) return { problem: 'a base URL has no query and no fragment' };
  const [, authority = '', path = ''] = /^([^/]*)(.*)$/s.exec(text.slice(scheme.length)) ?? [];
  if (authority.includes('@')) return { problem: 'a base URL has no user name and password' };
  // Whether what is in brackets makes an address the runtime's URL parser says.
  const [, host, port = '1'] = /^(\[[\da-f.]*:[\da-f:.]*\]|[\da-z.-]+)(?::(\d+))?$/i.exec(authority) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 0xffff)
    return { problem: 'expected a host name, and a port from 1 to 65535 at most' };
  const isSecure = scheme.length === 'https://'.length;
  if (!isSecure && !LOOPBACK.test(host.toLowerCase()))
    return {
      problem:
        'plain http would send the API key in the clear; use https (http only to localhost, 127.0.0.0/8 and [::1])',
    };
  if (!/^[\w/.~-]*$/.test(path) || /\/\.\.?(\/|$)/.test(path))
    return { problem: 'its path may hold letters, digits, -, _ and ~ only' };
  const url = (isSecure ? 'https://' : 'http://') + authority + path.replace(/\/+$/, '');
  return isUrl(url) ? { url } : { problem: 'there is no such host' };
}

/** Headers that the client sets itself. */
const RESERVED = /^(accept|authorization|content-type|idempotency-key|host|content-length)$/i;

/** What is wrong with a header that the caller adds to every request. */
function headerProblem(name: string, value: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return "a header's name may hold letters, digits and - only";
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    return "a header's value cannot hold line breaks, control characters or characters beyond Latin-1";
  return RESERVED.test(name) ? 'the client sets this header itself' : undefined;
}

/**
 * The settings that options make; every problem is told at once.
 * @param fields The variables that options were read from, under whose names problems are told then.
 */
export function settingsOf(
  options: unknown,
  { isBrowser, fields }: { isBrowser: boolean; fields: Partial<Record<string, string>> | undefined },
): ClientSettings {
  if (!isMap(options))
    throw failed('invalid_config', expected('an object like { apiKey }', options), 'options');
  const [problems, found] = collecting();
  const called = (name: string) => fields?.[name] ?? name;
  /** A string that may be absent. */
  const text = (name: string) => {
    const value = read(options, name);
    if (isAbsent(value)) return undefined;
    if (typeof value === 'string' && isWellFormed(value)) return value;
    found(called(name), expected('a string', value, true));
    return undefined;
  };
  const functionOf = <T>(name: string) => {
    const value = read(options, name);
    if (!isAbsent(value) && typeof value !== 'function') found(name, expected('a function', value));
    return value as T | undefined;
  };
  const number = (name: string, low: number, high: number) =>
    whole(read(options, name), name, low, high, found);

  const key = text('apiKey');
  const wrongKey = key === undefined ? undefined : keyProblem(key);
  if (isAbsent(read(options, 'apiKey'))) found(called('apiKey'), 'it is not set');
  else if (wrongKey !== undefined) found(called('apiKey'), wrongKey);
  const code = problems.length > 0 ? 'invalid_api_key' : 'invalid_config';
  problems.push(...unknownNames(options, NAMES));
  const cache = read(options, 'dataKeyCache');
  const bounds = isAbsent(cache) ? undefined : boundsOf(cache, 'dataKeyCache', problems);
  const clientId = text('clientId');
  const wrongId = clientId === undefined ? undefined : clientIdProblem(clientId);
  if (wrongId !== undefined) found(called('clientId'), wrongId);
  const givenUrl = text('baseUrl');
  const baseUrl = givenUrl === undefined ? { url: DEFAULT_BASE_URL } : baseUrlOf(givenUrl);
  if ('problem' in baseUrl) found(called('baseUrl'), baseUrl.problem);
  const settings = {
    baseUrl: 'url' in baseUrl ? baseUrl.url : '',
    fetch: functionOf<typeof fetch>('fetch'),
    timeoutMs: number('timeoutMs', 1, TIMEOUT_MAX_MS) ?? TIMEOUT_DEFAULT_MS,
    attemptTimeoutMs: number('attemptTimeoutMs', 1, TIMEOUT_MAX_MS),
    onRequest: functionOf<Settings['onRequest']>('onRequest'),
    onResponse: functionOf<Settings['onResponse']>('onResponse'),
    onRetry: functionOf<Settings['onRetry']>('onRetry'),
    bounds,
  };
  const wait = number('retryInaccessibleKeyAfterMs', 1, TIMEOUT_MAX_MS);
  const retries = new Retries(number('maxRetries', 0, RETRIES_MAX), wait);
  const cipher = (read(options, 'cipher') ?? 'auto') as Cipher;
  if (cipher !== 'auto' && cipher !== 'webcrypto' && cipher !== 'wasm')
    found('cipher', 'expected "auto", "webcrypto" or "wasm"');
  else if (cipher === 'wasm' && !isProvided())
    found('cipher', 'here "wasm" is not there by itself: import \'workos-vault-edge/cipher\' as well');
  const bare = headersOf(read(options, 'headers'), isBrowser, problems);
  if (problems.length > 0 || key === undefined) throw refused(code, problems);
  bare.Authorization = `Bearer ${key}`;
  const json = { ...bare, 'Content-Type': 'application/json' };
  const headers = { bare, json, keyed: { ...json, 'Idempotency-Key': '' } };
  return { ...settings, key, cipher, retries, headers };
}

function isUrl(text: string): boolean {
  try {
    new URL(text);
    return true;
  } catch {
    return false;
  }
}

/** The headers of every request: ours, and the caller's. */
function headersOf(given: unknown, isBrowser: boolean, problems: Problem[]): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  const [, found] = collecting(problems);
  const pairs = isAbsent(given) ? [] : entries(given);
  if (pairs === undefined) {
    const what = 'a plain object of strings';
    found('headers', isMap(given) ? `expected ${what} that can be read` : expected(what, given));
    return headers;
  }
  const seen = new Set<string>();
  for (const [name, value] of pairs) {
    const field = `headers.${name}`;
    if (typeof value !== 'string' || !isWellFormed(value)) {
      found(field, expected('a string', value));
      continue;
    }
    const lower = name.toLowerCase();
    if (seen.has(lower)) found(field, 'this header stands twice; names do not differ by case');
    seen.add(lower);
    const problem = headerProblem(name, value);
    if (problem === undefined) headers[name] = value;
    else found(field, problem);
  }
  // In a page this would be a header that the service's CORS rules must allow.
  if (!isBrowser && !seen.has('user-agent')) headers['User-Agent'] = `workos-vault-edge/${version}`;
  return headers;
}

/** Longest life of a data key here, in milliseconds: a day. */
const AGE_MAX_MS = 24 * 60 * 60 * 1000;
/** Most messages under one key: with random nonces AES-GCM allows no more (NIST SP 800-38D, section 8.3). */
const MESSAGES_MAX = 2 ** 32;
/** Most bytes under one key: a tebibyte, far below where AES-GCM's blocks start to matter. */
const BYTES_MAX = 2 ** 40;
/** Most keys that are kept for decryption, and most contexts. */
const KEPT_MAX = 10_000;
const KEPT_DEFAULT = 100;

/**
 * What data keys may be used for: of a keyring, which has a context, or at `path` of a client's cache, which has many. A
 * bound is not a tuning knob but a promise: how much is lost with one key, and how long after a key was taken away its
 * data can still be written here.
 */
export function boundsOf(options: unknown, path: string, problems: Problem[]): Bounds | undefined {
  const [, found] = collecting(problems);
  if (!isMap(options)) {
    found(path || 'options', expected('an object', options));
    return undefined;
  }
  const within = path === '' ? '' : `${path}.`;
  const bound = (name: string, high: number) =>
    required(read(options, name), within + name, 1, high, found) as number;
  const kept = (name: string, low: number) =>
    whole(read(options, name), within + name, low, KEPT_MAX, found) ?? KEPT_DEFAULT;
  const own = path === '' ? 'context' : 'maxContexts';
  problems.push(
    ...unknownNames(options, ['maxAgeMs', 'maxMessages', 'maxBytes', 'maxDecryptKeys', own], within),
  );
  return {
    maxAgeMs: bound('maxAgeMs', AGE_MAX_MS),
    maxMessages: bound('maxMessages', MESSAGES_MAX),
    maxBytes: bound('maxBytes', BYTES_MAX),
    maxOpened: kept('maxDecryptKeys', 0),
    maxContexts: path === '' ? 1 : kept('maxContexts', 1),
  };
}
