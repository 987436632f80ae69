// Requests of the commonest kinds whose options are plain: nothing in them that core would refuse, encode or read in a
// way of its own. Each is made from one that core made before, with other texts in its places, as asking core costs more
// than the rest of such a call. Whatever is not plain is core's.
import { isPlain } from './kinds.js';
import { OPERATION, quoted, type Request, VALUE_MAX } from './requests.js';
import { isWellFormed } from './runtime.js';

/** An ID or a version that core would neither refuse nor encode: no `name`, which is too short for it. */
const PLAIN_ID = /^[A-Za-z0-9_-]{5,256}$/;
const PLAIN_CURSOR = /^[A-Za-z0-9_-]{1,256}$/;
/** Most items of a page. */
export const LIMIT_MAX = 100;
/** A name that core would not refuse, and JSON not escape. */
const PLAIN_NAME = /^[A-Za-z0-9_.:@/ -]{1,200}$/;
/** Most patterns that are remembered: one for each context. */
const PATTERNS_MAX = 200;

/** Stand in the options that core makes a pattern of; in its body and target other texts take their places. */
const [ID, NAME, VALUE, VERSION] = ['-id-id-', '-name-', '-value-', '-version-'] as const;

/** The same for a key blob, which is base64. */
const BLOB = 'a2V5cw==';

/** What core makes of reading by a plain ID. It is here so that who does no more than read needs no module; its members
 * stand as in all other requests, so that V8 has one shape for all. */
const READ: Request = {
  operation: OPERATION.readObject,
  method: 'GET',
  route: '/vault/v1/kv/{id}',
  target: '',
  body: undefined,
  value: undefined,
  repeatable: true,
  bytes: false,
  contextKey: '',
};

type Prepare = (operation: number, options: unknown) => Request;
type Options = Record<string, unknown>;

function isValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= VALUE_MAX && isWellFormed(value);
}

/**
 * A context of nothing but strings, and what it reads, to know it again by. A copy, in which each value was read once:
 * what is remembered must be what was looked at, whatever a getter says the next time.
 */
function plainContext(context: unknown): { copy: object; text: string } | undefined {
  if (!isPlain(context) || 'toJSON' in (context as object)) return undefined;
  const map = context as Options;
  const items = Object.keys(map).map((name) => [name, map[name]] as const);
  if (!items.every(([, value]) => typeof value === 'string')) return undefined;
  const copy = Object.fromEntries(items);
  return { copy, text: JSON.stringify(copy) };
}

/** A text with another where a place is; the first of such. */
function filled(text: string, place: string, by: string): string {
  const at = text.indexOf(place);
  return text.slice(0, at) + by + text.slice(at + place.length);
}

export class Quick {
  readonly #prepare: Prepare;
  readonly #patterns = new Map<string, Request>();

  constructor(prepare: Prepare) {
    this.#prepare = prepare;
  }

  /** The request, where its options are plain. A getter or a proxy that throws is not. */
  request(operation: number, options: unknown): Request | undefined {
    try {
      if (!isPlain(options)) return undefined;
      const given = options as Options;
      if (operation === OPERATION.readObject) return this.#read(given);
      if (operation === OPERATION.createObject) return this.#create(given);
      if (operation === OPERATION.listObjects) return this.#list(given);
      return operation === OPERATION.updateObject ? this.#update(given) : undefined;
    } catch {
      return undefined;
    }
  }

  /** A request of which nothing but the context is the caller's. */
  remembered(kind: string, context: unknown, make: (context: unknown) => Request): Request {
    let plain: ReturnType<typeof plainContext>;
    try {
      plain = plainContext(context);
    } catch {}
    if (plain === undefined) return make(context);
    const { copy, text } = plain;
    return this.#pattern(kind + text, () => make(copy));
  }

  /** The request that unwraps a blob. */
  unwrap(blob: string, make: (blob: string) => Request): Request {
    const pattern = this.#pattern('unwrap', () => make(BLOB));
    return { ...pattern, body: filled(pattern.body as string, BLOB, blob) };
  }

  /** One that core made, or makes now, for options that are like these. */
  #pattern(key: string, make: () => Request): Request {
    let known = this.#patterns.get(key);
    if (known === undefined) {
      known = make();
      if (this.#patterns.size >= PATTERNS_MAX) this.#patterns.clear();
      this.#patterns.set(key, known);
    }
    return known;
  }

  #read(options: Options): Request | undefined {
    const { id } = options;
    if (typeof id !== 'string' || Object.keys(options).length !== 1 || !PLAIN_ID.test(id)) return undefined;
    return { ...READ, target: `/vault/v1/kv/${id}` };
  }

  #list(options: Options): Request | undefined {
    const { limit, before, after } = options;
    const isKnown = (name: string) => name === 'limit' || name === 'before' || name === 'after';
    if (before !== undefined || !Object.keys(options).every(isKnown)) return undefined;
    const isLimit = Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= LIMIT_MAX;
    if (limit !== undefined && !isLimit) return undefined;
    const { listObjects } = OPERATION;
    if (after === undefined)
      return this.#pattern(`list ${limit}`, () => this.#prepare(listObjects, { limit }));
    if (typeof after !== 'string' || !PLAIN_CURSOR.test(after)) return undefined;
    const marked = { limit, after: VERSION };
    const pattern = this.#pattern(`list ${limit} after`, () => this.#prepare(listObjects, marked));
    return { ...pattern, target: filled(pattern.target, VERSION, after) };
  }

  #create(options: Options): Request | undefined {
    const { name, value, context } = options;
    if (typeof name !== 'string' || !PLAIN_NAME.test(name) || !isValue(value)) return undefined;
    const plain = Object.keys(options).length === 3 ? plainContext(context) : undefined;
    if (plain === undefined) return undefined;
    const marked = { name: NAME, value: VALUE, context: plain.copy };
    const pattern = this.#pattern(plain.text, () => this.#prepare(OPERATION.createObject, marked));
    // The name comes first and the value last: a context that holds the same texts is between them.
    const body = pattern.body as string;
    const at = body.lastIndexOf(VALUE);
    const end = body.slice(at + VALUE.length + 1);
    return { ...pattern, value, body: filled(body.slice(0, at - 1), NAME, name) + quoted(value) + end };
  }

  #update(options: Options): Request | undefined {
    const { id, value, versionCheck } = options;
    if (typeof id !== 'string' || !PLAIN_ID.test(id) || !isValue(value)) return undefined;
    const isLocked = typeof versionCheck === 'string' && PLAIN_ID.test(versionCheck);
    if (Object.keys(options).length !== (isLocked ? 3 : 2)) return undefined;
    const marked = { id: ID, value: VALUE, ...(isLocked && { versionCheck: VERSION }) };
    const pattern = this.#pattern(isLocked ? 'locked' : 'update', () =>
      this.#prepare(OPERATION.updateObject, marked),
    );
    // The version comes first: what the value holds is behind it.
    let body = filled(pattern.body as string, `"${VALUE}"`, quoted(value));
    if (isLocked) body = filled(body, VERSION, versionCheck as string);
    return { ...pattern, value, target: filled(pattern.target, ID, id), body };
  }
}
