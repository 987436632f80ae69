// What one call asks for, from its start to its end: time-out, signal, Idempotency-Key.
import { enter, failed, isUnderWay, leave, type VaultError } from '../errors.js';
import { member } from './runtime.js';

function aborted(cause: unknown): VaultError {
  return failed('aborted', 'the call was aborted by its signal', '', cause);
}

type Fail = (error: VaultError) => void;

/** Calls that end together, if they are not answered, and so need one signal. */
export interface Group {
  readonly controller: AbortController;
  /** Those of them that are under way. */
  readonly cuts: Cut[];
  /** Takes one out. */
  leave(cut: Cut): void;
}

/** Ends work early, once: after a time, or when a signal fires. */
export class Cut {
  /** Among what is under way. */
  place = -1;
  /** Made for who asks, as not every call sends something; or its group's. */
  #controller: AbortController | undefined;
  readonly #group: Group | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Of the work that is raced: seldom more than one, for which a set would be dear. */
  readonly #fails: Fail[] = [];
  #onAbort: (() => void) | undefined;
  #error: VaultError | undefined;

  constructor(timeoutMs: number, signal?: AbortSignal, group?: Group) {
    if (signal !== undefined && member(signal, 'aborted')) throw aborted(member(signal, 'reason'));
    this.#signal = signal;
    this.#group = group;
    this.#controller = group?.controller;
    group?.cuts.push(this);
    this.#timer = setTimeout(() => {
      // All are to hear that their time is over before `fetch` says something.
      for (const cut of group?.cuts ?? [this]) cut.end(failed('timeout', `no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    if (signal !== undefined) {
      this.#onAbort = () => this.end(aborted(member(signal, 'reason')));
      // A proxy of a signal is one for `instanceof`, and for nothing else.
      try {
        signal.addEventListener('abort', this.#onAbort);
      } catch {}
    }
    enter(this);
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // What has ended before somebody asks is to send nothing.
      if (this.#error !== undefined) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Ends the work. */
  end(error: VaultError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const fail of this.#fails) fail(error);
    // In a Worker this throws where the request that made the controller is over, and this is another's time.
    try {
      this.#controller?.abort();
    } catch {}
  }

  /** Ends it from within: another of its requests has failed, or nobody waits any more. */
  cancel(): void {
    if (isUnderWay(this)) this.end(aborted(undefined));
  }

  /** Fails where it is ended. */
  check(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** What the work comes to, unless it is ended before. */
  race<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) reject(this.#error);
      const fails = this.#fails;
      fails.push(reject);
      const forget = () => {
        fails.splice(fails.indexOf(reject), 1);
      };
      work.then(
        (value) => {
          forget();
          resolve(value);
        },
        (error: unknown) => {
          forget();
          reject(error);
        },
      );
    });
  }

  /** Clears timer and listener. */
  close(): void {
    clearTimeout(this.#timer);
    leave(this);
    this.#group?.leave(this);
    if (this.#onAbort === undefined) return;
    try {
      this.#signal?.removeEventListener('abort', this.#onAbort);
    } catch {}
  }
}

/** What a call is asked for, before its clock runs. */
export interface Asked {
  signal?: AbortSignal | undefined;
  idempotencyKey?: string | undefined;
  timeoutMs?: number | undefined;
  attemptTimeoutMs?: number | undefined;
  /** Of encryption: whether the envelope is to have the Go SDK's layout. */
  layout?: boolean;
  /** Of streams. */
  associatedData?: unknown;
  /** Of streams. */
  chunkSize?: number;
}

/** What an entry has its runtime do when a call's clock starts; it may put one that nothing but its time ends early
 * into a group. */
let onStart: ((timeoutMs: number, now: number, mayShare: boolean) => Group | undefined) | undefined;
export function provideStart(starts: typeof onStart): void {
  onStart = starts;
}

/** A call under way. However many requests it makes, they share its deadline and its signal. */
export class Call extends Cut {
  readonly idempotencyKey: string | undefined;
  /** How long each attempt may take, where that is less. */
  readonly attemptTimeoutMs: number | undefined;
  readonly #deadline: number;

  /** @param mayShare Whether nobody cancels it. */
  constructor(
    asked: Asked,
    defaults: { timeoutMs: number; attemptTimeoutMs: number | undefined },
    mayShare: boolean,
  ) {
    const { signal, idempotencyKey, timeoutMs = defaults.timeoutMs } = asked;
    const now = Date.now();
    super(timeoutMs, signal, onStart?.(timeoutMs, now, mayShare && signal === undefined));
    this.idempotencyKey = idempotencyKey;
    this.attemptTimeoutMs = asked.attemptTimeoutMs ?? defaults.attemptTimeoutMs;
    this.#deadline = now + timeoutMs;
  }

  /** Milliseconds until the deadline. */
  get leftMs(): number {
    return this.#deadline - Date.now();
  }

  /** Waits, unless the call ends before. */
  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.race(
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, ms);
        }),
      );
    } finally {
      clearTimeout(timer);
    }
  }
}
