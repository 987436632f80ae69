/** The audit log's events, as the client and the emulator give them. */

import type { ListMetadata } from './types.js';

/** Who did it. */
export interface VaultActor {
  /** The API key's or user's ID. */
  actorId: string;
  /** Where it was done. */
  actorSource: 'api' | 'dashboard';
  /** Its name. */
  actorName: string;
}

/** Where a customer keeps their key. */
export type KeyProvider = 'AWS_KMS' | 'GCP_KMS' | 'AZURE_KEY_VAULT';

/** What an event of an object tells. */
export interface ObjectEventData extends VaultActor {
  /** The object's name. */
  kvName: string;
}

/** What a read tells. */
export interface ReadEventData extends ObjectEventData {
  /** The key it is encrypted with. */
  keyId: string;
}

/** What a write tells. */
export interface WriteEventData extends ReadEventData {
  /** The object's key context. */
  keyContext: Record<string, string>;
}

/** What an event of a key-encrypting key tells. */
export interface KekEventData extends VaultActor {
  /** The key's name. */
  keyName: string;
  /** Its ID. */
  keyId: string;
}

/** What an event of a data key tells. */
export interface DekEventData extends VaultActor {
  /** The KEKs that wrap the data key. */
  keyIds: string[];
  /** The key context. */
  keyContext: Record<string, string>;
}

/** What an event of a customer's key tells. */
export interface CustomerKeyEventData {
  /** Whose key it is. */
  organizationId: string;
  /** Where they keep it. */
  keyProvider: KeyProvider;
}

/** What each event tells. */
export interface VaultEventData {
  /** An object was created. */
  'vault.data.created': WriteEventData;
  /** A version was written. */
  'vault.data.updated': WriteEventData;
  /** A value was read. */
  'vault.data.read': ReadEventData;
  /** An object was deleted. */
  'vault.data.deleted': ObjectEventData;
  /** Metadata or versions were read. */
  'vault.metadata.read': ObjectEventData;
  /** Objects were listed. */
  'vault.names.listed': VaultActor;
  /** A key-encrypting key was made, for a context item not seen before. */
  'vault.kek.created': KekEventData;
  /** A key-encrypting key was deleted. */
  'vault.kek.deleted': KekEventData;
  /** A data key was handed out. */
  'vault.dek.read': DekEventData;
  /** A data key was wrapped for another context. */
  'vault.dek.rekeyed': DekEventData;
  /** A data key was unwrapped. */
  'vault.dek.decrypted': VaultActor & {
    /** The data key's ID. */
    keyId: string;
  };
  /** It was tried whether the Vault may use a customer's key. */
  'vault.byok_key.verification_completed': CustomerKeyEventData & {
    /** Whether the Vault may use the key. */
    verified: boolean;
  };
  /** A customer's key was deleted. */
  'vault.byok_key.deleted': CustomerKeyEventData;
}

/** The name of an event of the Vault's. */
export type VaultEventName = keyof VaultEventData;

/** An event; `event` tells which, and so what is in `data`. */
export type VaultEvent<Name extends VaultEventName = VaultEventName> = {
  [N in Name]: {
    /** Its ID, by which a list goes on. */
    id: string;
    /** What happened. */
    event: N;
    /** When. */
    createdAt: Date;
    /** To what, and by whom. */
    data: VaultEventData[N];
  };
}[Name];

/** Every name. */
export const vaultEventNames: readonly VaultEventName[] = [
  'vault.data.created',
  'vault.data.updated',
  'vault.data.read',
  'vault.data.deleted',
  'vault.names.listed',
  'vault.metadata.read',
  'vault.kek.created',
  'vault.kek.deleted',
  'vault.dek.read',
  'vault.dek.decrypted',
  'vault.dek.rekeyed',
  'vault.byok_key.verification_completed',
  'vault.byok_key.deleted',
];

/** A page of the audit log. */
export interface EventPage<Name extends VaultEventName = VaultEventName> {
  /** The events. */
  data: VaultEvent<Name>[];
  /** Where it goes on. */
  listMetadata: ListMetadata;
}

/** Options of {@link VaultClient.listEvents}. */
export interface ListEventsOptions<Name extends VaultEventName = VaultEventName> {
  /** Which events: 1 to 100 names. */
  events: readonly Name[];
  /** Events a page, 1 to 100. Default: 10. */
  limit?: number | undefined;
  /** Events after the one with this ID, from `listMetadata.after` or an event seen. */
  after?: string | null | undefined;
  /** `asc`, oldest first, is the default. */
  order?: 'asc' | 'desc' | undefined;
  /** Only events after this time: a `Date`, or an RFC 3339 text in UTC, which is sent exactly as it is. */
  rangeStart?: Date | string | undefined;
  /** Only events before this time. */
  rangeEnd?: Date | string | undefined;
  /** Only events of this organization. */
  organizationId?: string | undefined;
}

/** An event as it travels: what it tells is not named our way yet. */
export interface WireEvent {
  id: string;
  event: string;
  createdAt: Date;
  data: Record<string, unknown>;
}

/** Names what an event tells as the rest of this package does. What is in a value stays. */
export function eventOf<Name extends VaultEventName>(wire: WireEvent): VaultEvent<Name> {
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const data = Object.fromEntries(Object.entries(wire.data).map(([name, value]) => [camel(name), value]));
  return { ...wire, data } as unknown as VaultEvent<Name>;
}
