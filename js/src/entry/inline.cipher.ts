// The ciphers where the module is in the file, as base64.
import { base64 } from '../../wasm/cipher/inline.js';
import { provideAscii } from '../engine/envelope.js';
import * as nodes from '../engine/node-cipher.js';
import { nodeAscii } from '../engine/node-text.js';
import { provide } from '../engine/own-cipher.js';
import { decodeOwn } from '../engine/runtime.js';

provide(() => decodeOwn(base64), nodes);
provideAscii(nodeAscii);
