// Node, Deno, Bun, and whatever has no way of its own to load a module: it is in the file, as base64. So it needs no
// permission, no file beside it, and nothing of a bundler.

import { initSync } from '../../wasm/emulator/emulator.js';
import { base64 } from '../../wasm/emulator/inline.js';
import { decodeOwn } from '../engine/runtime.js';

initSync({ module: decodeOwn(base64) });

export * from '../emulator.js';
