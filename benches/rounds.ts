// Rounds of both in turn (A B A B), so that whatever slows the machine for a while slows both.
import type { Pair } from './cases.ts';

/** One pair, measured: microseconds each time, a figure a round. */
export interface Measured {
  name: string;
  against: string;
  target: string;
  theirs: number[];
  ours: number[];
}

const ROUNDS = 9;
const WARM_MS = 500;

/** @param clock Milliseconds, of a clock that runs while the code does. */
export async function measure(pair: Pair, clock: () => number | Promise<number>): Promise<Measured> {
  if (pair.check && !(await pair.check())) throw new Error(`${pair.name}: the two do not do the same`);
  const once = async (run: () => Promise<unknown>, times: number) => {
    const started = await clock();
    for (let time = 0; time < times; time++) await run();
    return ((await clock()) - started) / times;
  };
  const result: Measured = {
    name: pair.name,
    against: pair.against ?? 'the official SDK',
    target: pair.target,
    theirs: [],
    ours: [],
  };
  // Warm, both alike and for as long: what is compiled after a while shall be.
  for (const run of [pair.theirs, pair.ours]) {
    const until = (await clock()) + WARM_MS;
    do await once(run, pair.times);
    while ((await clock()) < until);
  }
  for (let round = 0; round < (pair.rounds ?? ROUNDS); round++) {
    result.theirs.push((await once(pair.theirs, pair.times)) * 1000);
    result.ours.push((await once(pair.ours, pair.times)) * 1000);
  }
  return result;
}
