// Cloudflare Workers: importing a .wasm file gives a compiled module.
import module from '../../wasm/emulator/emulator_bg.wasm';
import { initSync } from '../../wasm/emulator/emulator.js';

initSync({ module });

export * from '../emulator.js';
