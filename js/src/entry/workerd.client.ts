// Cloudflare Workers: importing a .wasm file gives a compiled module.
import module from '../../wasm/client/client_bg.wasm';
import { initSync } from '../../wasm/client/client.js';

initSync({ module });

export * from '../index.js';
