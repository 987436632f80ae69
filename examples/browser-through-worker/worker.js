// A page that holds no key: this Worker serves it, checks its session, and does the Vault calls.
import { VaultClient, VaultError } from 'workos-vault-edge';
import page from './page.html';

/** @typedef {import('workos-vault-edge').VaultEnvironment & { SESSION_SECRET: string }} Env */

const text = new TextEncoder();
/** @param {string} secret */
const macKey = (secret) =>
  crypto.subtle.importKey('raw', text.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
/** @param {Uint8Array} bytes */
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** A cookie that this Worker can tell from a forged one. @param {string} organization @param {Env} env */
async function makeSession(organization, env) {
  const claims = `${encodeURIComponent(organization)}.${Date.now() + 3_600_000}`;
  const mac = await crypto.subtle.sign('HMAC', await macKey(env.SESSION_SECRET), text.encode(claims));
  return `session=${claims}.${hex(new Uint8Array(mac))}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=3600`;
}

/** Whose session it is; nothing where there is none, or it is forged or over. @param {Request} request @param {Env} env */
async function organizationOf(request, env) {
  const cookie = /(?:^|; )session=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1];
  const [organization, ends, mac] = cookie?.split('.') ?? [];
  if (!organization || !ends || !/^[0-9a-f]{64}$/.test(mac ?? '')) return undefined;
  const bytes = Uint8Array.from(mac?.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const key = await macKey(env.SESSION_SECRET);
  const genuine = await crypto.subtle.verify('HMAC', key, bytes, text.encode(`${organization}.${ends}`));
  return genuine && Number(ends) > Date.now() ? decodeURIComponent(organization) : undefined;
}

/** @param {Request} request @param {Env} env @param {string} path */
async function api(request, env, path) {
  if (path === '/api/session' && request.method === 'POST') {
    // In place of your sign-in (AuthKit, say): here whoever asks is let in.
    const { organization } = /** @type {{ organization: string }} */ (await request.json());
    return Response.json({}, { headers: { 'set-cookie': await makeSession(organization, env) } });
  }
  const organization = await organizationOf(request, env);
  if (organization === undefined) return Response.json({ error: 'Please sign in' }, { status: 401 });
  const tenant = VaultClient.fromEnv(env).forOrganization(organization);
  if (path === '/api/notes' && request.method === 'POST') {
    const { text: value } = /** @type {{ text: string }} */ (await request.json());
    const { id } = await tenant.createObject({ name: `${organization}/notes/${crypto.randomUUID()}`, value });
    return Response.json({ id }, { status: 201 });
  }
  if (path === '/api/notes' && request.method === 'GET') {
    const notes = [];
    // The scoped client shows this organization's objects only, whatever the name.
    for await (const { id } of tenant.listObjects({ search: `${organization}/notes/` }))
      notes.push({ id, text: (await tenant.readObject({ id })).value });
    return Response.json(notes);
  }
  return Response.json({ error: 'Not found' }, { status: 404 });
}

export default {
  /** @param {Request} request @param {Env} env */
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/') {
      return new Response(page, {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy':
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
        },
      });
    }
    try {
      return await api(request, env, pathname);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      console.error(error.code, error.message, error.recovery);
      return Response.json({ error: 'Not now, please try again' }, { status: 503 });
    }
  },
};
