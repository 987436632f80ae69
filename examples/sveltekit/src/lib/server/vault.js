// Below lib/server: SvelteKit refuses to bring it into a page. Without WORKOS_API_KEY a local Vault answers.

import { VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { env } from '$env/dynamic/private';

function local() {
  const emulator = new VaultEmulator();
  return new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
}

const vault = env.WORKOS_API_KEY ? VaultClient.fromEnv(env) : local();

/** A client for the visitor's organization. In place of your session, which says whose it is. */
export const tenant = vault.forOrganization('org_acme');
