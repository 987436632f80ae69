import { assert } from 'chai';
import { VaultClient } from 'workos-vault-edge';
import { type Case, fails, json, local, stubbed } from './case.ts';

async function two() {
  const { vault, emulator } = local();
  const [ours, theirs] = [vault.forOrganization('org_ours'), vault.forOrganization('org_theirs')];
  const mine = await ours.createObject({ name: 'mine', value: 'my secret' });
  const other = await theirs.createObject({
    name: 'other',
    value: 'their secret',
    context: { user_id: 'u' },
  });
  return { vault, emulator, ours, theirs, mine, other };
}

export const tenants: Case[] = [
  {
    name: "a scoped client's calls start from its context",
    run: async () => {
      const { ours, mine, other } = await two();
      assert.deepEqual(mine.context, { organization_id: 'org_ours' });
      assert.deepEqual(other.context, { organization_id: 'org_theirs', user_id: 'u' });
      assert.equal((await ours.readObject({ id: mine.id })).value, 'my secret');
      assert.equal((await ours.readObjectByName('mine')).value, 'my secret');
      assert.deepEqual((await ours.createDataKey()).context, { organization_id: 'org_ours' });
      assert.deepEqual((await ours.createDataKey({ context: { a: 'b' } })).context, {
        organization_id: 'org_ours',
        a: 'b',
      });
      for (const method of ['decryptDataKey', 'createRekey'])
        assert.notProperty(ours, method, 'cannot be checked');
      const none = await ours.createObject({ name: 'none', value: 'v', context: {} });
      assert.deepEqual(none.context, { organization_id: 'org_ours' });
      const same = await ours.createObject({
        name: 'same',
        value: 'v',
        context: { organization_id: 'org_ours' },
      });
      assert.deepEqual(same.context, { organization_id: 'org_ours' });
    },
  },
  {
    name: 'a context that contradicts the scope is refused before any request',
    run: async () => {
      const { ours, emulator } = await two();
      const context = { organization_id: 'org_theirs' };
      const before = emulator.objectCount;
      const error = await fails('context_mismatch', () =>
        ours.createObject({ name: 'n', value: 'v', context }),
      );
      assert.isUndefined(error.status);
      await fails('context_mismatch', () => ours.createDataKey({ context }));
      await fails('context_mismatch', () => ours.forOrganization('org_theirs'));
      await fails('invalid_key_context', () =>
        ours.createObject({ name: 'n', value: 'v', context: { a: 1 } as never }),
      );
      assert.equal(emulator.objectCount, before);
    },
  },
  {
    name: "another tenant's object is reached by no method, and nothing of it is shown",
    run: async () => {
      const { vault, ours, other } = await two();
      const { id } = other;
      let called = false;
      const change = () => {
        called = true;
        return 'changed';
      };
      for (const call of [
        () => ours.readObject({ id }),
        () => ours.readObject({ id, as: 'bytes' }),
        () => ours.readObjectByName('other'),
        () => ours.describeObject({ id }),
        () => ours.listObjectVersions({ id }),
        () => ours.updateObject({ id, value: 'changed' }),
        () => ours.deleteObject({ id }),
        () => ours.modifyObject({ id }, change),
        () => ours.modifyObject({ name: 'other' }, change),
      ]) {
        const error = await fails('context_mismatch', call);
        const shown = JSON.stringify(error) + error.stack + String(error.cause);
        for (const secret of ['their secret', 'org_theirs']) assert.notInclude(shown, secret);
      }
      assert.isFalse(called);
      assert.equal((await vault.readObject({ id })).value, 'their secret', 'unchanged');
    },
  },
  {
    name: 'nor by a method borrowed from the client, nor by an answer of another organization',
    run: async () => {
      const { vault, ours, theirs } = await two();
      const { encryptedKeys } = await theirs.createDataKey();
      const envelope = await theirs.encrypt('x', undefined);
      const context = { organization_id: 'org_ours' };
      for (const call of [
        () => VaultClient.prototype.decryptDataKey.call(ours, { keys: encryptedKeys }),
        () => VaultClient.prototype.createRekey.call(ours, { encryptedKeys, context }),
        () => VaultClient.prototype.decrypt.call(ours, envelope),
        () => VaultClient.prototype.decryptMany.call(ours, [{ envelope }]),
        () => VaultClient.prototype.rekeyEnvelope.call(ours, envelope, context),
        () => VaultClient.prototype.keyring.call(ours, { context, maxAgeMs: 1, maxMessages: 1, maxBytes: 1 }),
      ]) {
        await fails('context_mismatch', call);
      }
      await fails('invalid_key_context', () => vault.forOrganization(''));
      const answer = await vault.createDataKey({ context: { organization_id: 'org_theirs' } });
      const body = {
        id: 'k',
        data_key: answer.dataKey.key,
        encrypted_keys: encryptedKeys,
        context: answer.context,
      };
      const stub = stubbed(() => json(body));
      await fails('context_mismatch', () => stub.vault.forOrganization('org_ours').createDataKey());
      await fails('context_mismatch', () => stub.vault.forOrganization('org_ours').encrypt('x', undefined));
    },
  },
  {
    name: 'a scoped list that fails ends its other requests',
    run: async () => {
      const { vault, emulator } = local();
      const ours = vault.forOrganization('org_ours');
      for (let index = 0; index < 6; index++) await ours.createObject({ name: `n${index}`, value: 'v' });
      let aborted = 0;
      let described = 0;
      const slow = stubbed((url, init) => {
        if (!url.endsWith('/metadata')) return emulator.fetch(url, init);
        if (++described === 1) return json({ error: 'no' }, 403);
        return new Promise((_, reject) =>
          init.signal?.addEventListener('abort', () => {
            aborted++;
            reject(init.signal?.reason);
          }),
        );
      });
      await fails('forbidden', () => slow.vault.forOrganization('org_ours').listObjects());
      assert.deepEqual([described, aborted], [6, 5]);
    },
  },
  {
    name: 'a scoped list leaves out other tenants',
    run: async () => {
      const { vault, ours, theirs } = await two();
      for (let index = 0; index < 20; index++) {
        await (index % 2 ? ours : theirs).createObject({ name: `n${index}`, value: 'v' });
      }
      const names: string[] = [];
      for await (const { name } of ours.listObjects({ limit: 7, order: 'asc' })) names.push(name);
      assert.deepEqual(names, ['mine', 'n1', 'n3', 'n5', 'n7', 'n9', 'n11', 'n13', 'n15', 'n17', 'n19']);
      assert.lengthOf(await (await vault.listObjects()).autoPagination(), 22);
    },
  },
  {
    name: 'scopes within scopes only narrow',
    run: async () => {
      const { ours, mine } = await two();
      const user = ours.scoped({ user_id: 'u' });
      const object = await user.createObject({ name: 'n', value: 'v' });
      assert.deepEqual(object.context, { organization_id: 'org_ours', user_id: 'u' });
      await fails('context_mismatch', () => user.readObject({ id: mine.id }));
      assert.equal((await ours.readObject({ id: object.id })).value, 'v');
      await fails('invalid_key_context', () => ours.scoped({}));
    },
  },
];
