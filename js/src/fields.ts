import { failed, VaultError } from './errors.js';
import type { BatchResult, CallOptions, DecryptItem, EncryptFieldsOptions, EncryptItem } from './types.js';

/** A field of a record on its way: where it is, what it holds, what binds it there. */
interface Field {
  path: string;
  value: unknown;
  associatedData: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/**
 * The fields at these paths that hold something. `undefined` and `null` stay as they are.
 * @throws {VaultError} `invalid_request`
 */
function pick(record: unknown, paths: unknown, bindTo: unknown): Field[] {
  if (!isRecord(record)) throw failed('invalid_request', 'expected an object', 'record');
  if (typeof bindTo !== 'string' || bindTo === '') {
    throw failed(
      'invalid_request',
      'expected a text that says which record this is, such as "users/42"',
      'bindTo',
    );
  }
  if (!Array.isArray(paths) || paths.length === 0)
    throw failed('invalid_request', 'expected a list of at least one path', 'paths');
  const seen = new Set<string>();
  const fields: Field[] = [];
  for (const path of paths as unknown[]) {
    if (typeof path !== 'string' || path.split('.').includes('')) {
      throw failed('invalid_request', 'expected paths like "ssn" or "address.line1"', 'paths');
    }
    for (const other of seen) {
      if (other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
        throw failed('invalid_request', `"${path}" and "${other}" overlap`, 'paths');
      }
    }
    seen.add(path);
    let value: unknown = record;
    for (const name of path.split('.'))
      value = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    // An array in JSON, so that no path and no binding can be read as another's.
    if (value !== undefined && value !== null) {
      fields.push({
        path,
        value,
        associatedData: JSON.stringify(['workos-vault-edge:field:1', bindTo, path]),
      });
    }
  }
  return fields;
}

/** A copy of a record with other values at these fields. What is not on the way to one is shared. */
function replace<T extends object>(record: T, fields: readonly Field[], values: readonly unknown[]): T {
  const copied = new Map<object, Record<string, unknown>>();
  const copy = (of: object): Record<string, unknown> => {
    const known = copied.get(of);
    if (known) return known;
    const made = (Array.isArray(of) ? [...of] : { ...of }) as Record<string, unknown>;
    copied.set(of, made);
    return made;
  };
  const top = copy(record);
  for (const [index, { path }] of fields.entries()) {
    const names = path.split('.');
    const last = names.pop() as string;
    let [from, to]: [Record<string, unknown>, Record<string, unknown>] = [
      record as Record<string, unknown>,
      top,
    ];
    for (const name of names) {
      const next = from[name] as Record<string, unknown>;
      to[name] = copy(next);
      [from, to] = [next, to[name] as Record<string, unknown>];
    }
    to[last] = values[index];
  }
  return top as T;
}

/** The values of a batch, or the first error, naming the field. */
function all<T>(fields: readonly Field[], results: readonly BatchResult<T>[]): T[] {
  return results.map((result, index) => {
    if (result.ok) return result.value;
    const { error } = result;
    const field = fields[index]?.path ?? '';
    throw new VaultError({
      ...error.toJSON(),
      message: `${field}: ${error.message}`,
      problems: [{ field, message: error.message }],
      cause: error.cause,
    });
  });
}

/** Encrypts fields of a record by a batch. */
export async function sealFields<T extends object>(
  record: T,
  paths: readonly string[],
  options: EncryptFieldsOptions,
  encryptMany: (items: EncryptItem[], call: CallOptions) => Promise<BatchResult<string>[]>,
): Promise<T> {
  const { bindTo, ...call } = options ?? {};
  const fields = pick(record, paths, bindTo);
  if (fields.length === 0) return replace(record, [], []);
  const items = fields.map(({ value, associatedData }) => ({ data: JSON.stringify(value), associatedData }));
  return replace(record, fields, all(fields, await encryptMany(items, call)));
}

/** What was encrypted. The language's own error would show the beginning of it. */
function valueOfJson(text: string, field: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw failed(
      'invalid_request',
      'what is encrypted here is no JSON, so encryptFields did not make it',
      field,
    );
  }
}

/** Undoes {@link sealFields}. */
export async function openFields<T extends object>(
  record: T,
  paths: readonly string[],
  options: EncryptFieldsOptions,
  decryptMany: (items: DecryptItem[], call: CallOptions) => Promise<BatchResult<string>[]>,
): Promise<T> {
  const { bindTo, ...call } = options ?? {};
  const fields = pick(record, paths, bindTo);
  if (fields.length === 0) return replace(record, [], []);
  const items = fields.map(({ value, associatedData }) => ({ envelope: value as string, associatedData }));
  const texts = all(fields, await decryptMany(items, call));
  return replace(
    record,
    fields,
    texts.map((text, index) => valueOfJson(text, fields[index]?.path ?? '')),
  );
}
