// For those who load the module themselves: nothing is loaded until one of these is called.

import load, { initSync as initializeSync } from '../../wasm/client/client.js';
import { loaded } from '../errors.js';

export * from '../index.js';

/** What {@link init} takes: a compiled module, its bytes, where to fetch it from, or an answer that brings it. */
export type ModuleSource = WebAssembly.Module | BufferSource | URL | Request | Response | Promise<Response>;

/**
 * Loads the module, which is `workos-vault-edge/client.wasm`. Before that, nothing of this package works; after it,
 * calling it again does nothing.
 */
export async function init(source: ModuleSource): Promise<void> {
  await load({ module_or_path: source });
  loaded();
}

/** {@link init}, at once. Pages may compile no more than a few megabytes this way. */
export function initSync(module: WebAssembly.Module | BufferSource): void {
  initializeSync({ module });
  loaded();
}
