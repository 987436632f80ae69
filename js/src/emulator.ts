import { type CoreAnswer, CoreEmulator } from '../wasm/emulator/emulator.js';
import {
  eventOf,
  type KeyProvider,
  type ListEventsOptions,
  type VaultEvent,
  type VaultEventName,
  vaultEventNames,
} from './events.js';

/** A customer-managed key (BYOK) of an organization. */
export interface CustomerKey {
  /** The organization that brings it. */
  organizationId: string;
  /** Where it is kept. */
  provider: KeyProvider;
  /** Whether the Vault may use it at first. Default: true. */
  accessible?: boolean;
}

/** An environment: its API keys and its rules. Nothing of one can be seen from another. */
export interface VaultEnvironmentOptions {
  /** Accepted API keys, each starting with `sk_`. Default, in the first environment: `['sk_test_emulator']`. */
  apiKeys?: string[];
  /** Organizations that exist; any other in a context is "organization_id not found". Default: all exist. */
  organizations?: string[];
  /** Customer-managed keys. */
  customerKeys?: CustomerKey[];
  /** How long after access to a customer key was given it takes effect, in milliseconds. Default: 0. */
  customerKeyDelayMs?: number;
  /** How long a deleted object's name stays taken, in milliseconds. Default: 0. */
  recoveryPeriodMs?: number;
}

/** An environment beside the first, which is known by its keys. */
export interface FurtherEnvironmentOptions extends VaultEnvironmentOptions {
  /** Accepted API keys, each starting with `sk_` and no other environment's. */
  apiKeys: string[];
}

/** So many requests in so much time, then 429. */
export interface RateLimit {
  /** How many. */
  requests: number;
  /** In how many milliseconds. */
  windowMs: number;
}

/** How a {@link VaultEmulator} behaves: the first environment's options, and what holds for all. */
export interface VaultEmulatorOptions extends VaultEnvironmentOptions {
  /** Further environments, each with API keys of its own. */
  environments?: FurtherEnvironmentOptions[];
  /** What goes wrong. Default: nothing. */
  faults?: Fault[];
  /** Makes the chance in faults repeat from run to run. Default: random. */
  faultSeed?: number;
  /** `true` for the service's 6,000 requests in 60 s. Default: none. */
  rateLimit?: boolean | RateLimit;
  /** Whether pages of any origin may call it. Default: false. */
  cors?: boolean;
}

/** The name of an operation, as a method of the client's has it. */
export type OperationName =
  | 'createObject'
  | 'listObjects'
  | 'readObject'
  | 'readObjectByName'
  | 'describeObject'
  | 'listObjectVersions'
  | 'updateObject'
  | 'deleteObject'
  | 'createDataKey'
  | 'decryptDataKey'
  | 'createRekey'
  | 'listEvents';

/** A rule by which requests go wrong. The first that strikes decides. */
export interface Fault {
  /**
   * `latency`: late. `status`: another status. `html`: another status, and a page. `reset`: the connection is closed
   * without an answer. `cut`: it is closed in the middle of the body. `truncate`: half of the JSON. `malform`: no JSON.
   * `drip`: 16 bytes each 20 ms.
   */
  kind: 'latency' | 'status' | 'html' | 'reset' | 'cut' | 'truncate' | 'malform' | 'drip';
  /** Only requests of this operation. Default: of all. */
  route?: OperationName;
  /** Every N-th request that the rule fits. Default: every one. */
  every?: number;
  /** The next N requests that the rule fits. */
  next?: number;
  /** By chance, 0 to 1. */
  probability?: number;
  /** For `status`, `html` and `reset`: before the request takes effect (the default), or after. */
  when?: 'before' | 'after';
  /** For `status` and `html`: 300 to 599, not 304. Default: 503. */
  status?: number;
  /** For `status` and `html`: a `Retry-After`, in milliseconds; seconds are what the header has. */
  retryAfterMs?: number;
  /** Its form. Default: `seconds`. */
  retryAfterForm?: 'seconds' | 'date';
  /** A delay before the answer, in milliseconds. Default: 1,000 for `latency`, else 0. */
  delayMs?: number;
}

/** An object to start with. */
export interface SeedObject {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
  /** Its key context. */
  context: Record<string, string>;
}

/** Objects to start with. */
export interface Seed {
  /** Each as `createObject` takes it. */
  objects: SeedObject[];
}

/** Says which environment is meant, by one of its API keys. Default: the first. */
export interface ForEnvironment {
  /** An API key of the environment. */
  apiKey?: string | undefined;
}

// JSON would turn NaN and Infinity into null, which stands for a default.
const json = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'number' && !Number.isFinite(part) ? String(part) : part,
  ) ?? 'null';

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    signal.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
  });

/** What `fetch` throws where a connection breaks. */
const broken = () =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  });

/** A body that breaks off in the middle, or comes slowly. */
function slowed(answer: CoreAnswer, signal: AbortSignal): Response {
  const whole = answer.response();
  const bytes = new TextEncoder().encode(answer.body);
  const cut = answer.end === 'cut';
  const [pieceBytes, pieceMs] = cut ? [Math.ceil(bytes.length / 2), 0] : [answer.pieceBytes, answer.pieceMs];
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (cut && at > 0) return controller.error(broken());
      if (at >= bytes.length) return controller.close();
      signal.throwIfAborted();
      if (pieceMs > 0) await pause(pieceMs, signal);
      controller.enqueue(bytes.slice(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
  return new Response(body, { status: whole.status, headers: whole.headers });
}

/**
 * A WorkOS Vault in memory, to develop and test against: the service's wire format, real envelope encryption,
 * versions, locks, customer keys, audit events, and faults on demand. Lives in this process; nothing leaves it.
 *
 * @example
 * ```ts
 * const emulator = new VaultEmulator();
 * const vault = new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
 * ```
 */
export class VaultEmulator {
  /** The first accepted API key. */
  readonly apiKey: string;
  readonly #core: CoreEmulator;

  /** @throws {Error} Naming the option that is wrong. */
  constructor(options: VaultEmulatorOptions = {}) {
    this.#core = new CoreEmulator(json(options), Date.now());
    this.apiKey = options.apiKeys?.[0] ?? 'sk_test_emulator';
  }

  /** A `fetch` that this Vault answers, whatever the host. Can be passed on without its object. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const answer = (await this.#core.fetch(request, Date.now())) as CoreAnswer;
    try {
      if (answer.delayMs > 0) await pause(answer.delayMs, signal);
      if (answer.end === 'reset') throw broken();
      return answer.end === 'whole' ? (answer.response() as Response) : slowed(answer, signal);
    } finally {
      answer.free();
    }
  };

  /** Answers a request that is in parts: for hosts that have no `Request`. @internal */
  handle(
    method: string,
    target: string,
    headers: { authorization?: string; idempotencyKey?: string; contentType?: string },
    body: Uint8Array,
  ): CoreAnswer {
    const { authorization, idempotencyKey, contentType } = headers;
    return this.#core.handle(method, target, authorization, idempotencyKey, contentType, body, Date.now());
  }

  /** How many objects there are, in all environments. */
  get objectCount(): number {
    return this.#core.objectCount;
  }

  /** Sets the Vault's clock ahead, by milliseconds. */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError('ms: expected milliseconds, 0 or more');
    this.#core.advance(ms);
  }

  /** Sets the Vault's clock, which goes on from there. */
  setTime(at: Date): void {
    const ms = at.getTime();
    if (!(ms >= 0)) throw new RangeError('at: expected a valid Date, 1970 or later');
    this.#core.setTime(ms, Date.now());
  }

  /** The rules by which requests go wrong, in place of those before. @throws {Error} Naming what is wrong. */
  setFaults(faults: Fault[]): void {
    this.#core.setFaults(json(faults));
  }

  /** Adds a customer-managed key: what is written from now on is under it. */
  addCustomerKey(key: CustomerKey, environment?: ForEnvironment): void {
    this.#core.addCustomerKey(json(key), environment?.apiKey, Date.now());
  }

  /**
   * Gives or takes away the Vault's access to an organization's customer-managed key. What is taken away is so at
   * once; what is given takes effect after `customerKeyDelayMs`.
   */
  setCustomerKeyAccess(organizationId: string, accessible: boolean, environment?: ForEnvironment): void {
    this.#core.setCustomerKeyAccess(organizationId, accessible, environment?.apiKey, Date.now());
  }

  /** Deletes an organization's customer-managed key: what it wrapped can never be read again. */
  deleteCustomerKey(organizationId: string, environment?: ForEnvironment): void {
    this.#core.deleteCustomerKey(organizationId, environment?.apiKey, Date.now());
  }

  /** The last 10,000 events of the audit log, oldest first; those of the names given, or all. */
  events<Name extends VaultEventName = VaultEventName>(
    options?: Partial<Pick<ListEventsOptions<Name>, 'events' | 'organizationId'>> & ForEnvironment,
  ): VaultEvent<Name>[] {
    const found: VaultEvent<Name>[] = [];
    const names = options?.events ?? vaultEventNames;
    const query = { events: names.join(','), organization_id: options?.organizationId, limit: '100' };
    for (let after: string | undefined; ; ) {
      const page = this.#core.events(json({ ...query, after }), options?.apiKey, Date.now()) as {
        data: { id: string; event: string; created_at: string; data: Record<string, unknown> }[];
        list_metadata: { after: string | null };
      };
      for (const { id, event, created_at, data } of page.data)
        found.push(eventOf({ id, event, createdAt: new Date(created_at), data }));
      if (page.list_metadata.after === null) return found;
      after = page.list_metadata.after;
    }
  }

  /** Creates objects, all or none. @throws {Error} Naming what is wrong. @returns How many there are. */
  seed(seed: Seed, environment?: ForEnvironment): number {
    return this.#core.seed(json(seed), environment?.apiKey, Date.now());
  }

  /**
   * As it was made: no objects, also none of a seed, no events, no faults but those of its options. The clock stays as
   * it is.
   */
  reset(): void {
    this.#core.reset(Date.now());
  }

  /**
   * Everything it holds, as text: for {@link restore}, here or in another process. Keys and values stand in it
   * readable to whoever has it. Not in it: the audit log, Idempotency-Keys, faults, the clock.
   */
  snapshot(): string {
    return this.#core.snapshot();
  }

  /**
   * Puts back what a snapshot holds, in place of everything there is.
   * @throws {Error} Naming the line, if it is damaged; then all stays as it was.
   */
  restore(snapshot: string): void {
    this.#core.restore(snapshot, Date.now());
  }

  /** Notes every change from now on, for {@link takeChanges}. */
  watchChanges(): void {
    this.#core.watchChanges();
  }

  /**
   * What changed since this was last asked: lines that, added to a snapshot, make it the present one. Empty where
   * nothing did. For those who keep it: a file, a Durable Object. Each line is JSON: `[name, value]`, `null` for what
   * is gone; a line that is an object begins everything anew.
   */
  takeChanges(): string {
    return this.#core.takeChanges();
  }
}
