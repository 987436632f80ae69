// A clock for tests of waiting: time passes only when nothing else is left to do, and then at once.
const real = { setTimeout, clearTimeout, now: Date.now, setImmediate };

interface Timer {
  at: number;
  run: () => void;
}

/** How many turns of the event loop without an end count as idle. */
const IDLE_TURNS = 12;
/** Timers as far off as deadlines are let run out only after so many more turns: something real may be under way. */
const FAR_MS = 20_000;
const FAR_TURNS = 2_000;

/**
 * Runs a function under a clock of its own, for everything that uses `setTimeout` and `Date.now`, and gives the time
 * that passed on it, in milliseconds, with the outcome.
 */
export async function underClock<T>(
  run: () => Promise<T>,
): Promise<{ outcome: PromiseSettledResult<T>; ms: number }> {
  const timers = new Map<number, Timer>();
  const started = real.now();
  let [now, next] = [started, 1];
  const later = (callback: (...parameters: unknown[]) => void, ms = 0, ...parameters: unknown[]) => {
    const id = next++;
    timers.set(id, { at: now + Math.max(ms, 0), run: () => callback(...parameters) });
    return id;
  };
  Object.assign(globalThis, { setTimeout: later, clearTimeout: (id: number) => timers.delete(id) });
  Date.now = () => now;
  try {
    let outcome: PromiseSettledResult<T> | undefined;
    Promise.allSettled([run()]).then(([settled]) => {
      outcome = settled;
    });
    for (let turns = 0; outcome === undefined; turns++) {
      await new Promise<void>((resolve) => real.setImmediate(resolve));
      if (turns < IDLE_TURNS) continue;
      const [id, timer] = [...timers].reduce<[number, Timer] | []>(
        (first, one) => (first[1] === undefined || one[1].at < first[1].at ? one : first),
        [],
      );
      if (id === undefined || timer === undefined || (timer.at - now > FAR_MS && turns < FAR_TURNS)) {
        if (turns > 20 * FAR_TURNS) throw new Error('it hangs: nothing is under way, and no timer runs');
        continue;
      }
      timers.delete(id);
      now = Math.max(now, timer.at);
      timer.run();
      turns = 0;
    }
    return { outcome, ms: now - started };
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
  }
}
