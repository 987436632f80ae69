// Encryption outside the Vault, of one item and of many, by data keys that come from the service for each, or from those
// that are kept. Arguments are read before anything is waited for.
import { failed, told, VaultError } from '../errors.js';
import type { BatchResult, Bytes } from '../types.js';
import { decodeText, isDataKey, toBase64 } from './base64.js';
import type { Call } from './call.js';
import { isAside, SharedKey } from './cipher.js';
import type { DataKeys } from './data-keys.js';
import { atOnce, type Engine, hasCode } from './engine.js';
import {
  type Envelope,
  envelopeOf,
  opened,
  type Plain,
  plainOf,
  type Reading,
  sealed,
  sealedOf,
  undecryptable,
} from './envelope.js';
import { framed } from './envelope-format.js';
import { read, wrong } from './kinds.js';
import { goLayout, OPERATION, type Request } from './requests.js';
import { decodeOwn, member } from './runtime.js';

/** Whether the service does not take a key blob for one of its own. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, 'invalid_request', 'not_found', 'validation_failed');
}

const toArray = (items: unknown): unknown[] => {
  if (Array.isArray(items)) return items;
  throw wrong('items', 'an array', items);
};

type Outcome<T> = { value: T } | { error: VaultError };

/** What comes of reading an item, as a value. */
function outcome<T>(read: () => T): Outcome<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof VaultError) return { error };
    throw error;
  }
}

/** An item's failure, unless it is the end of the call. */
function itemsOwn(error: unknown, call: Call): { error: VaultError } {
  call.check();
  if (error instanceof VaultError) return { error };
  throw error;
}

/** `{ok: true, value}` or `{ok: false, error}` for each item, which is named in the problems of its arguments. */
function settled<T>(outcomes: Outcome<T>[]): BatchResult<T>[] {
  return outcomes.map((outcome, at) => {
    if ('value' in outcome) return { ok: true, value: outcome.value };
    const { error } = outcome;
    if (error.problems.length === 0 || error.status !== undefined) return { ok: false, error };
    const problems = error.problems.map(({ field, message }) => ({
      field: `items[${at}].${field}`,
      message,
    }));
    return {
      ok: false,
      error: new VaultError({ ...error.toJSON(), problems, message: told(problems), cause: error.cause }),
    };
  });
}

/** A data key that the caller has: `{key}`, or base64. */
function givenKey(dataKey: unknown, keys = ''): SharedKey {
  const key = typeof dataKey === 'string' ? dataKey : read(dataKey, 'key');
  if (typeof key === 'string' && isDataKey(key)) return new SharedKey({ key, keys });
  throw failed('invalid_request', 'expected 32 bytes in base64, as createDataKey returned them', 'dataKey');
}

/** The same with its wrapped copies. */
function givenPair(pair: unknown): SharedKey {
  const dataKey = read(pair, 'dataKey');
  const keys = read(pair, 'encryptedKeys');
  givenKey(dataKey);
  try {
    if (typeof keys === 'string' && keys !== '') return givenKey(dataKey, toBase64(decodeText(keys)));
  } catch {}
  throw failed('invalid_request', 'expected base64, as createDataKey returned it', 'encryptedKeys');
}

/** A client, and the data keys that it keeps, if it does. */
export class KeySource {
  readonly #engine: Engine;
  readonly #kept: DataKeys | undefined;

  constructor(engine: Engine, kept: DataKeys | undefined) {
    this.#engine = engine;
    this.#kept = kept;
  }

  /** The request for a data key of this context. */
  create(context: unknown): Request {
    return this.#engine.dataKeyRequest(context);
  }

  #pair(create: Request, { data }: Plain, call: Call): SharedKey | Promise<SharedKey> {
    return this.#kept?.pair(this.#engine, create, data.length, call) ?? this.#engine.fetchKey(create, call);
  }

  /** The data key of a blob, for the caller to release; nothing where the service does not take the blob for one of its
   * own: then it was another reading's. */
  unwrap(blob: string, call: Call): Promise<SharedKey | undefined> {
    const unwrap = async (blob: string, call: Call) => {
      try {
        const request = this.#engine.unwrapRequest(blob);
        return await this.#engine.fetchKey(request, call);
      } catch (error) {
        if (isRefusal(error)) return undefined;
        throw error;
      }
    };
    return this.#kept?.open(blob, this.#engine, call, unwrap) ?? unwrap(blob, call);
  }

  async encrypt(
    create: () => Request,
    data: unknown,
    associatedData: unknown,
    options: unknown,
    asBytes: boolean,
  ): Promise<string | Bytes> {
    const plain = plainOf(data, associatedData, true);
    const request = create();
    const asked = this.#engine.asked(options, 'layout');
    const work = async (call: Call) => {
      /** Where nothing is waited for, the caller cannot change theirs, and they need not be copied. */
      const copy = () => {
        if (plain.data === data) plain.data = new Uint8Array(plain.data);
      };
      if (this.#kept === undefined || isAside(this.#engine.cipher, plain.data.length)) copy();
      const found = this.#pair(request, plain, call);
      if (found instanceof Promise) copy();
      const key = found instanceof Promise ? await found : found;
      try {
        const made = sealed(
          key,
          plain,
          asked.layout === true,
          asBytes,
          this.#kept === undefined && call.idempotencyKey === undefined,
          this.#engine,
        );
        return made instanceof Promise ? await call.race(made) : made;
      } finally {
        key.release();
      }
    };
    return await this.#engine.run(asked, work, this.#kept === undefined);
  }

  async decrypt(
    envelope: unknown,
    associatedData: unknown,
    options: unknown,
    asBytes: boolean,
  ): Promise<string | Bytes> {
    this.#engine.unscoped();
    const read = envelopeOf(envelope, associatedData);
    const work = (call: Call) => this.#openWith(read, asBytes, (blob) => this.unwrap(blob, call), call);
    return await this.#engine.run(this.#engine.asked(options), work, this.#kept === undefined);
  }

  /** The plaintext by whichever reading opens. `keyOf` is asked once for each distinct key blob. */
  async #openWith(
    envelope: Envelope,
    asBytes: boolean,
    keyOf: (blob: string) => Promise<SharedKey | undefined>,
    call?: Call,
  ): Promise<string | Bytes> {
    const known = new Map<string, SharedKey | undefined>();
    try {
      for (const reading of envelope.readings) {
        if (!known.has(reading.blob)) known.set(reading.blob, await keyOf(reading.blob));
        const key = known.get(reading.blob);
        if (key === undefined) continue;
        const made = opened(key, envelope, reading, asBytes, this.#engine);
        const plaintext = made instanceof Promise ? await (call ? call.race(made) : made) : made;
        if (plaintext !== undefined) return plaintext;
      }
    } finally {
      for (const key of known.values()) key?.release();
    }
    throw undecryptable();
  }

  /** An envelope under a data key that the caller has. No request. */
  async encryptWith(
    pair: unknown,
    data: unknown,
    associatedData: unknown,
    options: unknown,
  ): Promise<string> {
    this.#engine.open();
    const key = givenPair(pair);
    try {
      const plain = plainOf(data, associatedData);
      const go = goLayout(options);
      return (await sealed(key, plain, go, false, false, this.#engine)) as string;
    } finally {
      key.release();
    }
  }

  /** The plaintext by a data key that the caller has. No request. */
  async decryptWith(
    dataKey: unknown,
    envelope: unknown,
    associatedData: unknown,
    asBytes: boolean,
  ): Promise<string | Bytes> {
    this.#engine.open();
    const key = givenKey(dataKey);
    try {
      const read = envelopeOf(envelope, associatedData);
      return await this.#openWith(read, asBytes, async () => key.hold());
    } finally {
      key.release();
    }
  }

  /**
   * The same envelope with its data key wrapped for another context. Which reading is right is for the service to say:
   * the first whose keys it takes.
   */
  async rekey(envelope: unknown, context: unknown, options: unknown): Promise<string | Bytes> {
    this.#engine.unscoped();
    const read = envelopeOf(envelope, undefined);
    const { readings } = read;
    const requests = readings.map(({ blob }) =>
      this.#engine.prepare(OPERATION.createRekey, { encryptedKeys: blob, context }),
    );
    const contextKey = this.#kept && this.create(context).contextKey;
    return await this.#engine.run(this.#engine.asked(options), async (call) => {
      for (const [at, reading] of readings.entries()) {
        let key: SharedKey;
        try {
          key = await this.#engine.fetchKey(requests[at] as Request, call);
        } catch (error) {
          // A 422 is about the context: this reading's keys were the service's.
          if (isRefusal(error) && !hasCode(error, 'validation_failed')) continue;
          throw error;
        }
        try {
          if (contextKey !== undefined) this.#kept?.learn(key, contextKey);
          const made = framed(decodeOwn(key.keys), reading.go, reading.nonce, sealedOf(read, reading));
          return typeof envelope === 'string' ? toBase64(made) : made;
        } finally {
          key.release();
        }
      }
      throw undecryptable();
    });
  }

  /** Whether an envelope is known to be wrapped for another context than this one; nothing where it is not known for
   * which, as the service does not tell it of a blob. */
  isStale(create: () => Request, envelope: unknown): boolean | undefined {
    const { readings } = envelopeOf(envelope, undefined);
    const { contextKey } = create();
    for (const { blob } of readings) {
      const known = this.#kept?.contextOf(blob);
      if (known !== undefined) return known !== contextKey;
    }
    return undefined;
  }

  /** Envelopes of all items: under one data key, or under those that are kept. */
  async encryptMany(create: () => Request, items: unknown, options: unknown): Promise<BatchResult<string>[]> {
    const asked = this.#engine.asked(options, 'layout');
    const request = create();
    const plains = toArray(items).map((item) =>
      outcome(() => {
        const plain = plainOf(member(item, 'data'), member(item, 'associatedData'));
        this.#kept?.check(plain.data.length);
        return plain;
      }),
    );
    return await this.#engine.run(asked, async (call) => {
      const results: Outcome<string>[] = [];
      let key: SharedKey | undefined;
      /** Where there is no key to be had, there is none for the rest either. */
      let lost: unknown;
      try {
        for (const plain of plains) {
          if ('error' in plain) {
            results.push(plain);
            continue;
          }
          // Kept keys are counted by the message.
          if (lost === undefined && (key === undefined || this.#kept !== undefined)) {
            key?.release();
            key = undefined;
            try {
              key = await this.#pair(request, plain.value, call);
            } catch (error) {
              if (!(error instanceof VaultError)) throw error;
              lost = error;
            }
          }
          if (key !== undefined) {
            call.check();
            try {
              const made = sealed(key, plain.value, asked.layout === true, false, false, this.#engine);
              results.push({ value: (made instanceof Promise ? await call.race(made) : made) as string });
            } catch (error) {
              results.push(itemsOwn(error, call));
            }
          } else if (results.some((result) => 'value' in result)) {
            results.push({ error: lost as VaultError });
          } else throw lost;
        }
      } finally {
        key?.release();
      }
      return settled(results);
    });
  }

  /** Plaintexts of all items. Each distinct key blob is unwrapped once. */
  async decryptMany(items: unknown, options: unknown): Promise<BatchResult<string>[]> {
    this.#engine.unscoped();
    const envelopes = toArray(items).map((item) =>
      outcome(() => envelopeOf(member(item, 'envelope'), member(item, 'associatedData'))),
    );
    return await this.#engine.run(this.#engine.asked(options), async (call) => {
      const results = new Map<number, Outcome<string>>();
      const keys = new Map<string, Outcome<SharedKey | undefined>>();
      try {
        // In rounds: the likeliest reading of each, then the next of those that did not open.
        for (let round = 0; ; round++) {
          const left: [number, Reading, Envelope][] = [];
          for (const [at, envelope] of envelopes.entries()) {
            const reading = 'value' in envelope ? envelope.value.readings[round] : undefined;
            if (reading !== undefined && 'value' in envelope && !results.has(at))
              left.push([at, reading, envelope.value]);
          }
          if (left.length === 0) break;
          const blobs = new Set(left.map(([, { blob }]) => blob).filter((blob) => !keys.has(blob)));
          // Nothing is thrown before all are there: what comes later would be held for ever.
          let thrown: { error: unknown } | undefined;
          await atOnce([...blobs], async (blob) => {
            try {
              keys.set(blob, { value: await this.unwrap(blob, call) });
            } catch (error) {
              if (error instanceof VaultError) keys.set(blob, { error });
              else thrown ??= { error };
            }
          });
          if (thrown) throw thrown.error;
          for (const [at, reading, envelope] of left) {
            const key = keys.get(reading.blob);
            if (key === undefined) continue;
            if ('error' in key) {
              results.set(at, key);
              continue;
            }
            if (key.value === undefined) continue;
            call.check();
            try {
              const made = opened(key.value, envelope, reading, false, this.#engine);
              const value = made instanceof Promise ? await call.race(made) : made;
              if (value !== undefined) results.set(at, { value: value as string });
            } catch (error) {
              results.set(at, itemsOwn(error, call));
            }
          }
        }
      } finally {
        for (const key of keys.values()) if ('value' in key) key.value?.release();
      }
      return settled(
        envelopes.map((envelope, at) =>
          'error' in envelope ? envelope : (results.get(at) ?? { error: undecryptable() }),
        ),
      );
    });
  }
}
