// What Node makes dear at the start of a call: the first timer of a length, and, before Node 22, a signal.
import type { Cut, Group } from './call.js';
import { builtin, isWorkerd } from './runtime.js';
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

const { process, setImmediate } = globalThis as {
  process?: { versions?: Record<string, string | undefined> };
  setImmediate?: (callback: () => void) => void;
};
const { node, deno, bun } = process?.versions ?? {};
/** In Node before 22. Others tell which Node they are like; in workerd a signal belongs to the request that made it. */
const areSignalsDear = !isWorkerd && !deno && !bun && Number.parseInt(node ?? '', 10) < 22;

/** Most calls of a group: what a signal costs is next to nothing by then, and those that have it are few. */
const GROUP_MAX = 16;
/** Calls with less time would lose more than a thousandth of it. */
const GROUP_MIN_MS = 1000;

interface Events {
  setMaxListeners(most: number, target: EventTarget): void;
}
const events = areSignalsDear ? builtin<Events>('node:events') : undefined;

class Together implements Group {
  readonly controller = new AbortController();
  readonly cuts: Cut[] = [];
  /** How many calls have joined it, those included that have ended. */
  joined = 0;
  readonly timeoutMs: number;
  readonly began: number;

  constructor(timeoutMs: number, began: number) {
    this.timeoutMs = timeoutMs;
    this.began = began;
  }

  takes(timeoutMs: number, now: number): boolean {
    const isTheirs = timeoutMs === this.timeoutMs && now === this.began;
    return isTheirs && this.joined < GROUP_MAX && !this.controller.signal.aborted;
  }

  leave(cut: Cut): void {
    const at = this.cuts.indexOf(cut);
    const last = at < 0 ? undefined : this.cuts.pop();
    if (last !== undefined && last !== cut) this.cuts[at] = last;
  }
}

let group: Together | undefined;
let isEnding = false;

/**
 * A signal takes Node before 22 two microseconds, a tenth of such a call. Calls that begin within a millisecond, and within
 * one turn of the event loop (the date may stand still, in tests), with the same time to take end, if they are not answered,
 * together, and so need only one.
 */
function groupOf(timeoutMs: number, now: number): Group | undefined {
  if (timeoutMs < GROUP_MIN_MS || !setImmediate || !events) return undefined;
  if (!group?.takes(timeoutMs, now)) {
    group = new Together(timeoutMs, now);
    // Each request leaves a listener on it, which Node takes for a leak from the eleventh on.
    events.setMaxListeners(0, group.controller.signal);
    // What listens holds the caller's context.
    if (!isEnding) setImmediate(end);
    isEnding = true;
  }
  group.joined++;
  return group;
}

function end(): void {
  group = undefined;
  isEnding = false;
}

/** @param mayShare Whether nothing but its time ends the call early. */
export function onNodeStart(timeoutMs: number, now: number, mayShare: boolean): Group | undefined {
  keepList(timeoutMs, now);
  return areSignalsDear && mayShare ? groupOf(timeoutMs, now) : undefined;
}
