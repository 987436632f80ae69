// A local Vault that a team shares: the emulator in a Cloudflare Worker, its state in a Durable Object.
import { VaultEmulator } from 'workos-vault-edge/emulator';

/**
 * What is used of a Durable Object's storage.
 * @typedef {{
 *   sql: { exec(query: string, ...values: unknown[]): { toArray(): { name: string, value: string }[] } },
 *   transactionSync(closure: () => void): void,
 * }} Storage
 */

/** A row holds 2 MB at the most; what is longer goes into several. */
const PART = 500_000;

export class SharedVault {
  /** @type {Storage} */
  #storage;
  /** @type {string} */
  #apiKey;
  /** @type {VaultEmulator | undefined} */
  #emulator;

  /**
   * @param {{ storage: Storage }} state
   * @param {{ VAULT_API_KEY: string }} env
   */
  constructor(state, env) {
    this.#storage = state.storage;
    this.#apiKey = env.VAULT_API_KEY;
  }

  /** The emulator with the state that was stored, made when the first request needs it. */
  #vault() {
    if (this.#emulator) return this.#emulator;
    const { sql } = this.#storage;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS records (name TEXT, part INTEGER, value TEXT, PRIMARY KEY (name, part))',
    );
    const emulator = new VaultEmulator({ apiKeys: [this.#apiKey] });
    /** @type {Map<string, string>} */
    const records = new Map();
    for (const { name, value } of sql.exec('SELECT name, value FROM records ORDER BY name, part').toArray())
      records.set(name, (records.get(name) ?? '') + value);
    if (records.size > 0) {
      const header = emulator.snapshot().split('\n', 1)[0];
      const lines = Array.from(records, ([name, value]) => `[${JSON.stringify(name)},${value}]`);
      emulator.restore([header, ...lines, ''].join('\n'));
    } else {
      this.#store(emulator.snapshot());
    }
    emulator.watchChanges();
    this.#emulator = emulator;
    return emulator;
  }

  /** @param {string} changes Lines as `takeChanges` gives them: all of them are stored, or none. */
  #store(changes) {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const line of changes.split('\n')) {
        // A line that is an object begins everything anew.
        if (line.startsWith('{')) sql.exec('DELETE FROM records');
        if (!line.startsWith('[')) continue;
        const [name, value] = JSON.parse(line);
        sql.exec('DELETE FROM records WHERE name = ?', name);
        if (value === null) continue;
        const text = JSON.stringify(value);
        for (let at = 0; at < text.length; at += PART)
          sql.exec('INSERT INTO records VALUES (?, ?, ?)', name, at / PART, text.slice(at, at + PART));
      }
    });
  }

  /** @param {Request} request */
  async fetch(request) {
    const emulator = this.#vault();
    const response = await emulator.fetch(request);
    try {
      // The answer leaves when what is written here is on the disk: the runtime's output gate sees to that.
      this.#store(emulator.takeChanges());
      return response;
    } catch (error) {
      // What could not be stored did not happen: the next request starts from what is.
      this.#emulator = undefined;
      return Response.json({ error: `the change could not be stored: ${error}` }, { status: 500 });
    }
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
