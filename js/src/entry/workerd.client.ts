// Cloudflare Workers: importing a .wasm file gives a compiled module.

import { initSync } from '../../wasm/client/client.js';
import module from '../../wasm/client/client_bg.wasm';
import { installErrors } from '../errors.js';

initSync({ module });
installErrors();

export * from '../index.js';
