// A token vault: OAuth tokens of each organization are objects in the Vault; customers are rows in D1, whose private
// fields are encrypted under the organization's keys before they get there.
import { VaultClient, VaultError } from 'workos-vault-edge';

/**
 * @typedef {{ bind(...values: unknown[]): Statement, run(): Promise<unknown>, first(): Promise<Row | null> }} Statement
 * @typedef {{ id: string, name: string, email: string, iban: string }} Row
 * @typedef {{ DB: { prepare(sql: string): Statement }, APP_TOKEN: string, WORKOS_API_KEY: string, WORKOS_API_URL?: string }} Env
 */

// In module scope: all requests of this isolate share its data keys, one request to the Vault for up to 1,000
// encryptions of an organization, for at most five minutes.
/** @type {VaultClient | undefined} */
let client;
/** @param {Env} env */
const vaultOf = (env) => {
  client ??= VaultClient.fromEnv(env, {
    dataKeyCache: { maxAgeMs: 300_000, maxMessages: 1_000, maxBytes: 10_000_000 },
  });
  return client;
};

const PRIVATE = ['email', 'iban'];

/** Compares by digests, so that the time it takes tells nothing. @param {Request} request @param {Env} env */
async function allowed(request, env) {
  const digest = async (/** @type {string} */ text) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  const given = await digest(request.headers.get('authorization') ?? '');
  const wanted = await digest(`Bearer ${env.APP_TOKEN}`);
  return given.reduce((difference, byte, at) => difference | (byte ^ (wanted[at] ?? 0)), 0) === 0;
}

/** @param {VaultClient} vault @param {string} org @param {string} provider @param {Request} request */
async function tokens(vault, org, provider, request) {
  const tenant = vault.forOrganization(org);
  const name = `tokens/${org}/${provider}`;
  switch (request.method) {
    case 'PUT': {
      const value = await request.text();
      try {
        await tenant.createObject({ name, value });
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== 'name_conflict') throw error;
        // Under a lock: of two refreshes at once, none is lost unseen.
        await tenant.modifyObject({ name }, () => value);
      }
      return new Response(null, { status: 204 });
    }
    case 'GET': {
      const { value, metadata } = await tenant.readObjectByName(name);
      return Response.json({ provider, ends: value.slice(-4), updatedAt: metadata.updatedAt });
    }
    case 'DELETE': {
      const { id } = await tenant.readObjectByName(name);
      await tenant.deleteObject({ id });
      return new Response(null, { status: 204 });
    }
    default:
      return new Response(null, { status: 405, headers: { allow: 'PUT, GET, DELETE' } });
  }
}

/** @param {VaultClient} vault @param {Env} env @param {string} org @param {string} id @param {Request} request */
async function customers(vault, env, org, id, request) {
  // Each envelope is bound to its row: moved to another one it does not decrypt.
  const bindTo = `customers/${org}/${id}`;
  if (request.method === 'PUT') {
    const { name, email, iban } = /** @type {Row} */ (await request.json());
    const row = await vault.encryptFields(
      { name, email, iban },
      PRIVATE,
      { organization_id: org },
      { bindTo },
    );
    await env.DB.prepare(
      'INSERT OR REPLACE INTO customers (org, id, name, email, iban) VALUES (?, ?, ?, ?, ?)',
    )
      .bind(org, id, row.name, row.email, row.iban)
      .run();
    return new Response(null, { status: 204 });
  }
  const row = await env.DB.prepare('SELECT name, email, iban FROM customers WHERE org = ? AND id = ?')
    .bind(org, id)
    .first();
  if (row === null) return new Response('no such customer\n', { status: 404 });
  return Response.json(await vault.decryptFields(row, PRIVATE, { bindTo }));
}

export default {
  /** @param {Request} request @param {Env} env */
  async fetch(request, env) {
    if (!(await allowed(request, env))) return new Response('unauthorized\n', { status: 401 });
    const [, orgs, org, kind, id] = new URL(request.url).pathname.split('/').map(decodeURIComponent);
    if (orgs !== 'orgs' || !org || !id) return new Response('not found\n', { status: 404 });
    try {
      const vault = vaultOf(env);
      if (kind === 'tokens') return await tokens(vault, org, id, request);
      if (kind === 'customers') return await customers(vault, env, org, id, request);
      return new Response('not found\n', { status: 404 });
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      // The error says what to do to whoever runs this; its visitors learn the code.
      console.error(error.code, error.message, error.recovery);
      const status = error.code === 'not_found' ? 404 : error.retryable ? 503 : 500;
      return Response.json({ error: error.code }, { status });
    }
  },
};
