// Browsers, and bundlers for them: as the client's.
import load from '../../wasm/emulator/emulator.js';
import { base64 } from '../../wasm/emulator/inline.js';
import { decode } from '../decode.js';

await load({ module_or_path: decode(base64) });

export * from '../emulator.js';
