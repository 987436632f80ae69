import { assert } from 'chai';
import { KeyContext, VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { base, type Case, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };

/** A local Vault that counts the requests to each of its keys' paths. */
function counting() {
  const emulator = new VaultEmulator();
  const count: Record<string, number> = {};
  const vault = new VaultClient(
    base((url, init) => {
      const path = new URL(url).pathname.split('/').pop() ?? '';
      count[path] = (count[path] ?? 0) + 1;
      return emulator.fetch(url, init);
    }),
  );
  return { vault, count, emulator };
}

const data = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + 7) & 255);
const base64 = (bytes: Uint8Array) => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};

export const localEncryption: Case[] = [
  {
    name: 'text comes back, of every length, by either cipher, in either layout, with one request each way',
    run: async () => {
      const { vault, count } = counting();
      const texts = [
        '',
        'a',
        'naïve 🔑',
        'x'.repeat(4095),
        'x'.repeat(4096),
        'é'.repeat(2048),
        'y'.repeat(200_000),
      ];
      let calls = 0;
      for (const text of texts) {
        for (const layout of ['standard', 'go'] as const) {
          for (const aad of [undefined, 'row-1', Uint8Array.of(0, 255)]) {
            const envelope = await vault.encrypt(text, context, aad, { layout });
            assert.match(envelope, /^[A-Za-z0-9+/]+={0,2}$/);
            assert.equal(await vault.decrypt(envelope, aad), text);
            calls++;
          }
        }
      }
      assert.deepEqual(count, { 'data-key': calls, decrypt: calls });
    },
  },
  {
    name: 'bytes come back, as text or as an envelope of bytes',
    run: async () => {
      const { vault } = local();
      for (const length of [0, 1, 4095, 4096, 70_000]) {
        const bytes = data(length);
        const envelope = await vault.encryptBytes(bytes, KeyContext.from(context), 'a');
        assert.instanceOf(envelope, Uint8Array);
        assert.deepEqual(Array.from(await vault.decryptBytes(envelope, 'a')), Array.from(bytes));
        assert.deepEqual(Array.from(await vault.decryptBytes(base64(envelope), 'a')), Array.from(bytes));
        const text = await vault.encrypt(bytes, context);
        assert.deepEqual(Array.from(await vault.decryptBytes(text)), Array.from(bytes));
        const urlSafe = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        assert.deepEqual(Array.from(await vault.decryptBytes(urlSafe)), Array.from(bytes));
      }
      const notText = await vault.encrypt(Uint8Array.of(255), context);
      const error = await fails('invalid_request', () => vault.decrypt(notText));
      assert.match(error.message, /use decryptBytes/);
    },
  },
  {
    name: 'what was changed, or is not what it was bound to, is refused and no more is said',
    run: async () => {
      const { vault } = local();
      const { vault: other } = local();
      for (const length of [20, 5000]) {
        const envelope = await vault.encryptBytes(data(length), context, 'row-1');
        for (const aad of [undefined, '', 'row-2', 'row-1 ']) {
          const error = await fails('decryption_failed', () => vault.decryptBytes(envelope, aad));
          assert.equal(error.message, 'the envelope could not be decrypted');
        }
        for (const at of [0, 12, 40, envelope.length - 1]) {
          const changed = envelope.slice();
          changed[at] = (changed[at] ?? 0) ^ 1;
          await fails('decryption_failed', () => vault.decryptBytes(changed, 'row-1'));
        }
        await fails('decryption_failed', () => other.decryptBytes(envelope, 'row-1'));
      }
    },
  },
  {
    name: 'what is no envelope is told before any request',
    run: async () => {
      const { vault, count } = counting();
      for (const envelope of ['', 'not base64!', 'AAAA', new Uint8Array(0), data(10)]) {
        const error = await fails('malformed_envelope', () => vault.decrypt(envelope));
        assert.match(error.message, /^envelope: /);
      }
      const wrong: [string, () => unknown][] = [
        ['envelope', () => vault.decrypt(5 as never)],
        ['associatedData', () => vault.decrypt('AAAA', 5 as never)],
        ['data', () => vault.encrypt(5 as never, context)],
        ['data', () => vault.encrypt('half \ud83d', context)],
        ['layout', () => vault.encrypt('x', context, undefined, { layout: 'rust' as never })],
      ];
      for (const [field, call] of wrong) {
        const error = await fails('invalid_request', call);
        assert.equal(error.problems[0]?.field, field);
      }
      await fails('invalid_key_context', () => vault.encrypt('x', {}));
      await fails('invalid_key_context', () => vault.encrypt('x', undefined as never));
      assert.isEmpty(count);
    },
  },
  {
    name: "a service's own trouble is told as such",
    run: async () => {
      const { vault, emulator } = local({ customerKeys: [{ organizationId: 'org_c', provider: 'AWS_KMS' }] });
      const envelope = await vault.encrypt('x', { organization_id: 'org_c' });
      emulator.setCustomerKeyAccess('org_c', false);
      await fails('customer_key_inaccessible', () => vault.decrypt(envelope));
      await fails('customer_key_inaccessible', () => vault.encrypt('x', { organization_id: 'org_c' }));
      const { vault: down } = stubbed(() => json({}, 503), { maxRetries: 0 });
      await fails('server_error', () => down.decrypt(envelope));
    },
  },
  {
    name: 'a scoped client encrypts under its context, and does not decrypt',
    run: async () => {
      const { vault } = local();
      const ours = vault.forOrganization('org_1');
      const envelope = await ours.encrypt('x', undefined);
      assert.equal(await vault.decrypt(envelope), 'x');
      assert.equal(await vault.decrypt(await ours.encrypt('x', { user_id: 'u' })), 'x');
      await fails('context_mismatch', () => ours.encrypt('x', { organization_id: 'org_2' }));
      for (const method of ['decrypt', 'decryptBytes']) assert.notProperty(ours, method);
    },
  },
];
