/// <reference lib="esnext.disposable" preserve="true" />
import type { DataKeys } from './engine/data-keys.js';
import type { KeySource } from './engine/key-source.js';
import type { Request } from './engine/requests.js';
import { openFields, sealFields } from './fields.js';
import type {
  AssociatedData,
  BatchResult,
  Bytes,
  CallOptions,
  DataKeyBounds,
  DataKeyCounters,
  DecryptItem,
  EncryptFieldsOptions,
  EncryptItem,
  EncryptOptions,
  KeyContextInput,
  ValueInput,
} from './types.js';

/** Options of {@link VaultClient.keyring}. */
export interface KeyringOptions extends DataKeyBounds {
  /** Which keys wrap its data keys. */
  context: KeyContextInput;
}

/**
 * Encrypts many messages under one data key, within bounds: one request for many. Made by
 * {@link VaultClient.keyring}; keep it for as long as its context is in use, in a Worker in module scope. The next
 * key is fetched ahead, when a tenth of a bound is left.
 *
 * @example
 * ```ts
 * const keyring = vault.keyring({ context, maxAgeMs: 300_000, maxMessages: 10_000, maxBytes: 1e9 });
 * const envelope = await keyring.encrypt('4111 1111 1111 1111', 'users/42');
 * ```
 */
export class Keyring implements Disposable {
  readonly #source: KeySource;
  readonly #kept: DataKeys;
  readonly #create: () => Request;

  /** @internal */
  constructor(source: KeySource, kept: DataKeys, create: Request) {
    this.#source = source;
    this.#kept = kept;
    this.#create = () => create;
  }

  /**
   * {@link VaultClient.encrypt} under the key at hand.
   * @throws {VaultError} `invalid_request` once closed, or for more data than `maxBytes`.
   */
  encrypt(data: ValueInput, associatedData?: AssociatedData, options?: EncryptOptions): Promise<string> {
    return this.#source.encrypt(this.#create, data, associatedData, options, false) as Promise<string>;
  }

  /** {@link encrypt}, with the envelope as bytes. */
  encryptBytes(data: ValueInput, associatedData?: AssociatedData, options?: EncryptOptions): Promise<Bytes> {
    return this.#source.encrypt(this.#create, data, associatedData, options, true) as Promise<Bytes>;
  }

  /** {@link VaultClient.decrypt}, of any envelope; a data key that was unwrapped is kept for the next. */
  decrypt(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<string> {
    return this.#source.decrypt(envelope, associatedData, call, false) as Promise<string>;
  }

  /** {@link decrypt}, to bytes. */
  decryptBytes(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<Bytes> {
    return this.#source.decrypt(envelope, associatedData, call, true) as Promise<Bytes>;
  }

  /** {@link VaultClient.encryptMany} under keys that are kept. */
  encryptMany(items: readonly EncryptItem[], options?: EncryptOptions): Promise<BatchResult<string>[]> {
    return this.#source.encryptMany(this.#create, items, options);
  }

  /** {@link VaultClient.decryptMany} by keys that are kept. */
  decryptMany(items: readonly DecryptItem[], call?: CallOptions): Promise<BatchResult<string>[]> {
    return this.#source.decryptMany(items, call);
  }

  /** {@link VaultClient.encryptFields} under the key at hand. */
  encryptFields<T extends object>(
    record: T,
    paths: readonly string[],
    options: EncryptFieldsOptions,
  ): Promise<T> {
    return sealFields(record, paths, options, (items, call) => this.encryptMany(items, call));
  }

  /** {@link VaultClient.decryptFields} by keys that are kept. */
  decryptFields<T extends object>(
    record: T,
    paths: readonly string[],
    options: EncryptFieldsOptions,
  ): Promise<T> {
    return openFields(record, paths, options, (items, call) => this.decryptMany(items, call));
  }

  /** {@link VaultClient.isStale}, against the keyring's own context. */
  isStale(envelope: ValueInput): boolean | undefined {
    return this.#source.isStale(this.#create, envelope);
  }

  /** How it was used so far. */
  get counters(): DataKeyCounters {
    return this.#kept.counters;
  }

  /** Wipes its keys from memory. It cannot be used any more. */
  close(): void {
    this.#kept.close();
  }

  /** {@link close}, at the end of the block that `using` is in. */
  [Symbol.dispose](): void {
    this.close();
  }
}
