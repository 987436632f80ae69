/// <reference lib="esnext.disposable" preserve="true" />
import type { CoreKeyring } from '../wasm/client/client.js';
import { settle } from './errors.js';
import type {
  AssociatedData,
  Bytes,
  CallOptions,
  EncryptOptions,
  KeyContextInput,
  ValueInput,
} from './types.js';

/** Options of {@link VaultClient.keyring}. The bounds are required: they say how much is lost with one key. */
export interface KeyringOptions {
  /** Which keys wrap its data keys. */
  context: KeyContextInput;
  /** How long a data key is used, in milliseconds: 1 to 86,400,000 (a day). */
  maxAgeMs: number;
  /** How many messages one encrypts: 1 to 2^32, AES-GCM's limit for random nonces (NIST SP 800-38D). */
  maxMessages: number;
  /** How many bytes one encrypts: 1 to 2^40. */
  maxBytes: number;
  /** How many data keys are kept for decryption, for `maxAgeMs` each: 0 to 10,000. Default: 100. */
  maxDecryptKeys?: number | undefined;
}

/** How a keyring was used. */
export interface KeyringCounters {
  /** Uses of a key that was at hand. */
  hits: number;
  /** Uses that had to wait for a key. */
  misses: number;
  /** Requests for keys; uses that wait at the same time share one. */
  apiCalls: number;
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
  readonly #core: CoreKeyring;

  /** @internal */
  constructor(core: CoreKeyring) {
    this.#core = core;
  }

  /**
   * {@link VaultClient.encrypt} under the key at hand.
   * @throws {VaultError} `invalid_request` once closed, or for more data than `maxBytes`.
   */
  encrypt(data: ValueInput, associatedData?: AssociatedData, options?: EncryptOptions): Promise<string> {
    return settle(this.#core.encrypt(data, associatedData, options, false) as Promise<string>);
  }

  /** {@link encrypt}, with the envelope as bytes. */
  encryptBytes(data: ValueInput, associatedData?: AssociatedData, options?: EncryptOptions): Promise<Bytes> {
    return settle(this.#core.encrypt(data, associatedData, options, true) as Promise<Bytes>);
  }

  /** {@link VaultClient.decrypt}, of any envelope; a data key that was unwrapped is kept for the next. */
  decrypt(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<string> {
    return settle(this.#core.decrypt(envelope, associatedData, call, false) as Promise<string>);
  }

  /** {@link decrypt}, to bytes. */
  decryptBytes(envelope: ValueInput, associatedData?: AssociatedData, call?: CallOptions): Promise<Bytes> {
    return settle(this.#core.decrypt(envelope, associatedData, call, true) as Promise<Bytes>);
  }

  /** How it was used so far. */
  get counters(): KeyringCounters {
    return this.#core.counters() as KeyringCounters;
  }

  /** Wipes its keys from memory. It cannot be used any more. */
  close(): void {
    this.#core.close();
  }

  /** {@link close}, at the end of the block that `using` is in. */
  [Symbol.dispose](): void {
    this.close();
  }
}
