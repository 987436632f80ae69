// Server-side rendering with secrets: the page is rendered with what a secret gives access to, and never with the secret.
import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { VaultClient, VaultError } from 'workos-vault-edge';

/** @typedef {import('workos-vault-edge').VaultEnvironment & { BILLING_URL: string }} Env */

/** What the page may know of a connection. @typedef {{ provider: string, ends: string, since: string, balance: string }} Connection */

/**
 * Everything that touches the secret happens here; what it returns is all that the page is rendered from.
 * @param {import('workos-vault-edge').ScopedVaultClient} tenant @param {string} name @param {Env} env
 * @returns {Promise<Connection | undefined>}
 */
async function connection(tenant, name, env) {
  try {
    const { value: key, metadata } = await tenant.readObjectByName(name);
    const answer = await fetch(`${env.BILLING_URL}/balance`, { headers: { authorization: `Bearer ${key}` } });
    const { balance } = /** @type {{ balance: string }} */ (await answer.json());
    return {
      provider: 'billing',
      ends: key.slice(-4),
      since: metadata.updatedAt.toISOString().slice(0, 10),
      balance,
    };
  } catch (error) {
    if (error instanceof VaultError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** @param {{ organization: string, billing: Connection | undefined }} props */
const Page = ({ organization, billing }) =>
  h('main', null, [
    h('h1', null, `Billing of ${organization}`),
    billing
      ? h('p', null, `Balance ${billing.balance}; key ending in ${billing.ends}, since ${billing.since}`)
      : h('p', null, 'Not connected'),
    h('form', { method: 'post' }, [
      h('label', null, [
        'New key ',
        h('input', { type: 'password', name: 'key', required: true, autocomplete: 'off' }),
      ]),
      h('button', { type: 'submit' }, 'Save'),
    ]),
  ]);

const html = (/** @type {string} */ body, status = 200) =>
  new Response(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Billing</title>${body}</html>`, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; form-action 'self'",
    },
  });

export default {
  /** @param {Request} request @param {Env} env */
  async fetch(request, env) {
    const url = new URL(request.url);
    // In place of your session, which says whose page this is.
    const organization = 'org_acme';
    if (url.pathname !== '/') return html('Not found', 404);
    const name = `${organization}/billing`;
    try {
      const tenant = VaultClient.fromEnv(env).forOrganization(organization);
      if (request.method === 'POST') {
        const value = String((await request.formData()).get('key'));
        await tenant.createObject({ name, value }).catch((error) => {
          if (!(error instanceof VaultError) || error.code !== 'name_conflict') throw error;
          return tenant.modifyObject({ name }, () => value);
        });
        return new Response(null, { status: 303, headers: { location: '/' } });
      }
      const billing = await connection(tenant, name, env);
      return html(renderToString(h(Page, { organization, billing })));
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      console.error(error.code, error.message, error.recovery);
      return html(`Sorry, not now (${error.code})`, 503);
    }
  },
};
