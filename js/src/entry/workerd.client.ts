// Cloudflare Workers: importing a .wasm file gives a compiled module.

import { initSync } from '../../wasm/client/client.js';
import module from '../../wasm/client/client_bg.wasm';
import { ready } from '../engine/host.js';

initSync({ module });
ready();

export * from '../index.js';
