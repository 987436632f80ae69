// A local Vault that a team shares: the emulator in a Cloudflare Worker, its state in a Durable Object.
import { VaultEmulator } from 'workos-vault-edge/emulator';

/**
 * What is used of a Durable Object's storage.
 * @typedef {{ exec(query: string, ...values: unknown[]): { toArray(): { name: string, value: string }[] } }} Sql
 */

export class SharedVault {
  /** @type {Sql} */
  #sql;
  /** @type {string} */
  #apiKey;
  /** @type {VaultEmulator | undefined} */
  #emulator;

  /**
   * @param {{ storage: { sql: Sql } }} state
   * @param {{ VAULT_API_KEY: string }} env
   */
  constructor(state, env) {
    this.#sql = state.storage.sql;
    this.#apiKey = env.VAULT_API_KEY;
  }

  /** The emulator with the state that was stored, made when the first request needs it. */
  #vault() {
    if (this.#emulator) return this.#emulator;
    const sql = this.#sql;
    sql.exec('CREATE TABLE IF NOT EXISTS records (name TEXT PRIMARY KEY, value TEXT NOT NULL)');
    const emulator = new VaultEmulator({ apiKeys: [this.#apiKey] });
    const records = sql.exec('SELECT name, value FROM records').toArray();
    if (records.length > 0) {
      const header = emulator.snapshot().split('\n', 1)[0];
      const lines = records.map(({ name, value }) => `[${JSON.stringify(name)},${value}]`);
      emulator.restore([header, ...lines, ''].join('\n'));
    }
    emulator.watchChanges();
    this.#emulator = emulator;
    if (records.length === 0) this.#store(emulator.snapshot());
    return emulator;
  }

  /** @param {string} changes Lines as `takeChanges` gives them. */
  #store(changes) {
    const sql = this.#sql;
    for (const line of changes.split('\n')) {
      // A line that is an object begins everything anew.
      if (line.startsWith('{')) sql.exec('DELETE FROM records');
      if (!line.startsWith('[')) continue;
      const [name, value] = JSON.parse(line);
      if (value === null) sql.exec('DELETE FROM records WHERE name = ?', name);
      else sql.exec('INSERT OR REPLACE INTO records VALUES (?, ?)', name, JSON.stringify(value));
    }
  }

  /** @param {Request} request */
  async fetch(request) {
    const emulator = this.#vault();
    const response = await emulator.fetch(request);
    // The answer leaves when what is written here is on the disk: the runtime's output gate sees to that.
    this.#store(emulator.takeChanges());
    return response;
  }
}

export default {
  /**
   * @param {Request} request
   * @param {{ VAULT: { idFromName(name: string): unknown, get(id: unknown): { fetch(request: Request): Promise<Response> } } }} env
   */
  fetch(request, env) {
    return env.VAULT.get(env.VAULT.idFromName('team')).fetch(request);
  },
};
