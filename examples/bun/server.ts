// API keys that customers entrust to us, in Bun's SQLite: each encrypted under its organization's keys, with one data key
// for many of them.
import { Database } from 'bun:sqlite';
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

const local = process.env.WORKOS_API_KEY ? undefined : new VaultEmulator();
const dataKeyCache = { maxAgeMs: 600_000, maxMessages: 10_000, maxBytes: 100_000_000 };
const vault = local
  ? new VaultClient({ apiKey: local.apiKey, fetch: local.fetch, dataKeyCache })
  : VaultClient.fromEnv(process.env, { dataKeyCache });

const database = new Database(process.env.DATABASE ?? ':memory:');
// The envelope is bytes here, without base64: a quarter smaller.
database.run(
  'CREATE TABLE IF NOT EXISTS keys (organization TEXT, name TEXT, sealed BLOB, PRIMARY KEY (organization, name))',
);

async function answer(request: Request): Promise<Response> {
  const [, organization, name] = new URL(request.url).pathname.split('/').map(decodeURIComponent);
  if (!organization || !name) return new Response('PUT or GET /<organization>/<name>\n', { status: 404 });
  const place = `keys/${organization}/${name}`;
  if (request.method === 'PUT') {
    const sealed = await vault.encryptBytes(await request.text(), { organization_id: organization }, place);
    database.run('INSERT OR REPLACE INTO keys VALUES (?, ?, ?)', [organization, name, sealed]);
    return new Response(null, { status: 204 });
  }
  const row = database
    .query<{ sealed: Uint8Array }, [string, string]>(
      'SELECT sealed FROM keys WHERE organization = ? AND name = ?',
    )
    .get(organization, name);
  return row ? new Response(await vault.decrypt(row.sealed, place)) : new Response('none\n', { status: 404 });
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT ?? 3000),
  fetch: (request) =>
    answer(request).catch((error: unknown) => {
      if (!(error instanceof VaultError)) throw error;
      console.error(error.code, error.message, error.recovery);
      return Response.json({ error: error.code }, { status: error.retryable ? 503 : 500 });
    }),
});
console.log(`Listening on http://127.0.0.1:${server.port}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.stop();
    vault.close(); // wipes the data keys
    process.exit(0);
  });
}
