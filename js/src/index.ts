export { type Operations, type ScopedVaultClient, VaultClient, type VaultEnvironment } from './client.js';
export { type Problem, VaultError, type VaultErrorCode, type VaultErrorFacts } from './errors.js';
export {
  type KeyProvider,
  type ListEventsOptions,
  type VaultActor,
  type VaultEvent,
  type VaultEventData,
  type VaultEventName,
  vaultEventNames,
} from './events.js';
export { type Explanation, explain, type Isolation, type Kek, KeyContext, type Lint } from './key-context.js';
export { Keyring, type KeyringOptions } from './keyring.js';
export { ObjectPage, type ObjectPagePromise } from './object-page.js';
export type * from './types.js';
