// The operations: a request by core, sent, and its answer taken apart.
import { failed, type Problem, refused, running, VaultError, type VaultErrorCode } from '../errors.js';
import type { Bytes, ObjectMetadata, ObjectSummary, ObjectVersion, VaultObject } from '../types.js';
import { decodeValue } from './base64.js';
import { type Asked, Call } from './call.js';
import { type Cipher, SharedKey } from './cipher.js';
import { DataKeys } from './data-keys.js';
import { isAbsent } from './kinds.js';
import { Quick } from './quick.js';
import { callOptions, contextOf, OPERATION, prepare, type Request } from './requests.js';
import { member } from './runtime.js';
import { type ClientSettings, settingsOf } from './settings.js';
import * as shapes from './shapes.js';
import { type Answer, type Note, send } from './transport.js';

/** Most requests in flight at once for one call: a Worker's limit of simultaneous connections (Cloudflare, "Workers
 * platform limits"). */
const CONNECTIONS_MAX = 6;

/** What a client, those scoped from it and its keyrings have in common. */
interface Shared {
  settings: ClientSettings;
  /** What keeps data keys, where asked for. */
  kept: DataKeys | undefined;
  /** What its keyrings keep: weakly, where the runtime can; else until they are closed. */
  keyrings: Set<{ deref(): DataKeys | undefined }>;
  closed: boolean;
}

/** Does something with each of several, a few at a time, and gives the results in order. */
export async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS_MAX, items.length) }, worker));
  return results;
}

export function hasCode(error: unknown, ...codes: VaultErrorCode[]): boolean {
  return error instanceof VaultError && codes.includes(error.code);
}

/** A request about what the service named: what is wrong with that is its trouble. */
export function theirs(prepare: () => Request): Request {
  try {
    return prepare();
  } catch (error) {
    if (!hasCode(error, 'invalid_request')) throw error;
    const { problems, message } = error as VaultError;
    const [problem] = problems;
    const field = problem?.field === 'versionCheck' ? 'metadata.version_id' : problem?.field;
    throw failed('malformed_response', problem?.message ?? message, field);
  }
}

/** The ID of the object that a request is about: it is where core's route has it. */
export function idOf({ route, target }: Request): string {
  const [id = ''] = target.slice(route.indexOf('{id}')).split(/[/?]/, 1);
  return decodeURIComponent(id);
}

export class Engine {
  readonly #shared: Shared;
  readonly #scope: Record<string, string> | undefined;
  readonly #quick: Quick;

  private constructor(shared: Shared, scope: Record<string, string> | undefined) {
    this.#shared = shared;
    this.#scope = scope;
    this.#quick = new Quick((operation, options) => this.#prepare(operation, options));
  }

  /** From the constructor's options, and what the package knows of them. */
  static of(options: unknown, host: Parameters<typeof settingsOf>[1]): Engine {
    running();
    const settings = settingsOf(options, host);
    const kept = settings.bounds && new DataKeys(settings.bounds);
    return new Engine({ settings, kept, keyrings: new Set(), closed: false }, undefined);
  }

  /** The same client within a key context. */
  scoped(context: unknown): Engine {
    return new Engine(this.#shared, contextOf(context, this.#scope));
  }

  get cipher(): Cipher {
    return this.#shared.settings.cipher;
  }

  get kept(): DataKeys | undefined {
    return this.#shared.kept;
  }

  /** Remembers what a keyring keeps, for {@link close}. */
  adopt(kept: DataKeys): void {
    const { keyrings } = this.#shared;
    for (const known of keyrings) if (known.deref() === undefined) keyrings.delete(known);
    keyrings.add(
      typeof WeakRef === 'function' ? new WeakRef(kept) : { deref: () => (kept.isClosed ? undefined : kept) },
    );
  }

  close(): void {
    this.#shared.closed = true;
    this.#shared.kept?.close();
    for (const kept of this.#shared.keyrings) kept.deref()?.close();
    this.#shared.keyrings.clear();
  }

  /** Refuses a call on a client that is closed. */
  open(): void {
    running();
    if (this.#shared.closed) throw failed('invalid_request', 'the client is closed');
  }

  /** Refuses what a scoped client cannot check. */
  unscoped(): void {
    if (this.#scope !== undefined)
      throw failed(
        'context_mismatch',
        'a scoped client cannot tell whose data key this is; use the client that it was made from',
      );
  }

  /** What a call is asked for; `more` says which options an operation reads besides. */
  asked(options: unknown, ...more: string[]): Asked {
    this.open();
    return isAbsent(options) ? {} : callOptions(options, more);
  }

  /** Starts the clock of a call; of one that nobody cancels, it `mayShare` a signal. */
  start(asked: Asked, mayShare = false): Call {
    this.open();
    return new Call(asked, this.#shared.settings, mayShare);
  }

  /** Does the work of a call, whose clock ends with it. */
  async run<T>(asked: Asked, work: (call: Call) => Promise<T>, mayShare = false): Promise<T> {
    const call = this.start(asked, mayShare);
    try {
      return await work(call);
    } finally {
      call.close();
    }
  }

  send(request: Request, call: Call, note?: Note): Promise<Answer> {
    return send(this.#shared.settings, request, call, note);
  }

  prepare(operation: number, options: unknown): Request {
    return this.#quick.request(operation, options) ?? this.#prepare(operation, options);
  }

  #prepare(operation: number, options: unknown): Request {
    return prepare(operation, options, this.#scope);
  }

  /** The request for a data key of a context; in a scoped client it starts from the scope. */
  dataKeyRequest(context: unknown): Request {
    const make = (context: unknown) => this.#prepare(OPERATION.createDataKey, { context });
    return this.#quick.remembered('data key', context, make);
  }

  /** The request that unwraps a key blob, given in base64. */
  unwrapRequest(blob: string): Request {
    return this.#quick.unwrap(blob, (keys) => this.#prepare(OPERATION.decryptDataKey, { keys }));
  }

  /**
   * Checks the context that an answer shows, itself or in its metadata, against the scope. An answer that is no object is
   * told of as such, elsewhere.
   */
  #check({ body }: Answer, inMetadata: boolean): void {
    const scope = this.#scope;
    if (scope === undefined || typeof body !== 'object' || body === null) return;
    const context = member(inMetadata ? member(body, 'metadata') : body, 'context');
    const problems: Problem[] = [];
    // The message tells the scope, not the object's own context: that is another tenant's.
    for (const [name, value] of Object.entries(scope))
      if (member(context, name) !== value)
        problems.push({ field: `key_context.${name}`, message: `this client is scoped to "${value}"` });
    if (problems.length > 0) throw refused('context_mismatch', problems);
  }

  /** An operation that is one request: its options are read before anything is waited for. */
  async #call<T>(
    operation: number,
    options: unknown,
    asked: unknown,
    finish: (answer: Answer, request: Request) => T,
  ): Promise<T> {
    const request = this.prepare(operation, options);
    const call = this.start(this.asked(asked), true);
    // As `run` does, with two promises less.
    try {
      return finish(await this.send(request, call), request);
    } finally {
      call.close();
    }
  }

  /** One whose answer is taken apart, and that is all. `inMetadata`: where it shows the context; nothing where it does not. */
  #once<T>(
    operation: number,
    options: unknown,
    asked: unknown,
    make: shapes.Shape<T>,
    inMetadata?: boolean,
  ): Promise<T> {
    return this.#call(operation, options, asked, (answer) => this.#made(answer, make, inMetadata));
  }

  /** What an answer comes to; one outside the scope is refused before anything else of it is looked at. */
  #made<T>(answer: Answer, make: shapes.Shape<T>, inMetadata?: boolean): T {
    if (inMetadata !== undefined) this.#check(answer, inMetadata);
    return shapes.shaped(answer, make);
  }

  createObject(options: unknown, asked: unknown): Promise<ObjectMetadata> {
    return this.#once(OPERATION.createObject, options, asked, shapes.metadata, false);
  }

  async listObjects(options: unknown, asked: unknown): Promise<shapes.Page<ObjectSummary>> {
    const request = this.prepare(OPERATION.listObjects, options);
    return await this.run(this.asked(asked), async (call) => {
      const page = shapes.shaped(await this.send(request, call), shapes.summaries);
      if (this.#scope !== undefined) page.data = await this.#within(page.data, call);
      return page;
    });
  }

  /** `readObject` or `readObjectByName`. */
  readObject(operation: number, options: unknown, asked: unknown): Promise<VaultObject<string | Bytes>> {
    return this.#call(operation, options, asked, (answer, request) => this.#object(answer, request));
  }

  /** Reads an object. */
  async read(request: Request, call: Call): Promise<VaultObject<string | Bytes>> {
    return this.#object(await this.send(request, call), request);
  }

  #object(answer: Answer, { bytes }: Request): VaultObject<string | Bytes> {
    const object: VaultObject<string | Bytes> = this.#made(answer, shapes.object, true);
    if (bytes) object.value = decodeValue(object.value as string);
    return object;
  }

  describeObject(options: unknown, asked: unknown): Promise<VaultObject<undefined>> {
    return this.#once(OPERATION.describeObject, options, asked, shapes.described, true);
  }

  /** Describes an object that the service named, or another request. */
  async describe(id: string, call: Call): Promise<VaultObject<undefined>> {
    const request = theirs(() => this.prepare(OPERATION.describeObject, { id }));
    return this.described(await this.send(request, call));
  }

  /** What an answer shows of an object but its value. */
  described(answer: Answer): VaultObject<undefined> {
    return this.#made(answer, shapes.described, true);
  }

  async listObjectVersions(options: unknown, asked: unknown): Promise<ObjectVersion[]> {
    const request = this.prepare(OPERATION.listObjectVersions, options);
    return await this.run(this.asked(asked), async (call) => {
      await this.look(request, call);
      return shapes.shaped(await this.send(request, call), shapes.versions).data;
    });
  }

  /**
   * Before an operation whose answer does not show the context, or comes too late: looks whether the object is within
   * the scope. A context never changes, so what is seen here still holds afterwards.
   */
  look(request: Request, call: Call): Promise<unknown> | undefined {
    return this.#scope && this.describeBy(request, call);
  }

  /** The object that another request is about. */
  describeBy(request: Request, call: Call): Promise<VaultObject<undefined>> {
    return this.describe(idOf(request), call);
  }

  /**
   * The items of a page that are within the scope. A list does not show contexts, so each item is described, a few at
   * a time; one that is gone by then is left out too.
   */
  async #within(items: ObjectSummary[], call: Call): Promise<ObjectSummary[]> {
    const within = await atOnce(items, async ({ id }) => {
      try {
        await this.describe(id, call);
        return true;
      } catch (error) {
        if (hasCode(error, 'context_mismatch', 'not_found')) return false;
        // The page is lost: the other requests need not go on.
        call.cancel();
        throw error;
      }
    });
    return items.filter((_, at) => within[at]);
  }

  createDataKey(options: unknown, asked: unknown) {
    return this.#once(OPERATION.createDataKey, options, asked, shapes.pair, false);
  }

  async decryptDataKey(options: unknown, asked: unknown) {
    this.unscoped();
    return await this.#once(OPERATION.decryptDataKey, options, asked, shapes.dataKey);
  }

  async createRekey(options: unknown, asked: unknown) {
    this.unscoped();
    return await this.#once(OPERATION.createRekey, options, asked, shapes.rekeyed);
  }

  listEvents(options: unknown, asked: unknown) {
    return this.#once(OPERATION.listEvents, options, asked, shapes.events);
  }

  /** A data key: a fresh one with its wrapped copies, or the one that was asked for. */
  async fetchKey(request: Request, call: Call): Promise<SharedKey> {
    const answer = await this.send(request, call);
    if (request.operation === OPERATION.decryptDataKey)
      return new SharedKey({ key: shapes.shaped(answer, shapes.dataKey).key, keys: '' });
    const { dataKey, encryptedKeys } = this.#made(answer, shapes.pair, false);
    return new SharedKey({ key: dataKey.key, keys: encryptedKeys });
  }
}
