// Browsers, and bundlers for them: the module is fetched from beside this file before anything else runs.
import load from '../../wasm/client/client.js';
import { ready } from '../errors.js';

await load({ module_or_path: new URL('../../wasm/client/client_bg.wasm', import.meta.url) });
ready();

export * from '../index.js';
