// Requests of the commonest kinds whose options are plain: nothing in them that core would refuse, encode or read in a
// way of its own. Each is made from one that core made before, with other texts in its places, as asking core costs more
// than the rest of such a call. Whatever is not plain is core's.
import { isPlain } from './kinds.js';
import { OPERATION, quoted, type Request, VALUE_MAX } from './requests.js';
import { isWellFormed } from './runtime.js';

/** An ID, a version or a cursor that core would neither refuse nor encode: no `name`, which is too short for it. */
const PLAIN_ID = /^[A-Za-z0-9_-]{5,256}$/;
/** A name that core would not refuse, and JSON not escape. */
const PLAIN_NAME = /^[A-Za-z0-9_.:@/ -]{1,200}$/;
/** Most patterns that are remembered: one for each context. */
const PATTERNS_MAX = 200;

/** Stands in the options that core makes a pattern of, where others' texts will: an ID, a name, a version, a cursor and
 * base64 in one. The value's place is apart, as what comes there is quoted. */
const [MARK, VALUE] = ['MarkMark', '-value-'] as const;
/** Where a pattern is cut: at those, and between target and body. */
const CUTS = new RegExp(`${MARK}|"${VALUE}"|\n`);

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

function isId(value: unknown): value is string {
  return typeof value === 'string' && PLAIN_ID.test(value);
}

function isValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= VALUE_MAX && isWellFormed(value);
}

/** A request that core made, and its target and body in the parts that are between others' texts. */
interface Pattern {
  request: Request;
  parts: string[];
}

/** A context of nothing but strings. */
interface PlainContext {
  items: (readonly [name: string, value: unknown])[];
  /** Each value was read once: what is remembered must be what was looked at, whatever a getter says the next time. */
  copy: object;
  /** To know it again by. */
  text: string;
}

/** Many calls have the context of the one before. */
let last: PlainContext = { items: [], copy: {}, text: '{}' };

function plainContext(context: unknown): PlainContext | undefined {
  if (!isPlain(context) || 'toJSON' in (context as object)) return undefined;
  const map = context as Options;
  const items = Object.keys(map).map((name) => [name, map[name]] as const);
  const isLast = (item: PlainContext['items'][number], at: number) =>
    item[0] === last.items[at]?.[0] && item[1] === last.items[at]?.[1];
  if (items.length === last.items.length && items.every(isLast)) return last;
  if (!items.every((item) => typeof item[1] === 'string')) return undefined;
  const copy = Object.fromEntries(items);
  last = { items, copy, text: JSON.stringify(copy) };
  return last;
}

export class Quick {
  readonly #prepare: Prepare;
  readonly #patterns = new Map<string, Pattern>();

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
    return this.#pattern(kind + text, () => make(copy)).request;
  }

  /** The request that unwraps a blob. */
  unwrap(blob: string, make: (blob: string) => Request): Request {
    const { request, parts } = this.#pattern('unwrap', () => make(MARK));
    return { ...request, body: parts[1] + blob + parts[2] };
  }

  /** What core made, or makes now, for options that are like these. */
  #pattern(key: string, make: () => Request): Pattern {
    let known = this.#patterns.get(key);
    if (known === undefined) {
      const request = make();
      known = { request, parts: `${request.target}\n${request.body ?? ''}`.split(CUTS) };
      if (this.#patterns.size >= PATTERNS_MAX) this.#patterns.clear();
      this.#patterns.set(key, known);
    }
    return known;
  }

  #read(options: Options): Request | undefined {
    const { id } = options;
    if (Object.keys(options).length !== 1 || !isId(id)) return undefined;
    return { ...READ, target: `/vault/v1/kv/${id}` };
  }

  #list(options: Options): Request | undefined {
    const { limit, before, after, ...others } = options;
    const isNext = after !== undefined;
    if (before !== undefined || Object.keys(others).length > 0 || (isNext && !isId(after))) return undefined;
    // Which numbers it may be is core's.
    if (limit !== undefined && typeof limit !== 'number') return undefined;
    const key = `list ${limit} ${isNext}`;
    const marked = { limit, after: isNext ? MARK : undefined };
    const { request, parts } = this.#pattern(key, () => this.#prepare(OPERATION.listObjects, marked));
    return isNext ? { ...request, target: parts[0] + after + parts[1] } : request;
  }

  #create(options: Options): Request | undefined {
    const { name, value, context } = options;
    if (typeof name !== 'string' || !PLAIN_NAME.test(name) || !isValue(value)) return undefined;
    const plain = Object.keys(options).length === 3 ? plainContext(context) : undefined;
    if (plain === undefined) return undefined;
    const { copy, text } = plain;
    const { request, parts } = this.#pattern(text, () =>
      this.#prepare(OPERATION.createObject, { name: MARK, value: VALUE, context: copy }),
    );
    // A context that has the same texts in it makes more parts.
    if (parts.length !== 4) return undefined;
    return { ...request, value, body: parts[1] + name + parts[2] + quoted(value) + parts[3] };
  }

  #update(options: Options): Request | undefined {
    const { id, value, versionCheck } = options;
    if (!isId(id) || !isValue(value)) return undefined;
    const isLocked = isId(versionCheck);
    if (Object.keys(options).length !== (isLocked ? 3 : 2)) return undefined;
    const key = `update ${isLocked}`;
    const marked = { id: MARK, value: VALUE, versionCheck: isLocked ? MARK : undefined };
    const { request, parts } = this.#pattern(key, () => this.#prepare(OPERATION.updateObject, marked));
    const lock = isLocked ? versionCheck + parts[3] : '';
    const body = parts[2] + lock + quoted(value) + parts[isLocked ? 4 : 3];
    return { ...request, value, target: parts[0] + id + parts[1], body };
  }
}
