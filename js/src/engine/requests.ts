// Requests, as core makes them of what a caller gave; and the options that go with every call.
import { answer } from '../../wasm/client/client.js';
import { failed, guarded, type Problem, refused, type VaultErrorCode } from '../errors.js';
import { BYTES_PREFIX, toBase64 } from './base64.js';
import type { Asked } from './call.js';
import { flat, flatOptions } from './flat.js';
import { collecting, expected, isAbsent, isMap, read, unknownNames, whole, wrong } from './kinds.js';
import { copyOf, isBytes, isWellFormed } from './runtime.js';
import { CHUNK_DEFAULT, CHUNK_MAX, CHUNK_MIN } from './stream-format.js';

/** A request, complete but for the base URL and the headers that the client adds. */
export interface Request {
  /** One of {@link OPERATION}. */
  operation: number;
  /** The HTTP method. */
  method: 'DELETE' | 'GET' | 'POST' | 'PUT';
  /** The path with `{id}` and `{name}` for what differs from object to object. */
  route: string;
  /** The path with its query, percent-encoded. */
  target: string;
  /** JSON, where there is a body. */
  body: string | undefined;
  /** The value in it, where there is one. */
  value: string | undefined;
  /** Whether sending it twice ends in the same state as sending it once. */
  repeatable: boolean;
  /** Whether the object's value is to be returned as bytes. */
  bytes: boolean;
  /** Of a data key: a text that equal contexts share. */
  contextKey: string;
}

/** The operations by their places in core's `Operation::ALL`. */
export const OPERATION = {
  createObject: 0,
  listObjects: 1,
  readObject: 2,
  readObjectByName: 3,
  describeObject: 4,
  listObjectVersions: 5,
  updateObject: 6,
  deleteObject: 7,
  createDataKey: 8,
  decryptDataKey: 9,
  createRekey: 10,
  listEvents: 11,
} as const;
/** The options of each. */
const OPTIONS = [
  'name,value,context',
  'limit,before,after,order,search,updatedAfter',
  'id,as',
  'name,as',
  'id',
  'id',
  'id,value,versionCheck',
  'id,versionCheck',
  'context',
  'keys',
  'encryptedKeys,context',
  'events,limit,after,order,rangeStart,rangeEnd,organizationId',
].map((names) => names.split(','));

export const nameOf = (operation: number) => Object.keys(OPERATION)[operation] as keyof typeof OPERATION;

/** Longest value: quoted as JSON it may be six times as long, and a string of V8's has at most 2^29 characters. */
export const VALUE_MAX = 1 << 26;

/** A value in its stored form; nothing where it is none. */
function storedValue(options: unknown): string | undefined {
  const value = read(options, 'value');
  const tooLong = () => failed('invalid_request', 'longer than 64 MiB', 'value');
  if (typeof value === 'string') {
    if (value.length > VALUE_MAX) throw tooLong();
    return isWellFormed(value) ? value : undefined;
  }
  if (!isBytes(value)) return undefined;
  // Base64 is four thirds of it.
  const bytes = copyOf(value, (VALUE_MAX / 4) * 3, tooLong);
  return bytes && BYTES_PREFIX + toBase64(bytes);
}

/** The value is quoted here: it never enters the module's memory. */
export function quoted(value: string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw failed('invalid_request', 'too long for JSON in this runtime', 'value', cause);
  }
}

/** Whether a value is to be returned as bytes. */
function asBytes(options: unknown): boolean {
  const form = read(options, 'as') ?? 'text';
  if (form !== 'text' && form !== 'bytes')
    throw failed('invalid_request', 'expected "text" or "bytes"', 'as');
  return form === 'bytes';
}

/** What core is asked: an operation by its place, or one of these (`src/wasm/src/lib.rs`). */
const [CONTEXT, CANONICAL] = [200, 201] as const;

/** Asks core; what is wrong with names was found before. */
function ask(what: number, values: string[], found: Problem[] = []): string {
  const said = guarded(() => answer(flat(what) + values.join('')));
  const [, code = 'invalid_request', problems = '[]'] = /^!(\w+)(.*)/s.exec(said) ?? [];
  const all = [...found, ...(JSON.parse(problems) as Problem[])];
  if (all.length === 0) return said;
  // What is outside the scope outweighs all else.
  const isOwn = found.length === 0 || code === 'context_mismatch';
  throw refused(isOwn ? (code as VaultErrorCode) : 'invalid_request', all);
}

/** What core makes. */
type Lines = [Request['method'], string, string, string, string, string];

/** The request of an operation with these options, in this scope, where there is one. */
export function prepare(
  operation: number,
  options: unknown,
  scope?: object,
  more: readonly string[] = [],
): Request {
  const { listObjects, readObjectByName, createDataKey } = OPERATION;
  const names = OPTIONS[operation] as string[];
  let given = options;
  if (operation === readObjectByName && typeof options === 'string') given = { name: options };
  // Where every option may be left out, so may all.
  const isOptional = operation === listObjects || (operation === createDataKey && scope !== undefined);
  if (isOptional && isAbsent(options)) given = {};
  if (!isMap(given)) throw wrong('options', `an object like { ${names.join(', ')} }`, options);
  const value = names.includes('value') ? storedValue(given) : undefined;
  const values = [flatOptions(given, names, value), flat(scope)];
  const made = ask(operation, values, unknownNames(given, [...names, ...more]));
  const [method, route, target, repeatable, head, contextKey] = made.split('\n') as Lines;
  const bytes = names.includes('as') && asBytes(given);
  const body = value === undefined ? head || undefined : `${head}${quoted(value)}}`;
  return { operation, method, route, target, body, value, repeatable: repeatable === '1', bytes, contextKey };
}

/** A context within a scope, where there is one, as a plain object. */
export function contextOf(context: unknown, scope?: object): Record<string, string> {
  return JSON.parse(ask(CONTEXT, [flat(context), flat(scope)])) as Record<string, string>;
}

/** A text that equal contexts share: a JSON object with sorted names. */
export function canonicalOf(context: unknown): string {
  return ask(CANONICAL, [flat(context)]);
}

const MODIFY_ATTEMPTS_DEFAULT = 5;
const MODIFY_ATTEMPTS_MAX = 100;

/** What `modifyObject` is asked for. */
export function modifyOptions<Change>(options: unknown, change: Change) {
  if (typeof change !== 'function')
    throw failed(
      'invalid_request',
      'expected a function that takes the current object and returns its next value',
      'change',
    );
  const isByName = isAbsent(read(options, 'id')) && !isAbsent(read(options, 'name'));
  const { readObject, readObjectByName } = OPERATION;
  const more = ['maxAttempts', 'applied'];
  const request = prepare(isByName ? readObjectByName : readObject, options, undefined, more);
  const [problems, found] = collecting();
  const attempts = whole(read(options, 'maxAttempts'), 'maxAttempts', 1, MODIFY_ATTEMPTS_MAX, found);
  const applied = read(options, 'applied') ?? undefined;
  if (applied !== undefined && typeof applied !== 'function')
    found('applied', expected('a function', applied));
  if (problems.length > 0) throw refused('invalid_request', problems);
  return { request, attempts: attempts ?? MODIFY_ATTEMPTS_DEFAULT, applied: applied as Change | undefined };
}

/** The longest time that `setTimeout` can wait. */
export const TIMEOUT_MAX_MS = 0x7fff_ffff;

/** Whether an envelope is to have the Go SDK's layout. */
export function goLayout(options: unknown): boolean {
  const layout = read(options, 'layout') ?? 'standard';
  if (layout !== 'standard' && layout !== 'go')
    throw failed('invalid_request', 'expected "standard" or "go"', 'layout');
  return layout === 'go';
}

function signalOf(value: unknown): AbortSignal | undefined {
  if (isAbsent(value)) return undefined;
  try {
    if (value instanceof AbortSignal) return value;
  } catch {}
  throw wrong('signal', 'an AbortSignal', value);
}

/** The options of a call, and which of the others an operation reads besides. */
export function callOptions(options: unknown, more: readonly string[]): Asked {
  if (!isMap(options)) throw wrong('call options', 'an object like { signal }', options);
  const unknown = unknownNames(options, [
    'signal',
    'timeoutMs',
    'attemptTimeoutMs',
    'idempotencyKey',
    ...more,
  ]);
  if (unknown.length > 0) throw refused('invalid_request', unknown);
  const [problems, found] = collecting();
  const number = (name: string, low: number, high: number) =>
    whole(read(options, name), name, low, high, found);
  const asked: Asked = { signal: signalOf(read(options, 'signal')) };
  const key = read(options, 'idempotencyKey') ?? undefined;
  // It becomes a header's value.
  if (key !== undefined && !(typeof key === 'string' && /^[!-~]{1,255}$/.test(key)))
    found('idempotencyKey', 'expected 1 to 255 visible ASCII characters');
  asked.idempotencyKey = key as string | undefined;
  asked.timeoutMs = number('timeoutMs', 1, TIMEOUT_MAX_MS);
  asked.attemptTimeoutMs = number('attemptTimeoutMs', 1, TIMEOUT_MAX_MS);
  if (more.includes('layout')) asked.layout = goLayout(options);
  if (more.includes('associatedData')) asked.associatedData = read(options, 'associatedData');
  if (more.includes('chunkSize'))
    asked.chunkSize = number('chunkSize', CHUNK_MIN, CHUNK_MAX) ?? CHUNK_DEFAULT;
  if (problems.length > 0) throw refused('invalid_request', problems);
  return asked;
}
