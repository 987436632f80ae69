// The local Vault that both runtimes talk to, set up so that every error of the API can be provoked.
import { VaultEmulator } from 'workos-vault-edge/emulator';

export const localVault = new VaultEmulator({
  apiKeys: ['sk_test_quickstart'],
  organizations: ['org_acme', 'org_globex', 'org_initech'],
  // Initech brings a key of its own, and has not let WorkOS use it yet.
  customerKeys: [{ organizationId: 'org_initech', provider: 'AWS_KMS', accessible: false }],
  recoveryPeriodMs: 24 * 60 * 60 * 1000,
});

/** The variables that a deployment would have. */
export const env = { WORKOS_API_KEY: 'sk_test_quickstart', WORKOS_CLIENT_ID: 'client_quickstart' };
