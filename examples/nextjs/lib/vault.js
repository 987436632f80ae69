// The client of this runtime. Without WORKOS_API_KEY a local Vault answers: one in Node, another in the edge runtime.
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

function local() {
  const emulator = new VaultEmulator();
  emulator.seed({
    objects: [{ name: 'org_acme/billing', value: 'key_live_1234', context: { organization_id: 'org_acme' } }],
  });
  return new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
}

const vault = process.env.WORKOS_API_KEY ? VaultClient.fromEnv() : local();

/** A client for the visitor's organization. In place of your session, which says whose it is. */
export const tenant = vault.forOrganization('org_acme');

/** What may be shown of the billing key: that it is there, since when, and how it ends. */
export async function billing() {
  try {
    const { value, metadata } = await tenant.readObjectByName('org_acme/billing');
    return { connected: true, ends: value.slice(-4), since: metadata.updatedAt.toISOString() };
  } catch (error) {
    if (error instanceof VaultError && error.code === 'not_found') return { connected: false };
    throw error;
  }
}
