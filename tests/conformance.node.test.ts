import { describe, test } from 'node:test';
import { suite } from './conformance/suite.ts';

describe(`conformance: Node ${process.versions.node}`, () => {
  for (const { name, run } of suite) test(name, run);
});
