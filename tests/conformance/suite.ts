// The conformance suite: what must hold in every runtime. One list of cases, a thin host for each runtime.
import type { Case } from './case.ts';
import { contexts } from './contexts.ts';
import { dataKeys } from './data-keys.ts';
import { emulator } from './emulator.ts';
import { faults } from './faults.ts';
import { hostile } from './hostile.ts';
import { keys } from './keys.ts';
import { localEncryption } from './local.ts';
import { objects } from './objects.ts';
import { streams } from './streams.ts';
import { tenants } from './tenants.ts';
import { transport } from './transport.ts';
import { wycheproof } from './wycheproof.ts';

const group = (name: string, cases: Case[]): Case[] =>
  cases.map((one) => ({ ...one, name: `${name}: ${one.name}` }));

export const suite: Case[] = [
  ...group('objects', objects),
  ...group('contexts', contexts),
  ...group('keys', keys),
  ...group('local encryption', localEncryption),
  ...group('data keys', dataKeys),
  ...group('streams', streams),
  ...group('wycheproof', wycheproof),
  ...group('tenants', tenants),
  ...group('transport', transport),
  ...group('emulator', emulator),
  ...group('faults', faults),
  ...group('hostile', hostile),
];
