// Answers as `JSON.parse` made them, taken apart: camelCase, `Date`s, as the official SDK has them. What is not as the API
// describes it is noted while that is done, under its path, which is put together for that alone.
import type { Problem } from '../errors.js';
import type { WireEvent } from '../events.js';
import type {
  DataKey,
  DataKeyPair,
  ListMetadata,
  ObjectMetadata,
  ObjectSummary,
  ObjectVersion,
  RekeyedDataKey,
  VaultObject,
} from '../types.js';
import { malformed } from './answers.js';
import { bytesIn, isBase64, isDataKey } from './base64.js';
import { expected, isAbsent, required } from './kinds.js';
import type { Answer } from './transport.js';

type Wire = Record<string, unknown>;
/** Makes of an answer, or of a part of it, what the caller gets. What it makes of one that is wrong is of no use. */
export type Shape<T> = (wire: unknown) => T;

/** More would be the same again. */
const PROBLEMS_MAX = 10;
const SIZE_MAX = 2 ** 53;

/** Of the answer that is taken apart: nothing is waited for meanwhile. */
let problems: Problem[] = [];

/** An answer taken apart.
 * @throws {VaultError} `malformed_response` */
export function shaped<T>(answer: Answer, make: Shape<T>): T {
  // Of one that could not be finished, at the end of the stack, some may be left.
  if (problems.length > 0) problems = [];
  const made = make(answer.body);
  if (problems.length === 0) return made;
  const found = problems;
  // Those are the caller's now.
  problems = [];
  for (const problem of found) problem.field ||= 'body';
  throw malformed(found, answer);
}

function note(field: string, message: string): void {
  problems.push({ field, message });
}

function wrong(field: string, what: string, got: unknown): void {
  note(field, expected(what, got));
}

/** Puts a part's name before the fields that were noted within it: those from this one on. */
function label(name: string, from: number): void {
  for (const problem of problems.slice(from))
    problem.field = name + (/^(\[|$)/.test(problem.field) ? '' : '.') + problem.field;
}

/** Makes a part of an answer, under its name. */
function within<T>(name: string, wire: unknown, make: Shape<T>): T {
  const before = problems.length;
  const made = make(wire);
  if (problems.length > before) label(name, before);
  return made;
}

/** A shape of what has members. */
function map<T>(make: (wire: Wire) => T): Shape<T> {
  return (wire) => {
    if (typeof wire === 'object' && wire !== null && !Array.isArray(wire)) return make(wire as Wire);
    wrong('', 'an object', wire);
    return undefined as T;
  };
}

const anObject = map((wire) => wire);

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') wrong(name, 'a string', value);
  return value as string;
}

/** `null` for what is not there. */
function textOrNull(value: unknown, name: string): string | null {
  return isAbsent(value) ? null : text(value, name);
}

/** What the service writes, from 2000 on, but for the ends of months, which not all have. */
const TIME = /^[2-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3])(:[0-5]\d){2}\.\d{3}Z$/;
/** The number that two digits are, whose codes begin at 48. */
const two = (text: string, at: number) => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;

/** A time in half the time that `Date` takes, which reads all else. */
export function time(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined;
  if (TIME.test(value)) {
    // Years from March on, so that a leap day is a year's last (Hinnant, "chrono-compatible low-level date algorithms").
    const month = two(value, 5);
    const year = two(value, 0) * 100 + two(value, 2) - Number(month < 3);
    const leaps = (year >> 2) - Math.trunc(year / 100) + Math.trunc(year / 400);
    const before = Math.trunc((((month + 9) % 12) * 306 + 5) / 10) - 719469;
    const days = 365 * year + leaps + before + two(value, 8);
    const seconds = (two(value, 11) * 60 + two(value, 14)) * 60 + two(value, 17);
    return new Date(days * 86_400_000 + seconds * 1000 + two(value, 20) * 10 + value.charCodeAt(22) - 48);
  }
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function timeAt(value: unknown, name: string): Date {
  const at = time(value);
  if (at === undefined) {
    const what = 'an RFC 3339 time';
    if (typeof value !== 'string') wrong(name, what, value);
    else note(name, `expected ${what}, got a string that is none`);
  }
  return at as Date;
}

/** A context, of which any name may be a member's. */
function context(wire: Wire): Record<string, string> {
  const items = within('context', wire.context, anObject);
  for (const name of Object.keys(items ?? {})) {
    const value = items[name];
    if (typeof value !== 'string') wrong(`context.${name}`, 'a string', value);
  }
  return items as Record<string, string>;
}

export const metadata: Shape<ObjectMetadata> = map((wire) => ({
  id: text(wire.id, 'id'),
  environmentId: text(wire.environment_id, 'environment_id'),
  context: context(wire),
  keyId: text(wire.key_id, 'key_id'),
  updatedAt: timeAt(wire.updated_at, 'updated_at'),
  updatedBy: within('updated_by', wire.updated_by, actor),
  versionId: textOrNull(wire.version_id, 'version_id'),
}));

const actor = map((wire) => ({ id: text(wire.id, 'id'), name: text(wire.name, 'name') }));

export const described: Shape<VaultObject<undefined>> = map((wire) => ({
  id: text(wire.id, 'id'),
  name: text(wire.name, 'name'),
  value: undefined,
  metadata: within('metadata', wire.metadata, metadata),
}));

export const object: Shape<VaultObject<string>> = map((wire) => ({
  id: text(wire.id, 'id'),
  name: text(wire.name, 'name'),
  value: text(wire.value, 'value'),
  metadata: within('metadata', wire.metadata, metadata),
}));

/** A page of a list. */
export interface Page<T> {
  data: T[];
  listMetadata: ListMetadata;
}

function page<T>(make: (wire: Wire) => T): Shape<Page<T>> {
  const item = map(make);
  const items = (wire: unknown) => {
    const made: T[] = [];
    if (!Array.isArray(wire)) wrong('', 'an array', wire);
    else
      for (let at = 0; at < wire.length && problems.length <= PROBLEMS_MAX; at++) {
        const before = problems.length;
        made.push(item(wire[at]));
        // Only then: the name is made for that alone.
        if (problems.length > before) label(`[${at}]`, before);
      }
    return made;
  };
  return map((wire) => ({
    data: within('data', wire.data, items),
    listMetadata: within('list_metadata', wire.list_metadata, cursors),
  }));
}

const cursors = map((wire) => ({
  before: textOrNull(wire.before, 'before'),
  after: textOrNull(wire.after, 'after'),
}));

export const summaries: Shape<Page<ObjectSummary>> = page((wire) => ({
  id: text(wire.id, 'id'),
  name: text(wire.name, 'name'),
  updatedAt: isAbsent(wire.updated_at) ? null : timeAt(wire.updated_at, 'updated_at'),
}));

export const versions: Shape<Page<ObjectVersion>> = page((wire) => {
  const size = required(wire.size, 'size', 0, SIZE_MAX, note) as number;
  return {
    id: text(wire.id, 'id'),
    createdAt: timeAt(wire.created_at, 'created_at'),
    currentVersion: flag(wire.current_version, 'current_version'),
    size,
    etag: text(wire.etag, 'etag'),
  };
});

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') wrong(name, 'true or false', value);
  return value as boolean;
}

export const events: Shape<Page<WireEvent>> = page((wire) => ({
  id: text(wire.id, 'id'),
  event: text(wire.event, 'event'),
  createdAt: timeAt(wire.created_at, 'created_at'),
  data: within('data', wire.data, anObject),
}));

/** Whether a deletion succeeded. */
export const deleted: Shape<boolean> = map((wire) => flag(wire.success, 'success'));

/** 32 bytes: how many it has is told, and nothing else of it. */
function key(wire: Wire): string {
  const value = text(wire.data_key, 'data_key');
  if (typeof value === 'string' && !isDataKey(value)) {
    const length = bytesIn(value);
    const found = length === undefined ? 'text that is not base64' : `${length} bytes`;
    note('data_key', `expected 32 bytes in base64, got ${found}`);
  }
  return value;
}

/** Wrapped copies of a key. */
function blob(wire: Wire): string {
  const value = text(wire.encrypted_keys, 'encrypted_keys');
  if (typeof value === 'string' && !isBase64(value)) {
    const message =
      value === ''
        ? 'expected wrapped keys, got an empty text'
        : 'expected standard padded base64, as createDataKey returned it';
    note('encrypted_keys', message);
  }
  return value;
}

export const dataKey: Shape<DataKey> = map((wire) => ({ id: text(wire.id, 'id'), key: key(wire) }));

export const pair: Shape<DataKeyPair> = map((wire) => ({
  context: context(wire),
  dataKey: { id: text(wire.id, 'id'), key: key(wire) },
  encryptedKeys: blob(wire),
}));

/** The key as a string, its ID beside it. */
export const rekeyed: Shape<RekeyedDataKey> = map((wire) => ({
  context: context(wire),
  dataKey: key(wire),
  encryptedKeys: blob(wire),
  id: text(wire.id, 'id'),
}));
