// Vercel's edge runtime: the suffix asks its bundler for a compiled module.
import module from '../../wasm/client/client_bg.wasm?module';
import { initSync } from '../../wasm/client/client.js';
import { installErrors } from '../errors.js';

initSync({ module });
installErrors();

export * from '../index.js';
