import { fail } from '@sveltejs/kit';
import { VaultError } from 'workos-vault-edge';
import { tenant } from '$lib/server/vault.js';

const name = 'org_acme/webhook-secret';

/** What the page gets: never the secret. */
export async function load() {
  try {
    const { value } = await tenant.readObjectByName(name);
    return { ends: value.slice(-4) };
  } catch (error) {
    if (error instanceof VaultError && error.code === 'not_found') return { ends: undefined };
    throw error;
  }
}

export const actions = {
  async default({ request }) {
    const value = String((await request.formData()).get('secret') ?? '');
    if (value.length < 8) return fail(400, { problem: 'At least 8 characters' });
    try {
      await tenant.createObject({ name, value });
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'name_conflict') throw error;
      await tenant.modifyObject({ name }, () => value);
    }
    return { saved: true };
  },
};
