// The main job of WorkOS Vault, step by step. Runs unchanged in Node and in a Cloudflare Worker.
import { explain, KeyContext, VaultClient, VaultError } from 'workos-vault-edge';

/**
 * @typedef {(text: string) => void} Print
 * @typedef {import('workos-vault-edge').VaultEnvironment} Env
 * @typedef {import('workos-vault-edge').FetchLike} FetchLike
 */

/** @param {unknown} value */
const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * Fails the step where a result is not what it has to be.
 * @param {unknown} condition
 * @param {string} what
 */
function expect(condition, what) {
  if (!condition) throw new Error(`expected ${what}`);
}

/**
 * @param {{ runtime: string, env: Env, fetch?: FetchLike, print: Print }} host
 * @returns {Promise<boolean>} Whether every step went as it should.
 */
export async function run({ runtime, env, fetch, print }) {
  const started = Date.now();
  let passed = 0;
  let failed = 0;

  /**
   * Runs a step and prints what it returns and how long it took.
   * @template T
   * @param {string} title
   * @param {() => T | Promise<T>} body
   * @param {(result: T) => unknown} [summary]
   * @returns {Promise<T>}
   */
  async function step(title, body, summary) {
    const from = Date.now();
    try {
      const result = await body();
      passed++;
      const text = summary ? summary(result) : result;
      print(`  ok    ${title} (${Date.now() - from} ms)`);
      if (text !== undefined) print(`          ${show(text)}`);
      return result;
    } catch (error) {
      failed++;
      print(`  FAIL  ${title}: ${error}`);
      throw error;
    }
  }

  /**
   * A step that has to fail with a code, and shows the error's cure.
   * @param {string} title
   * @param {string} code
   * @param {() => unknown} body
   */
  async function refused(title, code, body) {
    await step(
      title,
      async () => {
        try {
          await body();
        } catch (error) {
          if (error instanceof VaultError && error.code === code) return error;
          throw error;
        }
        throw new Error(`expected it to be refused with ${code}`);
      },
      (error) => `${error.code}: ${error.message}\n          cure: ${error.recovery}`,
    );
  }

  /** @param {string} title */
  const chapter = (title) => print(`\n${title}`);

  try {
    chapter('Pre-flight');
    const vault = await step(
      'the environment variables are there and well formed',
      () => VaultClient.fromEnv(env, { fetch }),
      () => `WORKOS_API_KEY and WORKOS_CLIENT_ID`,
    );
    await refused('a missing key is named', 'invalid_api_key', () => VaultClient.fromEnv({}));
    await refused('a client ID in place of the key is seen', 'invalid_api_key', () =>
      VaultClient.fromEnv({ WORKOS_API_KEY: 'client_01ABC' }),
    );

    chapter('Key contexts');
    const context = await step(
      'a context for an organization and a user',
      () => KeyContext.forOrganization('org_acme').withUser('user_1'),
      (context) => context.toJSON(),
    );
    await step('what it does', () => {
      const { isolation, keyOwner, keks } = explain(context);
      expect(isolation === 'organization_user' && keks.length === 2, 'keys per organization and user');
      return `isolation ${isolation}, keys of ${keyOwner}, ${keks.length} key-encrypting keys`;
    });
    await step('a slip that the API would take silently', () => {
      const [lint] = explain({ organizationId: 'org_acme' }).lints;
      expect(lint?.code === 'misspelled_name', 'a lint for organizationId');
      return `${lint?.field}: ${lint?.message}`;
    });

    chapter('The life of an object');
    const created = await step(
      'createObject',
      () => vault.createObject({ name: 'github-token', value: 'gho_first', context }),
      ({ id, keyId, versionId }) => ({ id, keyId, versionId }),
    );
    const { id } = created;
    await step('readObject', async () => {
      const { value } = await vault.readObject({ id });
      expect(value === 'gho_first', 'the value that was stored');
      return { value };
    });
    await step('readObjectByName', async () => {
      const object = await vault.readObjectByName('github-token');
      expect(object.id === id, 'the same object');
      return { name: object.name, updatedBy: object.metadata.updatedBy.name };
    });
    await step('bytes are stored and come back as bytes', async () => {
      const bytes = new Uint8Array([0, 255, 128, 7]);
      const stored = await vault.createObject({ name: 'signing-key', value: bytes, context });
      const { value } = await vault.readObject({ id: stored.id, as: 'bytes' });
      expect(String(value) === String(bytes), 'the same bytes');
      return `${value.length} bytes`;
    });
    await step('listObjects, over all pages', async () => {
      const names = [];
      for await (const object of vault.listObjects({ limit: 1 })) names.push(object.name);
      expect(names.join() === 'signing-key,github-token', 'both objects, newest first');
      return names;
    });
    const updated = await step(
      'updateObject under a version lock',
      () => vault.updateObject({ id, value: 'gho_second', versionCheck: created.versionId }),
      ({ metadata }) => ({ versionId: metadata.versionId }),
    );
    await step('describeObject, without the value', async () => {
      const { value, metadata } = await vault.describeObject({ id });
      expect(value === undefined && metadata.versionId === updated.metadata.versionId, 'the new version');
      return { context: metadata.context };
    });
    await step('listObjectVersions', async () => {
      const versions = await vault.listObjectVersions({ id });
      expect(versions.length === 2 && versions[0]?.currentVersion, 'two versions, the newest current');
      return versions.map(({ size, currentVersion }) => ({ size, currentVersion }));
    });

    chapter('Two writers');
    await refused('writing with the old version', 'version_mismatch', () =>
      vault.updateObject({ id, value: 'gho_lost', versionCheck: created.versionId }),
    );
    await step('modifyObject reads again and applies its change to what the other wrote', async () => {
      let reads = 0;
      await vault.modifyObject({ id }, async ({ value }) => {
        // Another writer is quicker than our first attempt.
        if (++reads === 1) await vault.updateObject({ id, value: `${value}+theirs` });
        return `${value}+ours`;
      });
      const { value } = await vault.readObject({ id });
      expect(value === 'gho_second+theirs+ours' && reads === 2, 'both changes');
      return { value, reads };
    });

    chapter('Tenants kept apart');
    const globex = vault.forOrganization('org_globex');
    await refused("another organization's object", 'context_mismatch', () => globex.readObject({ id }));
    await step('its list shows its own objects only', async () => {
      await globex.createObject({ name: 'globex-token', value: 'ghx' });
      const { data } = await globex.listObjects();
      expect(data.length === 1 && data[0]?.name === 'globex-token', 'one object');
      return data.map(({ name }) => name);
    });

    chapter('Data keys');
    const pair = await step(
      'createDataKey',
      () => vault.createDataKey({ context }),
      ({ dataKey, encryptedKeys }) =>
        `id ${dataKey.id}, ${encryptedKeys.length} characters of wrapped copies`,
    );
    await step('decryptDataKey', async () => {
      const { key } = await vault.decryptDataKey({ keys: pair.encryptedKeys });
      expect(key === pair.dataKey.key, 'the same key');
    });
    await step('createRekey for another organization', async () => {
      const rekeyed = await vault.createRekey({
        encryptedKeys: pair.encryptedKeys,
        context: { organization_id: 'org_globex' },
      });
      const { key } = await vault.decryptDataKey({ keys: rekeyed.encryptedKeys });
      expect(key === pair.dataKey.key, 'the same key under the new context');
      return { context: rekeyed.context };
    });

    chapter('Every error of the API, and its cure');
    /** @param {Record<string, unknown>} context */
    const create = (context) =>
      vault.createObject({
        name: 'refused',
        value: 'x',
        context: /** @type {Record<string, string>} */ (context),
      });
    await refused('organization_id not found', 'organization_not_found', () =>
      create({ organization_id: 'org_nobody' }),
    );
    await refused('non-string value', 'invalid_key_context', () =>
      create({ organization_id: 'org_acme', tier: 2 }),
    );
    await refused('maximum key context size exceeded', 'key_context_too_large', () =>
      create(Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`item_${index}`, 'x']))),
    );
    await refused('version mismatch', 'version_mismatch', () =>
      vault.deleteObject({ id, versionCheck: created.versionId }),
    );
    await refused('customer key not accessible', 'customer_key_inaccessible', () =>
      create({ organization_id: 'org_initech' }),
    );
    await step('deleteObject', () => vault.deleteObject({ id }));
    await refused('a deleted object', 'not_found', () => vault.readObject({ id }));
    await refused('object marked for deletion', 'object_pending_deletion', () =>
      vault.createObject({ name: 'github-token', value: 'x', context }),
    );
  } catch {
    // The step that failed has printed why; those after it depend on it.
  }

  print(`\n${runtime}: ${passed} steps passed, ${failed} failed, in ${Date.now() - started} ms`);
  return failed === 0;
}
