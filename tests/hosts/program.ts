// The suite as a program, for runtimes that run one: prints its outcomes, the last line of its output.
import { runAll } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

console.log(JSON.stringify(await runAll(suite)));
