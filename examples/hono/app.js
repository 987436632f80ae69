// One app for Workers and for Node: secrets of the visitor's organization.
import { Hono } from 'hono';
import { VaultClient, VaultError } from 'workos-vault-edge';

/**
 * @typedef {{ fetch?: import('workos-vault-edge').FetchLike }} Options
 * @typedef {{ Bindings: import('workos-vault-edge').VaultEnvironment, Variables: { tenant: import('workos-vault-edge').ScopedVaultClient, organization: string } }} Types
 */

/** @type {Record<import('workos-vault-edge').VaultErrorCode | string, 400 | 404 | 409 | 429>} */
const statuses = { not_found: 404, name_conflict: 409, invalid_request: 400, rate_limited: 429 };

/** @param {Options} [options] */
export function makeApp(options = {}) {
  /** @type {Hono<Types>} */
  const app = new Hono();
  /** @type {VaultClient | undefined} */
  let vault;

  app.use('/secrets/*', async (c, next) => {
    // In place of your session: whose organization this is must come from what the visitor cannot choose.
    const organization = c.req.header('x-organization');
    if (!organization) return c.json({ error: 'no organization' }, 401);
    vault ??= VaultClient.fromEnv(c.env, options);
    c.set('tenant', vault.forOrganization(organization));
    c.set('organization', organization);
    return next();
  });

  // Names are unique in the whole environment, so each begins with its organization.
  app.put('/secrets/:name', async (c) => {
    const name = `${c.var.organization}/${c.req.param('name')}`;
    const { id } = await c.var.tenant.createObject({ name, value: await c.req.text() });
    return c.json({ id }, 201);
  });
  app.get('/secrets/:name', async (c) => {
    const name = `${c.var.organization}/${c.req.param('name')}`;
    return c.text((await c.var.tenant.readObjectByName(name)).value);
  });

  app.onError((error, c) => {
    if (!(error instanceof VaultError)) throw error;
    console.error(error.code, error.message, error.recovery);
    // Another tenant's secret is as good as none.
    const code = error.code === 'context_mismatch' ? 'not_found' : error.code;
    return c.json({ error: code }, statuses[code] ?? 502);
  });
  return app;
}
