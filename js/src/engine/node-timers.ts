// Node has a list of timers for each length, which it makes for the first of them and drops with the last: half a
// microsecond to one and a half for a call that begins when none is under way.
import { TIMEOUT_DEFAULT_MS } from './settings.js';

/** Keeps the list of the default time-out, which most calls have, by a timer that does nothing and holds up no process. */
export function keepList(): void {
  const timer = setInterval(() => {}, TIMEOUT_DEFAULT_MS) as unknown as {
    _idleNext?: unknown;
    unref(): void;
  };
  // It is in a list. What other runtimes have is not, nor what stands in for a test's clock.
  if (timer._idleNext) timer.unref();
  else clearInterval(timer as never);
}
