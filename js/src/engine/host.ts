import { install } from '../../wasm/client/client.js';
import { loaded } from '../errors.js';
import { describe, entries, kindOf, names, read, timeText } from './kinds.js';

/** Gives the loaded module its view of JavaScript's values. Called once by each entry, after it loaded the module. */
export function ready(): void {
  install({ describe, entries, kindOf, names, read, timeText });
  loaded();
}
