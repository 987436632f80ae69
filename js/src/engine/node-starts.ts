// What Node makes dear at the start of a call: the first timer of a length, and, before Node 22, a signal.
import { isWorkerd } from './runtime.js';
import { TIMEOUT_DEFAULT_MS } from './settings.js';

let keptUntil = 0;

/**
 * Node has a list of timers for each length, which it makes for the first of them and drops with the last: half a
 * microsecond to one and a half for a call that begins when none is under way. This keeps the list of the default
 * time-out, which most calls have, by a timer that does nothing and holds up no process. It lasts no longer than such a
 * time-out, so that it keeps no request's context for long; what it calls is the runtime's, so that it keeps no realm.
 */
function keepList(timeoutMs: number, now: number): void {
  if (timeoutMs !== TIMEOUT_DEFAULT_MS || now < keptUntil) return;
  keptUntil = now + timeoutMs;
  const timer = setTimeout(clearTimeout, timeoutMs) as unknown as { _idleNext?: unknown; unref(): void };
  // It is in a list. What other runtimes have is not, nor what stands in for a test's clock.
  if (timer._idleNext) timer.unref();
  else clearTimeout(timer as never);
}

/** Most calls that share a signal. Whoever stands in for `fetch` may leave two listeners of each on it before Node warns of
 * a leak (`events.defaultMaxListeners`). */
const SHARE_MAX = 5;
/** Shorter ones would be cut by more than a thousandth. */
const SHARE_MIN_MS = 1000;

const { process } = globalThis as { process?: { versions?: Record<string, string | undefined> } };
const { node, deno, bun } = process?.versions ?? {};
/** In Node before 22. Others tell which Node they are like; in workerd a signal belongs to the request that made it. */
const areSignalsDear = !isWorkerd && !deno && !bun && Number.parseInt(node ?? '', 10) < 22;

let shared: AbortController | undefined;
let [sharedBy, sharedFor, sharedAt] = [0, 0, 0];

/**
 * A signal takes Node before 22 two microseconds, a tenth of such a call. Calls that begin in the same millisecond with the
 * same time to take end, if they are not answered, together: those need only one. It is aborted at that time alone.
 */
function sharedController(timeoutMs: number, now: number): AbortController | undefined {
  if (timeoutMs < SHARE_MIN_MS) return undefined;
  const isOther = now !== sharedAt || timeoutMs !== sharedFor || sharedBy === SHARE_MAX;
  if (shared === undefined || isOther || shared.signal.aborted) {
    shared = new AbortController();
    [sharedBy, sharedFor, sharedAt] = [0, timeoutMs, now];
  }
  sharedBy++;
  return shared;
}

/** @param mayShare Whether nothing but its time ends the call early. */
export function onNodeStart(timeoutMs: number, now: number, mayShare: boolean): AbortController | undefined {
  keepList(timeoutMs, now);
  return areSignalsDear && mayShare ? sharedController(timeoutMs, now) : undefined;
}
