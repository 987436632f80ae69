// The suite on a page, as a module: leaves its outcomes where the driver finds them.
import { type Outcome, runAll } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

(globalThis as { outcomes?: Promise<Outcome[]> }).outcomes = runAll(suite);
