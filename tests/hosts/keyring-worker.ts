// A Worker that keeps a keyring in module scope: requests at the same time share its keys, and its waiting.
import { type Keyring, VaultClient, type VaultEnvironment } from 'workos-vault-edge';

let keyring: Keyring | undefined;

export default {
  async fetch(request: Request, env: VaultEnvironment & { MAX_MESSAGES?: number }): Promise<Response> {
    keyring ??= VaultClient.fromEnv(env).keyring({
      context: { organization_id: 'org_1' },
      maxAgeMs: 60_000,
      maxMessages: env.MAX_MESSAGES ?? 1000,
      maxBytes: 1_000_000,
    });
    const text = new URL(request.url).pathname;
    const opened = await keyring.decrypt(await keyring.encrypt(text, 'row'), 'row');
    return Response.json({ same: opened === text, counters: keyring.counters });
  },
};
