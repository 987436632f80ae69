import { install } from '../../wasm/client/client.js';
import { loaded } from '../errors.js';
import { describe, entries, items, kindOf, names, read, timeText } from './kinds.js';

let isReady = false;

/** Gives the loaded module its view of JavaScript's values. Called by each entry, after it loaded the module. */
export function ready(): void {
  if (isReady) return;
  isReady = true;
  install({ describe, entries, items, kindOf, names, read, timeText });
  loaded();
}
