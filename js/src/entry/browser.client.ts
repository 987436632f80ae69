// Browsers, and bundlers for them: the module is in the file, so that no bundler has to carry another one along. It is
// compiled aside, as pages must not do that at once; nothing else runs before.
import load from '../../wasm/client/client.js';
import { base64 } from '../../wasm/client/inline.js';
import { decode } from '../decode.js';
import { ready } from '../engine/host.js';

await load({ module_or_path: decode(base64) });
ready();

export * from '../index.js';
