// What callers, and services, hand over, looked at with suspicion, and named for messages.
import { failed, type Problem, type VaultError } from '../errors.js';
import { isWellFormed } from './runtime.js';

/** Stands for what could not be read. */
class Unreadable {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** The kinds of things there are, by the letters that core knows them by (`src/wasm/src/tree.rs`). */
export const KIND = {
  missing: 'u',
  null: 'z',
  bool: 'b',
  number: '#',
  text: 't',
  array: 'a',
  object: 'o',
  other: 'x',
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

/** Those that keep what they hold elsewhere than in properties, and would otherwise pass for empty. */
const CLASSES: readonly [name: string, found: string][] = [
  ['Date', 'a Date'],
  ['Uint8Array', 'bytes, or bytes whose buffer is gone'],
  ['ArrayBuffer', 'an ArrayBuffer; pass new Uint8Array of it'],
  ['Promise', 'a Promise; await it first'],
  ['Map', 'a Map or Headers; pass Object.fromEntries of it'],
  ['Headers', 'a Map or Headers; pass Object.fromEntries of it'],
];

/** Whether an object is of no class. */
export function isPlain(value: unknown): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Of which kind something is, and how a message names it: `number 2`, `an array`. */
export function looked(value: unknown): [kind: Kind, name: string] {
  switch (typeof value) {
    case 'undefined':
      return [KIND.missing, 'nothing'];
    case 'string':
      // On its way into the module half a character would silently become U+FFFD.
      return isWellFormed(value)
        ? [KIND.text, 'a string']
        : [KIND.other, 'a string with half a character (a lone surrogate)'];
    case 'boolean':
      return [KIND.bool, String(value)];
    case 'number': {
      // Shown where three places are enough: what people pass by mistake.
      const size = Math.abs(value);
      const isShort = Number.isNaN(value) || (size < 1e12 && Math.floor(size * 1000 + 0.5) / 1000 === size);
      return [KIND.number, isShort ? `number ${value}` : 'a number'];
    }
    case 'bigint':
      return [KIND.other, 'a bigint; write it as a string'];
    case 'object':
      break;
    default:
      return [KIND.other, `a ${typeof value}`];
  }
  if (value === null) return [KIND.null, 'null'];
  try {
    if (value instanceof Unreadable) return [KIND.other, value.why];
    if (Array.isArray(value)) return [KIND.array, 'an array'];
    // Most are. And the mere name of a class may make a runtime load it: `Headers` takes Node 20 ms.
    if (isPlain(value)) return [KIND.object, 'an object'];
    for (const [name, found] of CLASSES) {
      const its = (globalThis as Record<string, unknown>)[name];
      if (typeof its === 'function' && value instanceof its) return [KIND.other, found];
    }
  } catch {
    return [KIND.other, 'a proxy that was revoked'];
  }
  return [KIND.object, 'an object'];
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return looked(value)[0] === KIND.object;
}

export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** A property of what may be anything; what could not be read is told of as such. */
export function read(of: unknown, name: string): unknown {
  if (typeof of !== 'object' || of === null) return undefined;
  try {
    return (of as Record<string, unknown>)[name];
  } catch {
    return new Unreadable('a property whose getter threw');
  }
}

/** How a message names something. Of what may be a secret a number is not repeated. */
export function named(value: unknown, isSecret: boolean): string {
  return isSecret && typeof value === 'number' ? 'a number' : looked(value)[1];
}

/** `expected a string, got number 2`. */
export function expected(what: string, got: unknown, isSecret = false): string {
  if (got === undefined) return `expected ${what}, but it is missing`;
  return `expected ${what}, got ${named(got, isSecret)}`;
}

/** An argument of the wrong kind. */
export function wrong(field: string, what: string, got: unknown, isSecret = false): VaultError {
  return failed('invalid_request', expected(what, got, isSecret), field);
}

/** A map's own members; nothing for what is no map, or cannot be read. An object of its own class stands for what its
 * `toJSON` gives. */
export function entries(value: unknown): [name: string, value: unknown][] | undefined {
  if (!isMap(value)) return undefined;
  try {
    const { toJSON } = value;
    const plain: unknown = typeof toJSON === 'function' ? toJSON.call(value) : value;
    if (!isMap(plain)) return undefined;
    return Object.entries(plain).map(([name, value]) =>
      isWellFormed(name)
        ? [name, value]
        : ['\ufffd', new Unreadable('a name with half a character (a lone surrogate)')],
    );
  } catch {
    return undefined;
  }
}

/** Most items of a list that are looked at: one more than any may have. */
const ITEMS_MAX = 101;

/** The first items of a list; nothing for what is none, or cannot be read. */
export function items(value: unknown): unknown[] | undefined {
  try {
    if (!Array.isArray(value)) return undefined;
    const read: unknown[] = [];
    for (let at = 0; at < value.length && at < ITEMS_MAX; at++) read.push(value[at]);
    return read;
  } catch {
    return undefined;
  }
}

/** Problems with own names that are none of these: an option that is misspelled would silently not be used. */
export function unknownNames(value: unknown, names: readonly string[], path = ''): Problem[] {
  if (!isMap(value)) return [];
  let given: string[] = [];
  try {
    given = Object.keys(value);
  } catch {}
  const squeeze = (name: string) => name.replaceAll('_', '').toLowerCase();
  return given
    .filter((name) => !names.includes(name))
    .map((name) => {
      const squeezed = squeeze(name);
      const near = names.find((known) => {
        const its = squeeze(known);
        const isPart = its.startsWith(squeezed) || squeezed.endsWith(its);
        return its === squeezed || (isPart && its.length > 3 && squeezed.length > 3);
      });
      const hint = near === undefined ? `, only ${names.join(', ')}` : `; did you mean ${near}?`;
      return { field: path + name, message: `there is no such option${hint}` };
    });
}

/** A time as RFC 3339 text: such a string, exactly as it stands, or a `Date`. */
export function timeText(value: unknown): string | undefined {
  try {
    // `Date` also reads "1 June 2024"; the service wants RFC 3339.
    if (typeof value === 'string') {
      const isTime = /^.{4}-.{2}-.{5}:.{6}/s.test(value) && isWellFormed(value);
      return isTime && !Number.isNaN(new Date(value).getTime()) ? value : undefined;
    }
    // What a class of the caller's makes of it may be anything.
    return value instanceof Date ? Date.prototype.toISOString.call(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Adds a problem with a member. */
export type Found = (field: string, message: string) => void;

/** Collects problems, beside those that there are. */
export function collecting(problems: Problem[] = []): [Problem[], Found] {
  return [problems, (field, message) => problems.push({ field, message })];
}

/** A whole number between two bounds, both included. */
export function required(
  value: unknown,
  field: string,
  low: number,
  high: number,
  found: Found,
): number | undefined {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high)
    return value as number;
  found(field, expected(`a whole number from ${low} to ${high}`, value));
  return undefined;
}

/** The same, of one that may be absent. */
export const whole: typeof required = (value, ...bounds) =>
  isAbsent(value) ? undefined : required(value, ...bounds);
