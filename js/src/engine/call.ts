// What one call asks for, from its start to its end: time-out, signal, Idempotency-Key.
import { enter, failed, isUnderWay, leave, type VaultError } from '../errors.js';
import { member } from './runtime.js';

function aborted(cause: unknown): VaultError {
  return failed('aborted', 'the call was aborted by its signal', '', cause);
}

type Fail = (error: VaultError) => void;

/** Ends work early, once: after a time, or when a signal fires. */
export class Cut {
  /** Among what is under way. */
  place = -1;
  /** Made for who asks: not every call sends something. */
  #controller: AbortController | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Of the work that is raced. There is seldom more than one, for which a set would be dear. */
  #fail: Fail | undefined;
  #others: Set<Fail> | undefined;
  #onAbort: (() => void) | undefined;
  #error: VaultError | undefined;

  constructor(timeoutMs: number, signal?: AbortSignal) {
    if (signal !== undefined && member(signal, 'aborted')) throw aborted(member(signal, 'reason'));
    this.#signal = signal;
    this.#timer = setTimeout(
      () => this.end(failed('timeout', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
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
    const others = [...(this.#others ?? [])];
    this.#fail?.(error);
    for (const fail of others) fail(error);
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
      if (this.#fail === undefined) this.#fail = reject;
      else {
        this.#others ??= new Set();
        this.#others.add(reject);
      }
      const forget = () => {
        if (this.#fail === reject) this.#fail = undefined;
        else this.#others?.delete(reject);
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

/** What an entry has its runtime do when a call's clock starts. */
let onStart: ((timeoutMs: number, now: number) => void) | undefined;
export function provideStart(starts: typeof onStart): void {
  onStart = starts;
}

/** A call under way. However many requests it makes, they share its deadline and its signal. */
export class Call extends Cut {
  readonly idempotencyKey: string | undefined;
  /** How long each attempt may take, where that is less. */
  readonly attemptTimeoutMs: number | undefined;
  readonly #deadline: number;

  constructor(asked: Asked, defaults: { timeoutMs: number; attemptTimeoutMs: number | undefined }) {
    const { signal, idempotencyKey, timeoutMs = defaults.timeoutMs } = asked;
    const now = Date.now();
    onStart?.(timeoutMs, now);
    super(timeoutMs, signal);
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
