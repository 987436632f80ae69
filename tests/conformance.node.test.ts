import { after, describe, test } from 'node:test';
import { suite } from './conformance/suite.ts';
import { tabulate } from './hosts/report.ts';

const runtime = `Node ${process.versions.node}`;

describe(`conformance: ${runtime}`, () => {
  let passed = 0;
  for (const { name, run } of suite) {
    test(name, async () => {
      await run();
      passed++;
    });
  }
  after(() => tabulate(runtime, passed, suite.length - passed));
});
