// Cloudflare Workers: importing a .wasm file gives a compiled module.

import { initSync } from '../../wasm/client/client.js';
import module from '../../wasm/client/client_bg.wasm';
import { loaded } from '../errors.js';

initSync({ module });
loaded();

export * from '../index.js';
