// Browsers, and bundlers for them: the module is fetched from beside this file before anything else runs.
import load from '../../wasm/client/client.js';

await load({ module_or_path: new URL('../../wasm/client/client_bg.wasm', import.meta.url) });

export * from '../index.js';
