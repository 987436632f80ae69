// Browsers, and bundlers for them: the module is in the file, so that no bundler has to carry another one along. It is
// compiled aside, as pages must not do that at once; nothing else runs before.

import load from '../../wasm/client/client.js';
import { base64 } from '../../wasm/client/inline.js';
import { decodeOwn } from '../engine/runtime.js';
import { loaded } from '../errors.js';

await load({ module_or_path: decodeOwn(base64) });
loaded();

import './inline.cipher.js';

export * from '../index.js';
