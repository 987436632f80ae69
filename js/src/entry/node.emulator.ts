// Node, Bun and Deno: the module is read from its file, synchronously.
import { readFileSync } from 'node:fs';
import { initSync } from '../../wasm/emulator/emulator.js';

initSync({ module: readFileSync(new URL('../../wasm/emulator/emulator_bg.wasm', import.meta.url)) });

export * from '../emulator.js';
