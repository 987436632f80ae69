import module from '../../wasm/cipher/cipher_bg.wasm';
import { provide } from '../engine/own-cipher.js';

provide(() => module);
