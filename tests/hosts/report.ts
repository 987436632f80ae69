// Reports outcomes from another runtime as tests of this one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Outcome } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

export function report(runtime: string, run: () => Promise<Outcome[]>): void {
  describe(`conformance: ${runtime}`, async () => {
    const outcomes = run();
    // A host that fails to start fails every case, each with the reason.
    outcomes.catch(() => {});
    for (const { name } of suite) {
      test(name, async () => {
        const outcome = (await outcomes).find((one) => one.name === name);
        assert.ok(outcome, 'the case did not run');
        assert.equal(outcome.error, undefined, outcome.error);
      });
    }
  });
}
