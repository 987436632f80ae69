// Node, Deno, Bun, and whatever has no way of its own to load a module: it is in the file, as base64. So it needs no
// permission, no file beside it, and nothing of a bundler.

import { initSync } from '../../wasm/client/client.js';
import { base64 } from '../../wasm/client/inline.js';
import { keepList } from '../engine/node-timers.js';
import { decodeOwn } from '../engine/runtime.js';
import { loaded } from '../errors.js';

initSync({ module: decodeOwn(base64) });
loaded();

import './inline.cipher.js';

keepList();

export * from '../index.js';
