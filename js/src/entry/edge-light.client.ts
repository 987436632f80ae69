// Vercel's edge runtime: the suffix asks its bundler for a compiled module.

import { initSync } from '../../wasm/client/client.js';
import module from '../../wasm/client/client_bg.wasm?module';
import { loaded } from '../errors.js';

initSync({ module });
loaded();

export * from '../index.js';
