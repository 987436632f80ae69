// Node has a list of timers for each length, which it makes for the first of them and drops with the last: half a
// microsecond to one and a half for a call that begins when none is under way.
import { TIMEOUT_DEFAULT_MS } from './settings.js';

let keptUntil = 0;

/**
 * Keeps the list of the default time-out, which most calls have, by a timer that does nothing and holds up no process. It
 * lasts no longer than such a time-out, so that it keeps no request's context for long; what it calls is the runtime's, so
 * that it keeps no realm.
 */
export function keepList(timeoutMs: number, now: number): void {
  if (timeoutMs !== TIMEOUT_DEFAULT_MS || now < keptUntil) return;
  keptUntil = now + timeoutMs;
  const timer = setTimeout(clearTimeout, timeoutMs) as unknown as { _idleNext?: unknown; unref(): void };
  // It is in a list. What other runtimes have is not, nor what stands in for a test's clock.
  if (timer._idleNext) timer.unref();
  else clearTimeout(timer as never);
}
