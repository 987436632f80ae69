// Vercel's edge runtime: the suffix asks its bundler for a compiled module.
import module from '../../wasm/client/client_bg.wasm?module';
import { initSync } from '../../wasm/client/client.js';

initSync({ module });

export * from '../index.js';
