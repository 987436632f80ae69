import module from '../../wasm/cipher/cipher_bg.wasm?module';
import { provide } from '../engine/own-cipher.js';

provide(() => module);
