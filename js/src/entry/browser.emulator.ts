// Browsers, and bundlers for them: as the client's.

import load from '../../wasm/emulator/emulator.js';
import { base64 } from '../../wasm/emulator/inline.js';
import { decodeOwn } from '../engine/runtime.js';

await load({ module_or_path: decodeOwn(base64) });

export * from '../emulator.js';
