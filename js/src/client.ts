/// <reference lib="esnext.disposable" preserve="true" />
import { DataKeys } from './engine/data-keys.js';
import { Engine } from './engine/engine.js';
import { KeySource } from './engine/key-source.js';
import { OPERATION } from './engine/requests.js';
import { member } from './engine/runtime.js';
import { boundsOf } from './engine/settings.js';
import { deleteObject, modifyObject, updateObject } from './engine/writes.js';
import { failed, type Problem, refused } from './errors.js';
import { type EventPage, eventOf, type ListEventsOptions, type VaultEventName } from './events.js';
import { openFields, sealFields } from './fields.js';
import { Keyring, type KeyringOptions } from './keyring.js';
import { iterable, ObjectPage, type ObjectPagePromise } from './object-page.js';
import { opening, sealing } from './streams.js';
import type {
  AssociatedData,
  BatchResult,
  ById,
  ByName,
  Bytes,
  CallOptions,
  CreateDataKeyOptions,
  CreateObjectOptions,
  CreateRekeyOptions,
  DataKey,
  DataKeyCounters,
  DataKeyPair,
  DecryptDataKeyOptions,
  DecryptItem,
  DecryptStreamOptions,
  DeleteObjectOptions,
  EncryptFieldsOptions,
  EncryptItem,
  EncryptOptions,
  EncryptStreamOptions,
  Form,
  HasContext,
  KeyContextInput,
  ListObjectsOptions,
  ModifyObjectOptions,
  ObjectMetadata,
  ObjectVersion,
  RekeyedDataKey,
  UpdateObjectOptions,
  ValueForm,
  ValueInput,
  ValueOf,
  VaultClientOptions,
  VaultObject,
  WithinScope,
} from './types.js';

/** Most items of a page. */
const LIMIT_MAX = 100;

/** The environment variables that {@link VaultClient.fromEnv} reads. */
export interface VaultEnvironment {
  /** The secret API key. Required. */
  WORKOS_API_KEY?: unknown;
  /** The client ID. Checked where set. */
  WORKOS_CLIENT_ID?: unknown;
  /** Another base URL, such as a local Vault's. */
  WORKOS_API_URL?: unknown;
}

/** A page, or a Web Worker of one. Workers of other runtimes have no address, or say who they are. */
function isBrowserPage(): boolean {
  const { window, WorkerGlobalScope, location, navigator } = globalThis as {
    window?: { document?: unknown };
    WorkerGlobalScope?: abstract new () => object;
    location?: { protocol?: string };
    navigator?: { userAgent?: string };
  };
  if (window?.document !== undefined) return true;
  const isWorker = typeof WorkerGlobalScope === 'function' && globalThis instanceof WorkerGlobalScope;
  const isOther = /^(Cloudflare-Workers|Deno|Bun|Node)/.test(navigator?.userAgent ?? '');
  return isWorker && !isOther && /^(https?|blob):$/.test(location?.protocol ?? '');
}

/** The variables that {@link VaultClient.fromEnv} reads options from, for messages. */
const variableNames = {
  apiKey: 'WORKOS_API_KEY',
  clientId: 'WORKOS_CLIENT_ID',
  baseUrl: 'WORKOS_API_URL',
} as const;

/** A call's options: within a scope the context may be left out. */
export type Within<Scoped, T extends HasContext> = Scoped extends true ? WithinScope<T> : T;

/** The operations of {@link VaultClient} and {@link ScopedVaultClient}. */
export abstract class Operations<Scoped extends boolean> {
  readonly #engine: Engine;
  readonly #source: KeySource;

  /** @internal */
  protected constructor(engine: Engine) {
    this.#engine = engine;
    this.#source = new KeySource(engine, engine.kept);
  }

  /** @internal */
  protected static engineOf(operations: Operations<boolean>): Engine {
    return operations.#engine;
  }

  /** @internal */
  protected static sourceOf(operations: Operations<boolean>): KeySource {
    return operations.#source;
  }

  /**
   * Encrypts a value under the context's keys and stores it. In a scoped client the scope's items need not be given.
   * @throws {VaultError} `invalid_request`, `invalid_key_context`, `key_context_too_large`, `name_conflict`,
   * `object_pending_deletion`, `organization_not_found`, `customer_key_inaccessible`, and those of every call.
   */
  createObject(options: Within<Scoped, CreateObjectOptions>, call?: CallOptions): Promise<ObjectMetadata> {
    return this.#engine.createObject(options, call);
  }

  /**
   * Reads an object by its ID.
   * @throws {VaultError} `not_found`, `context_mismatch` (scoped clients), and those of every call.
   */
  readObject<F extends Form = 'text'>(
    options: ById & ValueForm<F>,
    call?: CallOptions,
  ): Promise<VaultObject<ValueOf<F>>> {
    return this.#engine.readObject(OPERATION.readObject, options, call) as Promise<VaultObject<ValueOf<F>>>;
  }

  /**
   * Reads an object by its name, given as it is or as `{ name }`.
   * @throws {VaultError} `not_found`, `context_mismatch` (scoped clients), and those of every call.
   */
  readObjectByName<F extends Form = 'text'>(
    options: string | (ByName & ValueForm<F>),
    call?: CallOptions,
  ): Promise<VaultObject<ValueOf<F>>> {
    return this.#engine.readObject(OPERATION.readObjectByName, options, call) as Promise<
      VaultObject<ValueOf<F>>
    >;
  }

  /** Reads an object's metadata without decrypting its value. */
  describeObject(options: ById, call?: CallOptions): Promise<VaultObject<undefined>> {
    return this.#engine.describeObject(options, call);
  }

  /**
   * Writes a new version. With `versionCheck` it is sent again where the answer was lost; if it had landed, reading
   * back finds that out.
   * @throws {VaultError} `version_mismatch` if `versionCheck` is not the current version, see {@link modifyObject};
   * `outcome_unknown` if an answer was lost and others have written since.
   */
  updateObject(options: UpdateObjectOptions, call?: CallOptions): Promise<VaultObject<undefined>> {
    return updateObject(this.#engine, options, call);
  }

  /**
   * Deletes an object, with all its versions; it is at once unavailable.
   * @throws {VaultError} `not_found`, or `version_mismatch` if `versionCheck` is not the current version.
   */
  deleteObject(options: DeleteObjectOptions, call?: CallOptions): Promise<void> {
    return deleteObject(this.#engine, options, call);
  }

  /**
   * Lists objects, newest first unless told otherwise. Await it for a page, or iterate over it for all:
   * `for await (const object of vault.listObjects()) …`. `timeoutMs` holds for each page.
   */
  listObjects(options?: ListObjectsOptions, call?: CallOptions): ObjectPagePromise {
    const page = async (list: ListObjectsOptions): Promise<ObjectPage> => {
      const found = await this.#engine.listObjects(list, call);
      // Whoever goes on without having named a size wants everything: in as few requests as can be.
      const { limit = LIMIT_MAX } = list;
      const next = (after: string) => page({ ...list, limit, before: undefined, after });
      return new ObjectPage(found, list.limit !== undefined, next);
    };
    return iterable(page(options ?? {}));
  }

  /** Lists an object's versions, newest first. */
  listObjectVersions(options: ById, call?: CallOptions): Promise<ObjectVersion[]> {
    return this.#engine.listObjectVersions(options, call);
  }

  /**
   * Reads an object, lets `change` make its next value, and writes that under a lock on the version just read.
   * Where someone wrote in between, it reads what they wrote and applies `change` to that, after a short random
   * pause. `change` may therefore run more than once; return `undefined` to leave the object as it is.
   * `timeoutMs` and `signal` hold for the whole, `change` included.
   * @returns The object as written, without its value, or as read where `change` returned `undefined`.
   * @throws {VaultError} `version_mismatch` after `maxAttempts`; `outcome_unknown` where a write's answer was lost and
   * there is no `applied` to tell; what `change` throws, as it is.
   */
  modifyObject<F extends Form = 'text'>(
    options: ModifyObjectOptions<F>,
    change: (current: VaultObject<ValueOf<F>>) => ValueInput | undefined | Promise<ValueInput | undefined>,
    call?: CallOptions,
  ): Promise<VaultObject<ValueOf<F> | undefined>> {
    return modifyObject(
      this.#engine,
      options,
      change as (current: VaultObject<string | Bytes>) => unknown,
      call,
    ) as Promise<VaultObject<ValueOf<F> | undefined>>;
  }

  /** A fresh data key for encryption outside the Vault, with its wrapped copies. */
  createDataKey(
    ...[options, call]: Scoped extends true
      ? [options?: Within<Scoped, CreateDataKeyOptions>, call?: CallOptions]
      : [options: CreateDataKeyOptions, call?: CallOptions]
  ): Promise<DataKeyPair> {
    return this.#engine.createDataKey(options, call);
  }

  /**
   * Encrypts data under a data key of its own, in this process, and gives the envelope as base64. One request,
   * for the key; the data does not leave. Every official SDK decrypts it.
   * @param data Text, or bytes; `decrypt` gives text back, `decryptBytes` bytes.
   * @param associatedData Bound to the envelope and not in it, such as the row it belongs to: the same is needed
   * to decrypt.
   * @throws {VaultError} `invalid_request`, `invalid_key_context`, and those of `createDataKey`.
   */
  encrypt(
    data: ValueInput,
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
    associatedData?: AssociatedData,
    options?: EncryptOptions,
  ): Promise<string> {
    return this.#encrypt(data, context, associatedData, options, false) as Promise<string>;
  }

  #encrypt(data: unknown, context: unknown, associatedData: unknown, options: unknown, asBytes: boolean) {
    return this.#source.encrypt(() => this.#source.create(context), data, associatedData, options, asBytes);
  }

  /** {@link encrypt}, with the envelope as bytes: a quarter smaller, for those who store binary. */
  encryptBytes(
    data: ValueInput,
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
    associatedData?: AssociatedData,
    options?: EncryptOptions,
  ): Promise<Bytes> {
    return this.#encrypt(data, context, associatedData, options, true) as Promise<Bytes>;
  }

  /**
   * Encrypts many items under one data key, by one request. An item that cannot be encrypted does not lose the
   * others.
   * @returns A result for each item, in their order.
   * @throws {VaultError} If there is no data key to be had: then nothing was encrypted.
   */
  encryptMany(
    items: readonly EncryptItem[],
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
    options?: EncryptOptions,
  ): Promise<BatchResult<string>[]> {
    return this.#source.encryptMany(() => this.#source.create(context), items, options);
  }

  /**
   * A copy of a record in which the fields at these paths (`ssn`, `address.line1`) are encrypted, by one request.
   * A field may hold whatever JSON can; one that is `null` or not there stays so. Each envelope is bound to its
   * path and to `bindTo`: moved to another row or column it does not decrypt.
   */
  encryptFields<T extends object>(
    record: T,
    paths: readonly string[],
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
    options: EncryptFieldsOptions,
  ): Promise<T> {
    return sealFields(record, paths, options, (items, call) => this.encryptMany(items, context, call));
  }

  /**
   * Encrypts a stream of bytes of any length under a data key of its own, in constant memory: a few chunks, and the
   * piece that is written. `request.body.pipeThrough(vault.encryptStream(context))`. The form is in
   * `docs/encryption.md`. The request for the key is sent at once; its failure is the stream's.
   * @throws {VaultError} At once: `invalid_request`, `invalid_key_context`.
   */
  encryptStream(
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
    options?: EncryptStreamOptions,
  ): TransformStream<BufferSource, Bytes> {
    return sealing(this.#engine, context, options);
  }

  /**
   * Whether an envelope is wrapped for another context than this one, and so is due for
   * {@link VaultClient.rekeyEnvelope}. `undefined` where that is not known: the service does not tell of an envelope
   * under which context it was made, so it is known of those only whose data key this client's `dataKeyCache` got
   * for a context, and still keeps. No request.
   * @throws {VaultError} `malformed_envelope`, `invalid_key_context`
   */
  isStale(
    envelope: ValueInput,
    context: Scoped extends true ? KeyContextInput | undefined : KeyContextInput,
  ): boolean | undefined {
    return this.#source.isStale(() => this.#source.create(context), envelope);
  }

  /** How the data keys of `dataKeyCache` were used so far; `undefined` without one. */
  get dataKeyCounters(): DataKeyCounters | undefined {
    return this.#engine.kept?.counters;
  }

  /**
   * The same client for one tenant. Its calls start from this context and refuse one that contradicts it; every
   * object must carry it, or the call fails with `context_mismatch`: of the object it tells that there is one.
   * {@link listObjects} leaves out other tenants' objects. Updates, deletions and listings of versions look at
   * the object first, lists at each object: those cost further requests, at most 6 at once. A scoped client has
   * no `decrypt`, `decryptDataKey` or `createRekey`: the service does not tell under which context a data key
   * was wrapped, so another tenant's could not be told from the own.
   */
  scoped(context: KeyContextInput): ScopedVaultClient {
    return new Scope(this.#engine.scoped(context));
  }

  /** {@link scoped} to `{ organization_id }`. */
  forOrganization(organizationId: string): ScopedVaultClient {
    return this.scoped({ organization_id: organizationId });
  }
}

/**
 * A client of WorkOS Vault. One is enough for a program; it holds no connection.
 *
 * @example
 * ```ts
 * const vault = new VaultClient({ apiKey: env.WORKOS_API_KEY });
 * const { id } = await vault.createObject({ name: 'token', value: 's3cret', context: { organization_id: 'org_123' } });
 * const { value } = await vault.readObject({ id });
 * ```
 */
export class VaultClient extends Operations<false> implements Disposable {
  /** @throws {VaultError} `invalid_api_key` or `invalid_config`, naming the option. */
  constructor(options: VaultClientOptions);
  /** @internal */
  constructor(options: VaultClientOptions, fields?: Partial<typeof variableNames>);
  constructor(options: VaultClientOptions, fields?: Partial<typeof variableNames>) {
    const isBrowser = isBrowserPage();
    if (isBrowser && options?.dangerouslyAllowBrowser !== true) {
      throw failed(
        'invalid_config',
        'a page would show the API key to every visitor; call Vault from a server, or set dangerouslyAllowBrowser: true if this page never leaves your machine',
        'apiKey',
      );
    }
    super(Engine.of(options, { isBrowser, fields }));
  }

  /**
   * A client from environment variables: a Worker's `env`, or `process.env` where none is given.
   * `WORKOS_API_KEY` is required; `WORKOS_CLIENT_ID` and `WORKOS_API_URL` are used where set.
   * @throws {VaultError} `invalid_api_key` or `invalid_config`, naming the variable and never showing its value.
   */
  static fromEnv(env?: VaultEnvironment, settings?: Partial<VaultClientOptions>): VaultClient {
    const options = settings ?? {};
    const variables = env ?? (globalThis as { process?: { env?: VaultEnvironment } }).process?.env;
    if (variables === undefined || variables === null) {
      throw failed(
        'invalid_config',
        'this runtime has no process.env; pass the env that your handler was given',
        'env',
      );
    }
    const read: Record<keyof typeof variableNames, unknown> = {
      apiKey: variables.WORKOS_API_KEY,
      clientId: variables.WORKOS_CLIENT_ID || undefined,
      baseUrl: variables.WORKOS_API_URL || undefined,
    };
    const fields: Partial<typeof variableNames> = { ...variableNames };
    // What the caller gives is reported under the caller's name for it.
    for (const name of ['apiKey', 'clientId', 'baseUrl'] as const)
      if (options[name] !== undefined) delete fields[name];
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return new VaultClient({ ...read, ...Object.fromEntries(given) } as VaultClientOptions, fields);
  }

  /**
   * Decrypts an envelope, base64 or bytes, of whichever official SDK, to text. One request for each distinct key
   * blob that it can be read to hold: one for the service's own, which are known by how they begin.
   * @param associatedData As it was given to `encrypt`.
   * @throws {VaultError} `malformed_envelope`, saying what is wrong; `decryption_failed` for a wrong key, wrong
   * associated data or changed ciphertext, not saying which; `invalid_request` for bytes that are not text; and
   * those of `decryptDataKey`.
   */
  decrypt(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<string> {
    return Operations.sourceOf(this).decrypt(envelope, associatedData, call, false) as Promise<string>;
  }

  /** {@link decrypt}, to bytes. */
  decryptBytes(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<Bytes> {
    return Operations.sourceOf(this).decrypt(envelope, associatedData, call, true) as Promise<Bytes>;
  }

  /**
   * Decrypts many envelopes to text: one request for each distinct key blob, at most 6 at once. One that cannot be
   * decrypted does not lose the others.
   * @returns A result for each item, in their order.
   */
  decryptMany(items: readonly DecryptItem[], call?: CallOptions): Promise<BatchResult<string>[]> {
    return Operations.sourceOf(this).decryptMany(items, call);
  }

  /**
   * Undoes {@link encryptFields}.
   * @throws {VaultError} `decryption_failed` or `malformed_envelope`, naming the field.
   */
  decryptFields<T extends object>(
    record: T,
    paths: readonly string[],
    options: EncryptFieldsOptions,
  ): Promise<T> {
    return openFields(record, paths, options, (items, call) => this.decryptMany(items, call));
  }

  /**
   * Decrypts what {@link encryptStream} made, in constant memory. Each chunk is given out when its tag was checked:
   * what comes out is authentic, and whole once the stream has ended without an error. A stream that was cut off
   * fails at its end, so do not act on it before.
   * @throws {VaultError} At once: `invalid_request`. The stream fails with `malformed_envelope`,
   * `decryption_failed`, and those of `decryptDataKey`.
   */
  decryptStream(options?: DecryptStreamOptions): TransformStream<BufferSource, Bytes> {
    return opening(Operations.engineOf(this), Operations.sourceOf(this), options);
  }

  /**
   * Wraps an envelope's data key for another context. Only the key blob in it changes: the ciphertext stays, and
   * the plaintext is not needed. Text gives text, bytes give bytes. The old envelope can still be decrypted for
   * as long as its keys exist, so replace it where it is stored.
   *
   * The API's answer to `createRekey` holds the same data key, wrapped anew; that is what makes this possible.
   */
  rekeyEnvelope<E extends ValueInput>(
    envelope: E,
    context: KeyContextInput,
    call?: CallOptions,
  ): Promise<E extends string ? string : Bytes> {
    return Operations.sourceOf(this).rekey(envelope, context, call) as Promise<
      E extends string ? string : Bytes
    >;
  }

  /**
   * Data keys for many messages, within bounds that you state. Two keyrings never share a key.
   * @throws {VaultError} `invalid_request` or `invalid_key_context`
   */
  keyring(options: KeyringOptions): Keyring {
    const engine = Operations.engineOf(this);
    engine.unscoped();
    engine.open();
    const problems: Problem[] = [];
    const bounds = boundsOf(options, '', problems);
    if (problems.length > 0 || bounds === undefined) throw refused('invalid_request', problems);
    const kept = new DataKeys(bounds);
    const source = new KeySource(engine, kept);
    const create = source.create(member(options, 'context'));
    engine.adopt(kept);
    return new Keyring(source, kept, create);
  }

  /** Encrypts under a data key that you have, as `createDataKey` returned it. No request. */
  encryptWith(
    pair: Pick<DataKeyPair, 'dataKey' | 'encryptedKeys'>,
    data: ValueInput,
    associatedData?: AssociatedData,
    options?: Pick<EncryptOptions, 'layout'>,
  ): Promise<string> {
    return Operations.sourceOf(this).encryptWith(pair, data, associatedData, options);
  }

  /** Decrypts to text by a data key that you have, as `decryptDataKey` returned it. No request. */
  decryptWith(
    dataKey: Pick<DataKey, 'key'>,
    envelope: ValueInput,
    associatedData?: AssociatedData,
  ): Promise<string> {
    return Operations.sourceOf(this).decryptWith(dataKey, envelope, associatedData, false) as Promise<string>;
  }

  /** {@link decryptWith}, to bytes. */
  decryptBytesWith(
    dataKey: Pick<DataKey, 'key'>,
    envelope: ValueInput,
    associatedData?: AssociatedData,
  ): Promise<Bytes> {
    return Operations.sourceOf(this).decryptWith(dataKey, envelope, associatedData, true) as Promise<Bytes>;
  }

  /**
   * A page of the audit log, oldest first. Go on with `after: page.listMetadata.after`; where that is `null` there is
   * nothing more yet, and the last event's ID is where to go on later.
   * @throws {VaultError} `invalid_request`, and those of every call.
   */
  async listEvents<Name extends VaultEventName>(
    options: ListEventsOptions<Name>,
    call?: CallOptions,
  ): Promise<EventPage<Name>> {
    const page = await Operations.engineOf(this).listEvents(options, call);
    return { data: page.data.map((event) => eventOf<Name>(event)), listMetadata: page.listMetadata };
  }

  /** Unwraps a data key. */
  decryptDataKey(options: DecryptDataKeyOptions, call?: CallOptions): Promise<DataKey> {
    return Operations.engineOf(this).decryptDataKey(options, call);
  }

  /** Unwraps a data key and wraps it under another context. */
  createRekey(options: CreateRekeyOptions, call?: CallOptions): Promise<RekeyedDataKey> {
    return Operations.engineOf(this).createRekey(options, call);
  }

  /**
   * Wipes the data keys that are kept, its keyrings' among them, and ends the requests for more. This client, those
   * scoped from it and its keyrings cannot be used any more.
   */
  close(): void {
    Operations.engineOf(this).close();
  }

  /** {@link close}, at the end of the block that `using` is in. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A {@link VaultClient} for one tenant: see {@link VaultClient.scoped}. */
export interface ScopedVaultClient extends Operations<true> {}

class Scope extends Operations<true> implements ScopedVaultClient {
  constructor(engine: Engine) {
    super(engine);
  }
}
