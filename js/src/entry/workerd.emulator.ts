// Cloudflare Workers: importing a .wasm file gives a compiled module.

import { initSync } from '../../wasm/emulator/emulator.js';
import module from '../../wasm/emulator/emulator_bg.wasm';

initSync({ module });

export * from '../emulator.js';
