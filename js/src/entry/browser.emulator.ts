// Browsers, and bundlers for them: the module is fetched from beside this file before anything else runs.
import load from '../../wasm/emulator/emulator.js';

await load({ module_or_path: new URL('../../wasm/emulator/emulator_bg.wasm', import.meta.url) });

export * from '../emulator.js';
