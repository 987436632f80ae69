// The types alone: for code that must not load the module.
export type * from '../emulator.js';
export type * from '../index.js';
