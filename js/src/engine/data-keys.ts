// Data keys that are kept: for each context the one in use, and those that were unwrapped. A keyring has some for its one
// context; a client's cache for as many as it may.
import { failed } from '../errors.js';
import type { DataKeyCounters } from '../types.js';
import { type Call, Cut } from './call.js';
import type { SharedKey } from './cipher.js';
import type { Engine } from './engine.js';
import type { Request } from './requests.js';

/** What a key may be used for. */
export interface Bounds {
  /** How long a key is used, in milliseconds from when it came. */
  maxAgeMs: number;
  /** How many messages are encrypted with it. */
  maxMessages: number;
  /** How many bytes are encrypted with it. */
  maxBytes: number;
  /** How many keys are kept for decryption; the one used longest ago gives way. */
  maxOpened: number;
  /** For how many contexts a key is kept; the one used longest ago gives way. */
  maxContexts: number;
}

/**
 * After so long a request for a key is given up for lost (the Worker's request that sent it may have been cancelled, and
 * then it never settles), and whoever needs the key sends another.
 */
const LOST_AFTER_MS = 10_000;
/**
 * The same for a request that nobody waits for, as it was sent ahead: in workerd it ends with the Worker's request that
 * sent it, which may be long over.
 */
const AHEAD_LOST_AFTER_MS = 1_000;

/** How much a key was used. */
export type Used = Pick<SharedKey, 'born' | 'messages' | 'bytes'>;

/** The next key is fetched when so much of a bound is used up. */
const AHEAD = 0.9;

/** What to do for a message of so many bytes: use the key, use it and fetch the next, or fetch the next. */
export const [USE, AHEAD_TOO, RENEW] = [0, 1, 2] as const;

export function choice(key: Used, bounds: Bounds, now: number, bytes: number): 0 | 1 | 2 {
  const age = now - key.born;
  const used = [
    age / bounds.maxAgeMs,
    (key.messages + 1) / bounds.maxMessages,
    (key.bytes + bytes) / bounds.maxBytes,
  ];
  const most = Math.max(...used);
  // A clock that went back says nothing of a key's age.
  if (age < 0 || most > 1) return RENEW;
  return most >= AHEAD ? AHEAD_TOO : USE;
}

/** A request that several may wait for. What it brings is handed to each of them, whatever became of the kept keys in
 * the meantime. */
class Flight {
  readonly #since = Date.now();
  readonly #lostAfterMs: number;
  readonly #call: Call;
  readonly #settled: Promise<unknown>;
  #waiting = 0;
  #isSettled = false;
  /** Whether another was sent in its place. */
  replaced = false;
  /** The key, once it is there; nothing where the service did not take the blob. */
  #key: SharedKey | undefined;

  /** Starts it, under the client's time-out. Nobody has to wait: its failure is told to those who do. */
  constructor(
    engine: Engine,
    lostAfterMs: number,
    work: (call: Call, flight: Flight) => Promise<SharedKey | undefined>,
  ) {
    this.#lostAfterMs = lostAfterMs;
    const call = engine.start({});
    this.#call = call;
    this.#settled = (async () => {
      try {
        // Hooks and `fetch` are others' code, and may come back here: first this has to be where it is looked for.
        await null;
        this.#key = await work(call, this);
        return undefined;
      } catch (error) {
        return error;
      } finally {
        call.close();
        this.#isSettled = true;
        this.#letGo();
      }
    })();
  }

  /** How long it is still believed in; 0 where it is lost. A clock that went back says nothing of its age. */
  get leftMs(): number {
    const age = Date.now() - this.#since;
    return age < 0 ? 0 : Math.max(this.#lostAfterMs - age, 0);
  }

  get isUnderWay(): boolean {
    return this.leftMs > 0;
  }

  /** Ends it in favor of another, when whoever calls is done: ending it runs others' code. */
  giveUp(): void {
    this.replaced = true;
    queueMicrotask(() => this.cancel());
  }

  cancel(): void {
    this.#call.cancel();
  }

  #letGo(): void {
    if (this.#waiting > 0 || !this.#isSettled) return;
    this.#key?.release();
    this.#key = undefined;
  }

  /**
   * Waits until it has settled, or has to be given up for lost. `take` is then called with the key, where there is one,
   * and holds it where it is needed.
   * @returns The error, or whether it has settled.
   */
  async wait(call: Call, take: (key: SharedKey | undefined) => void): Promise<{ error: unknown } | boolean> {
    const leftMs = this.leftMs;
    if (leftMs === 0) return false;
    this.#waiting++;
    const patience = new Cut(leftMs);
    try {
      const error = await call.race(patience.race(this.#settled).catch(() => LOST));
      if (error === LOST || (error !== undefined && this.replaced)) return false;
      if (error !== undefined) return { error };
      take(this.#key);
      return true;
    } finally {
      patience.close();
      this.#waiting--;
      this.#letGo();
    }
  }
}

const LOST = Symbol('lost');

/** A context's key in use, and the request for the next. */
interface Slot {
  active?: SharedKey | undefined;
  renewing?: Flight | undefined;
}

/** An unwrapped key. */
interface Opened {
  key: SharedKey;
  /** The context it is wrapped under, where that is known: `decryptDataKey` does not tell it. */
  contextKey: string | undefined;
}

export class DataKeys {
  readonly #bounds: Bounds;
  /** By context, the one used longest ago first. */
  readonly #slots = new Map<string, Slot>();
  /** By key blob, the one used longest ago first. */
  readonly #opened = new Map<string, Opened>();
  readonly #opening = new Map<string, Flight>();
  readonly #counters: DataKeyCounters = { hits: 0, misses: 0, apiCalls: 0 };
  /** No key was born before. */
  #oldest = 0;
  #closed = false;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get counters(): DataKeyCounters {
    return { ...this.#counters };
  }

  /** Refuses more bytes than one key may encrypt. */
  check(bytes: number): void {
    if (bytes > this.#bounds.maxBytes)
      throw failed('invalid_request', 'more than the maxBytes that one data key may encrypt', 'data');
  }

  /** The key for a message of so many bytes, counted, for the caller to release: at once, where it is at hand. */
  pair(engine: Engine, create: Request, bytes: number, call: Call): SharedKey | Promise<SharedKey> {
    this.check(bytes);
    const found = this.#lookFor(engine, create, bytes);
    if (!(found instanceof Flight)) {
      this.#counters.hits++;
      return found;
    }
    this.#counters.misses++;
    return this.#pairBy(found, engine, create, bytes, call);
  }

  async #pairBy(
    flight: Flight,
    engine: Engine,
    create: Request,
    bytes: number,
    call: Call,
  ): Promise<SharedKey> {
    for (;;) {
      await this.#wait(flight, call, () => {});
      const found = this.#lookFor(engine, create, bytes);
      if (!(found instanceof Flight)) return found;
      flight = found;
    }
  }

  #open(): void {
    if (this.#closed)
      throw failed('invalid_request', 'the data keys are closed; make another keyring, or client');
  }

  /** The key at hand, or what to wait for. */
  #lookFor(engine: Engine, create: Request, bytes: number): SharedKey | Flight {
    this.#open();
    this.#wipeOld();
    const { contextKey } = create;
    let slot = this.#slots.get(contextKey);
    if (slot === undefined) {
      this.#makeRoom();
      slot = {};
    } else this.#slots.delete(contextKey);
    // As the one used last.
    this.#slots.set(contextKey, slot);
    const what = slot.active === undefined ? RENEW : choice(slot.active, this.#bounds, Date.now(), bytes);
    if (what !== USE && !slot.renewing?.isUnderWay) {
      this.#counters.apiCalls++;
      const lost = slot.renewing;
      slot.renewing = this.#renew(engine, create, what === RENEW ? LOST_AFTER_MS : AHEAD_LOST_AFTER_MS);
      lost?.giveUp();
    }
    const { active } = slot;
    if (active !== undefined && what !== RENEW) {
      active.messages++;
      active.bytes += bytes;
      return active.hold();
    }
    return slot.renewing as Flight;
  }

  /** Wipes the keys that are past their age, also those that nobody asks for any more. */
  #wipeOld(): void {
    const now = Date.now();
    const isYoung = (born: number) => now >= born && now - born <= this.#bounds.maxAgeMs;
    if (isYoung(this.#oldest)) return;
    this.#oldest = now;
    const stays = ({ born }: SharedKey) => {
      if (!isYoung(born)) return false;
      this.#oldest = Math.min(this.#oldest, born);
      return true;
    };
    for (const slot of this.#slots.values())
      if (slot.active !== undefined && !stays(slot.active)) {
        slot.active.release();
        slot.active = undefined;
      }
    for (const [blob, { key }] of this.#opened)
      if (!stays(key)) {
        this.#opened.delete(blob);
        key.release();
      }
  }

  /** Drops the context used longest ago where there are too many. One that a key is on its way for stays. */
  #makeRoom(): void {
    for (const [contextKey, slot] of this.#slots) {
      if (this.#slots.size < this.#bounds.maxContexts) return;
      if (slot.renewing?.isUnderWay) continue;
      this.#slots.delete(contextKey);
      slot.active?.release();
    }
  }

  /** Fetches a context's next key, for whoever waits. */
  #renew(engine: Engine, create: Request, lostAfterMs: number): Flight {
    const { contextKey } = create;
    return new Flight(engine, lostAfterMs, async (call, flight) => {
      let key: SharedKey | undefined;
      try {
        key = await engine.fetchKey(create, call);
        this.learn(key, contextKey);
        return key;
      } finally {
        const slot = this.#slots.get(contextKey);
        if (slot !== undefined) {
          if (!flight.replaced) slot.renewing = undefined;
          // Whoever waits comes at once: it is not the one to give way.
          this.#slots.delete(contextKey);
          this.#slots.set(contextKey, slot);
          if (key !== undefined && !this.#closed) {
            slot.active?.release();
            slot.active = key.keep();
          }
        }
      }
    });
  }

  /** Keeps a key whose context is known, for decryption. */
  learn(key: SharedKey, contextKey: string): void {
    this.#keep(key.keys, key, contextKey);
  }

  #keep(blob: string, key: SharedKey, contextKey: string | undefined): void {
    if (this.#closed) return;
    this.#wipeOld();
    this.#opened.get(blob)?.key.release();
    this.#opened.delete(blob);
    this.#opened.set(blob, { key: key.keep(), contextKey });
    for (const [last, { key }] of this.#opened) {
      if (this.#opened.size <= this.#bounds.maxOpened) return;
      this.#opened.delete(last);
      key.release();
    }
  }

  /** The context that a blob's key is known to be wrapped under. */
  contextOf(blob: string): string | undefined {
    return this.#opened.get(blob)?.contextKey;
  }

  /** The key of a blob, for the caller to release; nothing where the service does not take it. */
  async open(
    blob: string,
    engine: Engine,
    call: Call,
    unwrap: (blob: string, call: Call) => Promise<SharedKey | undefined>,
  ): Promise<SharedKey | undefined> {
    for (let again = false; ; again = true) {
      this.#open();
      this.#wipeOld();
      const kept = this.#opened.get(blob);
      if (kept !== undefined) {
        if (!again) this.#counters.hits++;
        this.#opened.delete(blob);
        this.#opened.set(blob, kept);
        return kept.key.hold();
      }
      if (!again) this.#counters.misses++;
      // Without a cache there is nowhere for a shared answer to be left.
      if (this.#bounds.maxOpened === 0) {
        this.#counters.apiCalls++;
        return unwrap(blob, call);
      }
      let flight = this.#opening.get(blob);
      if (!flight?.isUnderWay) {
        this.#counters.apiCalls++;
        flight = this.#fetch(blob, engine, unwrap);
        for (const [other, lost] of this.#opening)
          if (!lost.isUnderWay) {
            this.#opening.delete(other);
            lost.giveUp();
          }
        this.#opening.set(blob, flight);
      }
      let key: SharedKey | undefined;
      if (await this.#wait(flight, call, (found) => (key = found?.hold()))) return key;
    }
  }

  #fetch(
    blob: string,
    engine: Engine,
    unwrap: (blob: string, call: Call) => Promise<SharedKey | undefined>,
  ): Flight {
    return new Flight(engine, LOST_AFTER_MS, async (call, flight) => {
      try {
        const key = await unwrap(blob, call);
        if (key !== undefined) this.#keep(blob, key, undefined);
        return key;
      } finally {
        if (!flight.replaced) this.#opening.delete(blob);
      }
    });
  }

  /** Waits for another's request: whether it has settled, rather than being given up for lost. */
  async #wait(flight: Flight, call: Call, take: (key: SharedKey | undefined) => void): Promise<boolean> {
    const outcome = await flight.wait(call, take);
    if (typeof outcome === 'boolean') return outcome;
    // That is what ended it.
    this.#open();
    throw outcome.error;
  }

  /** Wipes every key and ends the requests for more. Whatever is called afterwards fails. */
  close(): void {
    this.#closed = true;
    const flights = [...this.#opening.values()];
    for (const slot of this.#slots.values()) {
      slot.active?.release();
      slot.active = undefined;
      if (slot.renewing) flights.push(slot.renewing);
    }
    for (const { key } of this.#opened.values()) key.release();
    this.#slots.clear();
    this.#opened.clear();
    this.#opening.clear();
    // What is ended may come back here.
    for (const flight of flights) flight.cancel();
  }
}
