// Node, Bun and Deno: the module is read from its file, synchronously.
import { readFileSync } from 'node:fs';
import { initSync } from '../../wasm/client/client.js';
import { ready } from '../errors.js';

initSync({ module: readFileSync(new URL('../../wasm/client/client_bg.wasm', import.meta.url)) });
ready();

export * from '../index.js';
