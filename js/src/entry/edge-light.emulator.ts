// Vercel's edge runtime: the suffix asks its bundler for a compiled module.
import module from '../../wasm/emulator/emulator_bg.wasm?module';
import { initSync } from '../../wasm/emulator/emulator.js';

initSync({ module });

export * from '../emulator.js';
