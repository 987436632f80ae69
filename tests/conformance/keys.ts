import { assert } from 'chai';
import { KeyContext } from 'workos-vault-edge';
import { type Case, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1', user_id: 'u' };
const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

export const keys: Case[] = [
  {
    name: 'createDataKey gives 32 random bytes and wrapped copies that begin as the service has them',
    run: async () => {
      const { vault } = local();
      const pair = await vault.createDataKey({ context });
      assert.sameMembers(Object.keys(pair), ['context', 'dataKey', 'encryptedKeys']);
      assert.sameMembers(Object.keys(pair.dataKey), ['key', 'id']);
      assert.lengthOf(bytes(pair.dataKey.key), 32);
      assert.isTrue(atob(pair.encryptedKeys).startsWith('WOS.EKM.v1\0'));
      assert.deepEqual(pair.context, context);
      const other = await vault.createDataKey({ context });
      assert.notEqual(other.dataKey.key, pair.dataKey.key);
    },
  },
  {
    name: 'decryptDataKey and createRekey give the same key, under whatever context',
    run: async () => {
      const { vault } = local();
      const pair = await vault.createDataKey({ context: KeyContext.from(context) });
      assert.deepEqual(await vault.decryptDataKey({ keys: pair.encryptedKeys }), pair.dataKey);
      const rekeyed = await vault.createRekey({
        encryptedKeys: pair.encryptedKeys,
        context: { tier: 'cold' },
      });
      assert.sameMembers(Object.keys(rekeyed), ['context', 'dataKey', 'encryptedKeys', 'id']);
      assert.equal(rekeyed.dataKey, pair.dataKey.key);
      assert.deepEqual(rekeyed.context, { tier: 'cold' });
      assert.notEqual(rekeyed.encryptedKeys, pair.encryptedKeys);
      assert.equal((await vault.decryptDataKey({ keys: rekeyed.encryptedKeys })).key, pair.dataKey.key);
    },
  },
  {
    name: 'a blob that was changed anywhere is refused',
    run: async () => {
      const { vault } = local();
      const { encryptedKeys } = await vault.createDataKey({ context });
      const blob = bytes(encryptedKeys);
      for (let at = 0; at < blob.length; at += 3) {
        const changed = blob.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        const keys = btoa(String.fromCharCode(...changed));
        const error = await fails('invalid_request', () => vault.decryptDataKey({ keys }));
        assert.equal(error.status, 400);
      }
      for (const keys of ['', 'not base64', 'AAA']) {
        const error = await fails('invalid_request', () => vault.decryptDataKey({ keys }));
        assert.isUndefined(error.status, 'found before any request');
      }
      const cut = btoa(String.fromCharCode(...blob.slice(0, -1)));
      await fails('invalid_request', () => vault.createRekey({ encryptedKeys: cut, context }));
    },
  },
  {
    name: "another Vault's blob is refused",
    run: async () => {
      const { vault } = local();
      const { vault: other } = local();
      const { encryptedKeys } = await other.createDataKey({ context });
      await fails('invalid_request', () => vault.decryptDataKey({ keys: encryptedKeys }));
    },
  },
  {
    name: 'a data key of the wrong length is malformed, and not shown',
    run: async () => {
      const short = 'c2hvcnQgc2VjcmV0';
      const { vault } = stubbed(() => json({ id: 'k', data_key: short }));
      const error = await fails('malformed_response', () => vault.decryptDataKey({ keys: 'AAAA' }));
      assert.match(error.message, /data_key: expected 32 bytes in base64, got 12 bytes/);
      assert.notInclude(error.message + error.stack, short);
    },
  },
  {
    name: 'customer keys: taken away, given back, deleted',
    run: async () => {
      const { vault, emulator } = local({
        customerKeys: [{ organizationId: 'org_c', provider: 'GCP_KMS' }],
      });
      const customer = { organization_id: 'org_c', user_id: 'u' };
      const own = await vault.createObject({ name: 'own', value: 'v', context });
      const theirs = await vault.createObject({ name: 'theirs', value: 'v', context: customer });
      assert.notEqual(own.keyId, theirs.keyId);
      const pair = await vault.createDataKey({ context: customer });
      emulator.setCustomerKeyAccess('org_c', false);
      for (const call of [
        () => vault.readObject({ id: theirs.id }),
        () => vault.updateObject({ id: theirs.id, value: 'w' }),
        () => vault.decryptDataKey({ keys: pair.encryptedKeys }),
        () => vault.createDataKey({ context: customer }),
        () => vault.createObject({ name: 'more', value: 'v', context: customer }),
      ]) {
        await fails('customer_key_inaccessible', call);
      }
      assert.equal((await vault.readObject({ id: own.id })).value, 'v', "others' data is not touched");
      await vault.describeObject({ id: theirs.id });
      emulator.setCustomerKeyAccess('org_c', true);
      assert.equal((await vault.readObject({ id: theirs.id })).value, 'v');
      emulator.deleteCustomerKey('org_c');
      await fails('customer_key_inaccessible', () => vault.readObject({ id: theirs.id }));
      const after = await vault.createObject({ name: 'after', value: 'v', context: customer });
      assert.notEqual(after.keyId, theirs.keyId, "WorkOS's key from now on");
    },
  },
];
