// Cloudflare Workers: importing a .wasm file gives a compiled module.
import module from '../../wasm/client/client_bg.wasm';
import { initSync } from '../../wasm/client/client.js';
import { installErrors } from '../errors.js';

initSync({ module });
installErrors();

export * from '../index.js';
