// Reports outcomes from another runtime as tests of this one.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Outcome } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

/** Adds a line to the table of what passed where, which `cargo xtask test` prints at its end. */
export function tabulate(runtime: string, passed: number, failed: number): void {
  const table = process.env.CONFORMANCE_TABLE;
  if (table) appendFileSync(table, `${runtime}\t${passed}\t${failed}\n`);
}

/** @param more Names of cases that only this runtime's host has. */
export function report(runtime: string, run: () => Promise<Outcome[]>, more: string[] = []): void {
  const names = [...suite.map(({ name }) => name), ...more];
  describe(`conformance: ${runtime}`, async () => {
    const outcomes = run();
    // A host that fails to start fails every case, each with the reason.
    outcomes.catch(() => {});
    for (const name of names) {
      test(name, async () => {
        const outcome = (await outcomes).find((one) => one.name === name);
        assert.ok(outcome, 'the case did not run');
        assert.equal(outcome.error, undefined, outcome.error);
      });
    }
    after(async () => {
      const all = await outcomes.catch(() => []);
      const passed = names.filter((name) => all.some((one) => one.name === name && !one.error)).length;
      tabulate(runtime, passed, names.length - passed);
    });
  });
}

/** Starts a program of another runtime, whose last line of output is its outcomes as JSON. */
export async function outcomesOf(program: string, parameters: string[], cwd?: string): Promise<Outcome[]> {
  const { stdout } = await promisify(execFile)(program, parameters, {
    cwd,
    maxBuffer: 64 << 20,
    timeout: 180_000,
  });
  return JSON.parse(stdout.trim().split('\n').pop() ?? '') as Outcome[];
}
