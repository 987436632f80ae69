// The suite as a script: leaves its outcomes, as JSON, where the host finds them.
import 'workos-vault-edge/cipher';
import { runAll } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

(globalThis as { outcomes?: Promise<string> }).outcomes = runAll(suite).then((all) => JSON.stringify(all));
