// Answers as `JSON.parse` made them, taken apart: camelCase, `Date`s, as the official SDK has them. Each returns nothing
// for an answer that is not what the API describes; what is wrong with it `answers.ts` tells then, and
// `tests/answers.test.ts` holds the two to the same judgement.
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
import { isBase64, isDataKey } from './base64.js';

type Wire = Record<string, unknown>;

const isMap = (value: unknown): value is Wire =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
/** `null` for what is not there, `undefined` for what is no string. */
const textOrNull = (value: unknown) => (isText(value) ? value : (value ?? null) === null ? null : undefined);

/** Two digits, or not a number. */
function two(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 48, text.charCodeAt(at + 1) - 48];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/**
 * What the service writes, `2026-01-31T10:30:00.000Z`, is read here in half the time that `Date` takes; all else, and
 * the ends of months, by `Date`.
 */
export function time(value: unknown): Date | undefined {
  if (!isText(value)) return undefined;
  const marks = value[4] === '-' && value[7] === '-' && value[10] === 'T' && value[13] === ':';
  if (marks && value.length === 24 && value[16] === ':' && value[19] === '.' && value[23] === 'Z') {
    const [year, month, day] = [two(value, 0) * 100 + two(value, 2), two(value, 5), two(value, 8)];
    const [hour, minute, second] = [two(value, 11), two(value, 14), two(value, 17)];
    const ms = two(value, 20) * 10 + (two(value, 21) % 10);
    const isDay = year > 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
    if (isDay && hour < 24 && minute < 60 && second < 60 && ms < 1000)
      return new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
  }
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function isContext(value: unknown): value is Record<string, string> {
  if (!isMap(value)) return false;
  for (const name of Object.keys(value)) if (!isText(value[name])) return false;
  return true;
}

export function metadata(wire: unknown): ObjectMetadata | undefined {
  if (!isMap(wire)) return undefined;
  const { id, environment_id, context, key_id, updated_by } = wire;
  const updatedAt = time(wire.updated_at);
  const versionId = textOrNull(wire.version_id);
  if (!isText(id) || !isText(environment_id) || !isText(key_id) || !isContext(context)) return undefined;
  if (updatedAt === undefined || versionId === undefined || !isMap(updated_by)) return undefined;
  if (!isText(updated_by.id) || !isText(updated_by.name)) return undefined;
  return {
    id,
    environmentId: environment_id,
    context,
    keyId: key_id,
    updatedAt,
    updatedBy: { id: updated_by.id, name: updated_by.name },
    versionId,
  } as ObjectMetadata;
}

export function described(wire: unknown): VaultObject<undefined> | undefined {
  if (!isMap(wire) || !isText(wire.id) || !isText(wire.name)) return undefined;
  const about = metadata(wire.metadata);
  return about && { id: wire.id, name: wire.name, value: undefined, metadata: about };
}

export function object(wire: unknown): VaultObject<string> | undefined {
  const about = described(wire);
  return about && isMap(wire) && isText(wire.value) ? { ...about, value: wire.value } : undefined;
}

/** A page of a list. */
export interface Page<T> {
  data: T[];
  listMetadata: ListMetadata;
}

function page<T>(wire: unknown, item: (wire: Wire) => T | undefined): Page<T> | undefined {
  if (!isMap(wire) || !Array.isArray(wire.data) || !isMap(wire.list_metadata)) return undefined;
  const before = textOrNull(wire.list_metadata.before);
  const after = textOrNull(wire.list_metadata.after);
  if (before === undefined || after === undefined) return undefined;
  const data: T[] = [];
  for (const one of wire.data as unknown[]) {
    const made = isMap(one) ? item(one) : undefined;
    if (made === undefined) return undefined;
    data.push(made);
  }
  return { data, listMetadata: { before, after } };
}

export function summaries(wire: unknown): Page<ObjectSummary> | undefined {
  return page(wire, ({ id, name, updated_at }) => {
    const updatedAt = (updated_at ?? null) === null ? null : time(updated_at);
    return isText(id) && isText(name) && updatedAt !== undefined ? { id, name, updatedAt } : undefined;
  });
}

export function versions(wire: unknown): ObjectVersion[] | undefined {
  const found = page(wire, ({ id, created_at, current_version, size, etag }) => {
    const createdAt = time(created_at);
    if (!isText(id) || !isText(etag) || createdAt === undefined) return undefined;
    if (typeof current_version !== 'boolean' || typeof size !== 'number') return undefined;
    if (!Number.isInteger(size) || size < 0 || size > 2 ** 53) return undefined;
    return { id, createdAt, currentVersion: current_version, size, etag };
  });
  return found?.data;
}

export function events(wire: unknown): Page<WireEvent> | undefined {
  return page(wire, ({ id, event, created_at, data }) => {
    const createdAt = time(created_at);
    if (!isText(id) || !isText(event) || createdAt === undefined || !isMap(data)) return undefined;
    return { id, event, createdAt, data };
  });
}

export function deleted(wire: unknown): true | undefined {
  return isMap(wire) && wire.success === true ? true : undefined;
}

export function dataKey(wire: unknown): DataKey | undefined {
  if (!isMap(wire) || !isText(wire.id) || !isText(wire.data_key)) return undefined;
  return isDataKey(wire.data_key) ? { key: wire.data_key, id: wire.id } : undefined;
}

export function pair(wire: unknown): DataKeyPair | undefined {
  const key = dataKey(wire);
  if (key === undefined || !isMap(wire)) return undefined;
  const { context, encrypted_keys } = wire;
  if (!isContext(context) || !isText(encrypted_keys) || !isBase64(encrypted_keys)) return undefined;
  return { context, dataKey: key, encryptedKeys: encrypted_keys };
}

/** The key as a string, its ID beside it. */
export function rekeyed(wire: unknown): RekeyedDataKey | undefined {
  const made = pair(wire);
  if (made === undefined) return undefined;
  const { context, dataKey, encryptedKeys } = made;
  return { context, dataKey: dataKey.key, encryptedKeys, id: dataKey.id };
}
