// Whether to try again, and when: by what happened, the time left and a random number.
import { RETRYABLE, type VaultErrorCode } from '../errors.js';

/** Longest pause between two attempts that this client chooses or accepts. A `Retry-After` beyond it ends the call with
 * `rate_limited` rather than hold it for minutes. */
const PAUSE_MAX_MS = 30_000;
const RETRIES_DEFAULT = 3;
/** Upper bounds of the first pause, each further one doubling it, and of every pause that the service did not ask for. */
const [BASE_MS, CAP_MS] = [500, 8_000];
/** The same of `modifyObject`, whose pauses are short: the other writer is done already. */
const [MODIFY_BASE_MS, MODIFY_CAP_MS] = [20, 1_000];
/** Retries in store at most. */
const STORE = 100;

/** What is known when an attempt has failed. */
export interface Attempt {
  /** Which attempt it was; the first is 1. */
  number: number;
  /** Whether sending it twice ends in the same state as sending it once. */
  repeatable: boolean;
  /** Whether it was a success whose body was lost on its way. */
  lostBody: boolean;
  /** Whether this call has waited for a customer's key already. */
  waitedForKey: boolean;
  /** Milliseconds until the call's deadline. */
  leftMs: number;
  /** How it failed. */
  code: VaultErrorCode;
  /** How long the service asks to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/** Full jitter: uniform between nothing and `min(cap, base × 2^(attempt − 1))` (Brooker, "Exponential Backoff and Jitter",
 * AWS Architecture Blog, 2015). */
export function pause(baseMs: number, capMs: number, attempt: number, random = Math.random()): number {
  return Math.floor(Math.min(baseMs * 2 ** Math.min(attempt - 1, 16), capMs) * random);
}

export const modifyPause = (attempt: number) => pause(MODIFY_BASE_MS, MODIFY_CAP_MS, attempt);

/** Whether a request that failed so may have taken effect all the same. 429 and an inaccessible key did nothing. */
export function mayHaveLanded(code: VaultErrorCode): boolean {
  return ['server_error', 'network_error', 'timeout', 'malformed_response'].includes(code);
}

/**
 * A client's policy, and what all its calls may spend on retries together, so that an outage does not multiply the load on
 * the service: a hundred in store, half a one earned by each success. In the long run then at most one retry for two
 * successes, and none after a hundred where nothing succeeds.
 */
export class Retries {
  readonly #max: number;
  readonly #keyWaitMs: number | undefined;
  #store = STORE;

  /**
   * @param max Attempts after the first.
   * @param keyWaitMs How long to wait, once, for a customer's key that cannot be used: cloud IAM spreads slowly. Nothing:
   * such a call is not tried again. Not one of `max`, and beyond {@link PAUSE_MAX_MS} if so asked.
   */
  constructor(max: number | undefined, keyWaitMs: number | undefined) {
    this.#max = max ?? RETRIES_DEFAULT;
    this.#keyWaitMs = keyWaitMs;
  }

  /** Whether anything is ever sent twice. */
  get repeats(): boolean {
    return this.#max > 0 || this.#keyWaitMs !== undefined;
  }

  /** A success. */
  earn(): void {
    this.#store = Math.min(this.#store + 0.5, STORE);
  }

  /**
   * In how many milliseconds to try again; nothing to leave it at that. A request that is not repeatable is sent again
   * only after 429, when it surely did nothing.
   */
  decide(attempt: Attempt, random = Math.random()): number | undefined {
    const pauseMs = this.#pause(attempt, random);
    if (pauseMs === undefined || pauseMs >= attempt.leftMs || this.#store < 1) return undefined;
    this.#store--;
    return pauseMs;
  }

  #pause(attempt: Attempt, random: number): number | undefined {
    const { number, code, waitedForKey, retryAfterMs } = attempt;
    if (code === 'customer_key_inaccessible' && !waitedForKey) return this.#keyWaitMs;
    const mayHelp = RETRYABLE.includes(code) || attempt.lostBody;
    const mayRepeat = mayHelp && (attempt.repeatable || code === 'rate_limited');
    if (number - Number(waitedForKey) > this.#max || !mayRepeat) return undefined;
    const jittered = pause(BASE_MS, CAP_MS, number, random);
    if (retryAfterMs === undefined) return jittered;
    return retryAfterMs > PAUSE_MAX_MS
      ? undefined
      : Math.max(retryAfterMs, Math.min(jittered, retryAfterMs + BASE_MS));
  }
}

/**
 * `Retry-After` (RFC 9110, section 10.2.3) as milliseconds from now: seconds, or an HTTP-date, which always ends in `GMT`
 * and of which the runtime knows every form.
 */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  // Ten digits are three centuries.
  if (/^\d+$/.test(text)) return Number(text.slice(0, 10)) * 1000;
  const at = text.endsWith('GMT') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0);
}
