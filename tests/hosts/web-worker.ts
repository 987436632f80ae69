// The suite in a Web Worker: posts its outcomes.
import { runAll } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

postMessage(await runAll(suite));
