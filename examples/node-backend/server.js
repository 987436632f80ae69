// A back end over SQLite: patients are rows whose private fields are encrypted before they are written. The database
// file, and whoever has a copy of it, has ciphertext only.
import Fastify from 'fastify';
import Database from 'libsql';
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

const local = process.env.WORKOS_API_KEY ? undefined : new VaultEmulator();
// One data key for up to 10,000 fields, for ten minutes at most: one request to the Vault for all of them.
const dataKeyCache = { maxAgeMs: 600_000, maxMessages: 10_000, maxBytes: 100_000_000 };
const vault = local
  ? new VaultClient({ apiKey: local.apiKey, fetch: local.fetch, dataKeyCache })
  : VaultClient.fromEnv(process.env, { dataKeyCache });

const database = new Database(process.env.DATABASE ?? 'patients.db');
database.exec(
  'CREATE TABLE IF NOT EXISTS patients (id TEXT PRIMARY KEY, organization TEXT, name TEXT, record TEXT)',
);
const put = database.prepare(
  'INSERT OR REPLACE INTO patients (id, organization, name, record) VALUES (?, ?, ?, ?)',
);
const get = database.prepare('SELECT organization, name, record FROM patients WHERE id = ?');

const PRIVATE = ['name', 'record.diagnosis', 'record.insurance.number'];
const app = Fastify();

app.put('/patients/:id', async (request, reply) => {
  const { id } = /** @type {{ id: string }} */ (request.params);
  const { organization, ...patient } = /** @type {{ organization: string, name: string, record: object }} */ (
    request.body
  );
  const sealed = await vault.encryptFields(
    patient,
    PRIVATE,
    { organization_id: organization },
    { bindTo: `patients/${id}` },
  );
  put.run(id, organization, sealed.name, JSON.stringify(sealed.record));
  return reply.code(204).send();
});

app.get('/patients/:id', async (request, reply) => {
  const { id } = /** @type {{ id: string }} */ (request.params);
  const row = /** @type {{ name: string, record: string } | undefined} */ (get.get(id));
  if (!row) return reply.code(404).send({ error: 'no such patient' });
  const sealed = { name: row.name, record: JSON.parse(row.record) };
  return vault.decryptFields(sealed, PRIVATE, { bindTo: `patients/${id}` });
});

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof VaultError)) return reply.send(error);
  console.error(error.code, error.message, error.recovery);
  return reply.code(error.retryable ? 503 : 500).send({ error: error.code });
});

const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
console.log(`Listening on ${address}`);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await app.close();
    vault.close(); // wipes the data keys
    database.close();
  });
}
