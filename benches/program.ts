// The measurement as a program, for runtimes that run one: prints its results, the last line of its output.
import { alone, pairs } from './cases.ts';
import { type Measured, measure } from './rounds.ts';

const measured: Measured[] = [];
for (const pair of await pairs()) measured.push(await measure(pair, () => performance.now()));
console.log(JSON.stringify({ measured, alone: await alone() }));
