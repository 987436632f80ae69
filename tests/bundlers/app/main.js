// What every bundler's fixture holds: a client, a local Vault, an error caught by its class.
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

/** @returns {Promise<string>} */
export async function main() {
  const emulator = new VaultEmulator();
  const vault = new VaultClient({
    apiKey: emulator.apiKey,
    fetch: emulator.fetch,
    dangerouslyAllowBrowser: true,
  });
  const tenant = vault.forOrganization('org_123');
  const { id } = await tenant.createObject({ name: 'token', value: 's3cret' });
  const sealed = await tenant.encrypt('local', undefined, 'row');
  const opened = await vault.decrypt(sealed, 'row');
  const missing = await vault.readObject({ id: 'none' }).catch((error) => {
    if (!(error instanceof VaultError)) throw error;
    return error.code;
  });
  return [(await tenant.readObject({ id })).value, opened, missing].join(' ');
}
