/** The shapes of what goes in and comes out. Names follow the official Node SDK, version 11. */

import type { VaultError, VaultErrorCode } from './errors.js';
import type { KeyContext } from './key-context.js';

/**
 * A key context: which keys encrypt a value. A flat map of 1 to 10 strings; each name has 1 to 120
 * characters, each value at most 500 (Unicode code points). Case-sensitive.
 */
export type KeyContextInput = Readonly<Record<string, string>> | KeyContext;

/** A value to store: text as it is, or bytes, which are stored as a `data:` URL in base64 (RFC 2397). */
export type ValueInput = string | Uint8Array;

/** What every method takes last. */
export interface CallOptions {
  /** Ends the call when it fires; the error has code `aborted` and the signal's reason as its cause. */
  signal?: AbortSignal | undefined;
  /**
   * How long the call may take, all its requests and attempts together, in milliseconds (1 to 2,147,483,647).
   * Default: the client's.
   */
  timeoutMs?: number | undefined;
  /** How long each attempt may take, in milliseconds, where that is less. Default: the client's. */
  attemptTimeoutMs?: number | undefined;
  /**
   * The `Idempotency-Key` of a creation (of an object, a data key, a re-wrapped key): 1 to 255 visible ASCII
   * characters. If you give none they carry a random one, so that a retry does not create twice. Other calls
   * do not use it.
   */
  idempotencyKey?: string | undefined;
}

/** How to set up a {@link VaultClient}. */
export interface VaultClientOptions {
  /** A secret API key of the environment; starts with `sk_`. */
  apiKey: string;
  /** The client ID; starts with `client_`. Vault does not need it; it is only checked. */
  clientId?: string | undefined;
  /** Where the API is. `https` only, but for this machine. Default: `https://api.workos.com`. */
  baseUrl?: string | undefined;
  /** Sends requests in place of the global `fetch`: an emulator's, a service binding's, an instrumented one. */
  fetch?: FetchLike | undefined;
  /** How long a call may take, all its requests and attempts together, in milliseconds. Default: 60,000. */
  timeoutMs?: number | undefined;
  /**
   * How long each attempt may take, in milliseconds; one that takes longer is a failed one. Default: no less than the
   * call.
   */
  attemptTimeoutMs?: number | undefined;
  /**
   * How often a failed request is sent again, 0 to 10. Default: 3. After 408, 429, 500 to 599, a broken connection and
   * a body that broke off, with growing random pauses, or as long as the service asks (`Retry-After`, 30 s at most).
   * An update without `versionCheck` is sent again after 429 only. All calls of a client share a budget: 100 retries,
   * and one more for every two successes, so that an outage does not multiply the load.
   */
  maxRetries?: number | undefined;
  /**
   * Waits so long, in milliseconds, and tries once more, where a customer's key cannot be used: cloud IAM changes take
   * up to 60 s to spread. Not one of `maxRetries`. Default: not tried again.
   */
  retryInaccessibleKeyAfterMs?: number | undefined;
  /** Told before each attempt. What a hook throws is ignored. */
  onRequest?: ((event: RequestEvent) => void) | undefined;
  /** Told after each attempt, answered or not. */
  onResponse?: ((event: ResponseEvent) => void) | undefined;
  /** Told before the pause that comes before another attempt. */
  onRetry?: ((event: RetryEvent) => void) | undefined;
  /**
   * Keeps data keys and uses them again, for each context: one request for many messages. The bounds are required.
   * Default: a data key of its own for each call of `encrypt`. `counters` of it: {@link VaultClient.dataKeyCounters}.
   */
  dataKeyCache?: DataKeyCacheOptions | undefined;
  /**
   * Who encrypts: `webcrypto` the runtime's WebCrypto, always; `wasm` this package, always; `auto`, the default,
   * whichever is quickest for the length, Node's own cipher among them where there is one. All make the same bytes.
   * In Workers, on Vercel's edge and in pages with `workos-vault-edge/wasm`, `wasm` wants `workos-vault-edge/cipher` imported
   * as well. Deno's WebCrypto takes no nonce of 32 bytes: without this package's own the envelopes of old Go SDKs do not open
   * there.
   */
  cipher?: 'auto' | 'webcrypto' | 'wasm' | undefined;
  /** Headers to add to every request. Those that the client sets itself are refused. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Allows an API key in a browser page, where every visitor can read it. Default: false. */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** What hooks are told of a request. No value, key, header, ID or name is in it. */
export interface RequestEvent {
  /** The operation, as its method is called: `readObject`. */
  operation: string;
  /** The HTTP method. */
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path, with `{id}` and `{name}` for what differs: `/vault/v1/kv/{id}`. */
  route: string;
  /** Counts the client's requests; all attempts of one have the same. */
  call: number;
  /** Which attempt, from 1. */
  attempt: number;
}

/** What hooks are told of an attempt that ended. */
export interface ResponseEvent extends RequestEvent {
  /** How long it took, in milliseconds, as `Date` counts them. */
  durationMs: number;
  /** The HTTP status, where the service answered. */
  status?: number | undefined;
  /** The service's `X-Request-ID`. */
  requestId?: string | undefined;
  /** Why it failed, where it did. */
  code?: VaultErrorCode | undefined;
}

/** What hooks are told before another attempt. */
export interface RetryEvent extends RequestEvent {
  /** How long the pause is, in milliseconds. */
  delayMs: number;
  /** The HTTP status, where the service answered. */
  status?: number | undefined;
  /** The service's `X-Request-ID`. */
  requestId?: string | undefined;
  /** Why the attempt failed. */
  code: VaultErrorCode;
}

/** A function like `fetch`, called with a URL and an init object. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** Who wrote an object. */
export interface Actor {
  /** The API key's or user's ID. */
  id: string;
  /** Its name. */
  name: string;
}

/** What is known of an object besides its value. */
export interface ObjectMetadata {
  /** The object's ID. */
  id: string;
  /** The environment it belongs to. */
  environmentId: string;
  /** The key context it was created with. */
  context: Record<string, string>;
  /** The key that encrypts it: the customer's where one applies, else WorkOS's. */
  keyId: string;
  /** When it was last written. */
  updatedAt: Date;
  /** Who wrote it last. */
  updatedBy: Actor;
  /** Its current version, as `versionCheck` takes it. Opaque. */
  versionId: string | null;
}

/** An object. `value` is `undefined` where the operation does not return it. */
export interface VaultObject<V = string> {
  /** Its ID. */
  id: string;
  /** Its name. */
  name: string;
  /** Its decrypted value. */
  value: V;
  /** All else. */
  metadata: ObjectMetadata;
}

/** An object in a list. */
export interface ObjectSummary {
  /** Its ID. */
  id: string;
  /** Its name. */
  name: string;
  /** When it was last written. */
  updatedAt: Date | null;
}

/** A version of an object. */
export interface ObjectVersion {
  /** The version's ID, as `versionCheck` takes it. Opaque. */
  id: string;
  /** When it was written. */
  createdAt: Date;
  /** Whether it is the current one. */
  currentVersion: boolean;
  /** Its size in bytes. */
  size: number;
  /** A hash of the value. */
  etag: string;
}

/** Cursors of a page: what `before` and `after` take to get the pages beside it. */
export interface ListMetadata {
  /** The cursor of the page before, `null` on the first. */
  before: string | null;
  /** The cursor of the page after, `null` on the last. */
  after: string | null;
}

/** Options of {@link VaultClient.createObject}. */
export interface CreateObjectOptions {
  /** Unique in the environment; 1 to 200 characters. */
  name: string;
  /** What to encrypt and store. */
  value: ValueInput;
  /** Which keys to encrypt it with. It cannot change later. */
  context: KeyContextInput;
}

/** How a value is returned: `text` (the default) or `bytes`. */
export type Form = 'text' | 'bytes';

/** What a value of that form is. */
export type ValueOf<F extends Form> = F extends 'bytes' ? Bytes : string;

/** Bytes that come out: in memory of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Asks for a value in a form. */
export interface ValueForm<F extends Form = Form> {
  /** `bytes` gives back what was stored as bytes; a text's UTF-8 else. */
  as?: F | undefined;
}

/** An object named by its ID. */
export interface ById {
  /** The object's ID. */
  id: string;
}

/** An object named by its name. */
export interface ByName {
  /** The object's name; not `.` or `..`, which a URL cannot hold. */
  name: string;
}

/** Options of {@link VaultClient.updateObject}. */
export interface UpdateObjectOptions extends ById {
  /** The new value. */
  value: ValueInput;
  /** The version that must be current, from `metadata.versionId`. Without it the last writer wins. */
  versionCheck?: string | null | undefined;
}

/** Options of {@link VaultClient.deleteObject}. */
export interface DeleteObjectOptions extends ById {
  /** The version that must be current. */
  versionCheck?: string | null | undefined;
}

/** Options of {@link VaultClient.listObjects}. */
export interface ListObjectsOptions {
  /** Objects a page, 1 to 100. Default: 10. */
  limit?: number | undefined;
  /** The page before this cursor, from `listMetadata.before`. */
  before?: string | null | undefined;
  /** The page after this cursor, from `listMetadata.after`. */
  after?: string | null | undefined;
  /** `desc`, newest first, is the default. */
  order?: 'asc' | 'desc' | undefined;
  /** Part of a name. */
  search?: string | undefined;
  /** Only objects written after this time: a `Date`, or an RFC 3339 text, which is sent exactly as it is. */
  updatedAfter?: Date | string | undefined;
}

/** Options of {@link VaultClient.modifyObject}. */
export type ModifyObjectOptions<F extends Form = Form> = (ById | ByName) &
  ValueForm<F> & {
    /** How often to read, apply and write at the most, 1 to 100. Default: 5. */
    maxAttempts?: number | undefined;
    /**
     * Whether the change is in an object's value: asked where a write's answer was lost and reading back cannot tell,
     * because another may have written the same. Such as by an ID of the change's that the value holds. Default: such a
     * call fails with `outcome_unknown`.
     */
    applied?: ((current: VaultObject<ValueOf<F>>) => boolean | Promise<boolean>) | undefined;
  };

/** A data key in the clear. */
export interface DataKey {
  /** The key's ID. */
  id: string;
  /** The key: 32 bytes in base64. */
  key: string;
}

/** A data key with copies of itself that are wrapped by the context's keys. */
export interface DataKeyPair {
  /** The context the copies are wrapped under. */
  context: Record<string, string>;
  /** The key. Use it, then forget it. */
  dataKey: DataKey;
  /** The wrapped copies, base64. Store these beside the data. */
  encryptedKeys: string;
}

/** A data key wrapped anew. */
export interface RekeyedDataKey {
  /** The key's ID. */
  id: string;
  /** The new context. */
  context: Record<string, string>;
  /** The key, in the clear: 32 bytes in base64. */
  dataKey: string;
  /** The new wrapped copies, base64. */
  encryptedKeys: string;
}

/** Options of {@link VaultClient.createDataKey}. */
export interface CreateDataKeyOptions {
  /** Which keys wrap it. */
  context: KeyContextInput;
}

/** Options of {@link VaultClient.decryptDataKey}. */
export interface DecryptDataKeyOptions {
  /** The wrapped copies, base64. */
  keys: string;
}

/** Options of {@link VaultClient.createRekey}. */
export interface CreateRekeyOptions {
  /** The context to wrap under. */
  context: KeyContextInput;
  /** The wrapped copies as they are, base64. */
  encryptedKeys: string;
}

/** What an envelope is bound to. Nothing, `null` and no bytes are the same. */
export type AssociatedData = string | Uint8Array | null | undefined;

/** Options of {@link VaultClient.encrypt}. */
export interface EncryptOptions extends CallOptions {
  /** `go` writes the layout that the Go SDK reads; `standard`, the default, is every other's. We read both. */
  layout?: 'standard' | 'go' | undefined;
}

/** What a data key may be used for. The bounds are required: they say how much is lost with one key. */
export interface DataKeyBounds {
  /** How long a data key is used, in milliseconds: 1 to 86,400,000 (a day). */
  maxAgeMs: number;
  /** How many messages one encrypts: 1 to 2^32, AES-GCM's limit for random nonces (NIST SP 800-38D). */
  maxMessages: number;
  /** How many bytes one encrypts: 1 to 2^40. */
  maxBytes: number;
  /** How many data keys are kept for decryption, for `maxAgeMs` each: 0 to 10,000. Default: 100. */
  maxDecryptKeys?: number | undefined;
}

/** Options of {@link VaultClientOptions.dataKeyCache}. */
export interface DataKeyCacheOptions extends DataKeyBounds {
  /** For how many contexts a data key is kept: 1 to 10,000. The one used longest ago gives way. Default: 100. */
  maxContexts?: number | undefined;
}

/** How kept data keys were used. */
export interface DataKeyCounters {
  /** Uses of a key that was at hand. */
  hits: number;
  /** Uses that had to wait for a key. */
  misses: number;
  /** Requests for keys; uses that wait at the same time share one. */
  apiCalls: number;
}

/** Options of {@link VaultClient.encryptStream}. `signal` and `timeoutMs` hold for the request for its data key. */
export interface EncryptStreamOptions extends CallOptions {
  /** What the stream is bound to; the same is needed to decrypt. */
  associatedData?: AssociatedData;
  /** Bytes in each chunk: 1,024 to 16,777,216. Memory is a few of them. Default: 65,536. */
  chunkSize?: number | undefined;
}

/** Options of {@link VaultClient.decryptStream}. `signal` and `timeoutMs` hold for the request for its data key. */
export interface DecryptStreamOptions extends CallOptions {
  /** As it was given to `encryptStream`. */
  associatedData?: AssociatedData;
}

/** An item of {@link VaultClient.encryptMany}. */
export interface EncryptItem {
  /** Text or bytes. */
  data: ValueInput;
  /** What its envelope is bound to. */
  associatedData?: AssociatedData;
}

/** An item of {@link VaultClient.decryptMany}. */
export interface DecryptItem {
  /** The envelope, base64 or bytes. */
  envelope: ValueInput;
  /** What it is bound to. */
  associatedData?: AssociatedData;
}

/** How one item of a batch ended. */
export type BatchResult<T> =
  | {
      /** It went well. */
      ok: true;
      /** The result. */
      value: T;
    }
  | {
      /** It failed; the others did not. */
      ok: false;
      /** Why. */
      error: VaultError;
    };

/** Options of {@link VaultClient.encryptFields}. */
export interface EncryptFieldsOptions extends CallOptions {
  /** What the record is, such as its table and key: `users/42`. Its ciphertext opens nowhere else. */
  bindTo: string;
}

/** In a scoped client the context may be left out: it is the scope's. */
export type WithinScope<T extends HasContext> = Omit<T, 'context'> & Partial<HasContext>;

/** Options with a key context. */
export interface HasContext {
  /** The key context. */
  context: KeyContextInput;
}
