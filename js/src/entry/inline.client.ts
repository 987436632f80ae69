// Node, Deno, Bun, and whatever has no way of its own to load a module: it is in the file, as base64. So it needs no
// permission, no file beside it, and nothing of a bundler. It is compiled when it is first asked: a process that only
// reads objects by their IDs does without.

import { initSync } from '../../wasm/client/client.js';
import { base64 } from '../../wasm/client/inline.js';
import { keepList } from '../engine/node-timers.js';
import { decodeOwn } from '../engine/runtime.js';
import { failed, loaded } from '../errors.js';

loaded(() => {
  try {
    initSync({ module: decodeOwn(base64) });
  } catch (cause) {
    throw failed('internal', 'this runtime does not compile WebAssembly', '', cause);
  }
});

import './inline.cipher.js';

keepList();

export * from '../index.js';
