// Node, Deno, Bun, and whatever has no way of its own to load a module: it is in the file, as base64. So it needs no
// permission, no file beside it, and nothing of a bundler. It is compiled when it is first asked: a process that only
// reads objects by their IDs does without. workerd, where it may at all, compiles nothing later than now.

import { initSync } from '../../wasm/client/client.js';
import { base64 } from '../../wasm/client/inline.js';
import { provideStart } from '../engine/call.js';
import { onNodeStart } from '../engine/node-starts.js';
import { decodeOwn, isWorkerd } from '../engine/runtime.js';
import { failed, loaded } from '../errors.js';

function load() {
  try {
    initSync({ module: decodeOwn(base64) });
  } catch (cause) {
    throw failed('internal', 'this runtime does not compile WebAssembly', '', cause);
  }
}

if (isWorkerd) load();
loaded(isWorkerd ? undefined : load);

import './inline.cipher.js';

provideStart(onNodeStart);

export * from '../index.js';
