// The same as `wasm.client` where runtimes load files themselves: there the ciphers are in one file with all else that is
// shared, as each file takes Node a millisecond.
import './inline.cipher.js';

export * from './wasm.client.js';
