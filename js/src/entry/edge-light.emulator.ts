// Vercel's edge runtime: the suffix asks its bundler for a compiled module.

import { initSync } from '../../wasm/emulator/emulator.js';
import module from '../../wasm/emulator/emulator_bg.wasm?module';

initSync({ module });

export * from '../emulator.js';
