// Vercel's edge runtime: the suffix asks its bundler for a compiled module.

import { initSync } from '../../wasm/client/client.js';
import module from '../../wasm/client/client_bg.wasm?module';
import { installErrors } from '../errors.js';

initSync({ module });
installErrors();

export * from '../index.js';
