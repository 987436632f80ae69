export {
  type Operations,
  type ScopedVaultClient,
  VaultClient,
  type VaultEnvironment,
  type Within,
} from './client.js';
export {
  type Problem,
  VaultError,
  type VaultErrorCode,
  type VaultErrorFacts,
  type VaultErrorJson,
} from './errors.js';
export {
  type CustomerKeyEventData,
  type DekEventData,
  type EventPage,
  type KekEventData,
  type KeyProvider,
  type ListEventsOptions,
  type ObjectEventData,
  type ReadEventData,
  type VaultActor,
  type VaultEvent,
  type VaultEventData,
  type VaultEventName,
  vaultEventNames,
  type WriteEventData,
} from './events.js';
export { type Explanation, explain, type Isolation, type Kek, type Lint } from './explain.js';
export { KeyContext } from './key-context.js';
export { Keyring, type KeyringOptions } from './keyring.js';
export { ObjectPage, type ObjectPagePromise } from './object-page.js';
export type * from './types.js';
