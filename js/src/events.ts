/** The audit log's events, as the client and the emulator give them. */

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

interface WithName extends VaultActor {
  /** The object's name. */
  kvName: string;
}

interface WithKey extends WithName {
  /** The key it is encrypted with. */
  keyId: string;
}

interface Written extends WithKey {
  /** The object's key context. */
  keyContext: Record<string, string>;
}

interface OfKek extends VaultActor {
  /** The key's name. */
  keyName: string;
  /** Its ID. */
  keyId: string;
}

interface OfDek extends VaultActor {
  /** The KEKs that wrap the data key. */
  keyIds: string[];
  /** The key context. */
  keyContext: Record<string, string>;
}

interface OfCustomerKey {
  /** Whose key it is. */
  organizationId: string;
  /** Where they keep it. */
  keyProvider: KeyProvider;
}

/** What each event tells. */
export interface VaultEventData {
  'vault.data.created': Written;
  'vault.data.updated': Written;
  'vault.data.read': WithKey;
  'vault.data.deleted': WithName;
  'vault.metadata.read': WithName;
  'vault.names.listed': VaultActor;
  'vault.kek.created': OfKek;
  'vault.kek.deleted': OfKek;
  'vault.dek.read': OfDek;
  'vault.dek.rekeyed': OfDek;
  'vault.dek.decrypted': VaultActor & {
    /** The data key's ID. */
    keyId: string;
  };
  'vault.byok_key.verification_completed': OfCustomerKey & {
    /** Whether the Vault may use the key. */
    verified: boolean;
  };
  'vault.byok_key.deleted': OfCustomerKey;
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
