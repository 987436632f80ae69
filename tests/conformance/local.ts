import { assert } from 'chai';
import { KeyContext, VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import {
  base,
  base64,
  type Case,
  counting,
  bytes as data,
  fails,
  hasOwnCipher,
  json,
  local,
  stubbed,
} from './case.ts';

const context = { organization_id: 'org_1' };

export const localEncryption: Case[] = [
  {
    name: "this package's own cipher makes what the runtime's reads, or is refused by name",
    run: async () => {
      const emulator = new VaultEmulator();
      const of = (cipher: 'wasm' | 'webcrypto') => new VaultClient({ ...base(emulator.fetch), cipher });
      if (!hasOwnCipher) {
        const error = await fails('invalid_config', () => of('wasm'));
        assert.include(error.message, "import 'workos-vault-edge/cipher'");
        assert.equal(error.problems[0]?.field, 'cipher');
        return;
      }
      const [own, web] = [of('wasm'), of('webcrypto')];
      for (const text of ['', 'a', 'naïve 🔑', 'x'.repeat(10_000)]) {
        assert.equal(await web.decrypt(await own.encrypt(text, context, 'a'), 'a'), text);
        assert.equal(await own.decrypt(await web.encrypt(text, context, 'a'), 'a'), text);
      }
    },
  },
  {
    name: 'text comes back, of every length, by either cipher, in either layout, with one request each way',
    run: async () => {
      const { vault, count } = counting();
      const texts = [
        '',
        'a',
        'naïve 🔑',
        'x'.repeat(8191),
        'x'.repeat(8192),
        'é'.repeat(4096),
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
      for (const length of [0, 1, 8191, 8192, 70_000]) {
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
    name: 'a mebibyte more or less, by the quickest cipher: WebCrypto reads it, and its memory holds nothing else',
    run: async () => {
      const { emulator, vault } = local();
      const web = new VaultClient({ ...base(emulator.fetch), cipher: 'webcrypto' });
      const mebibyte = 1 << 20;
      for (const length of [mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte + 5])
        for (const layout of ['standard', 'go'] as const) {
          const bytes = data(length);
          const envelope = await vault.encryptBytes(bytes, context, 'row', { layout });
          assert.equal(envelope.buffer.byteLength, envelope.length);
          const text = await vault.encrypt(bytes, context, 'row', { layout });
          for (const read of [envelope, text]) {
            const plaintext = await web.decryptBytes(read, 'row');
            assert.equal(plaintext.length, length);
            assert.isTrue(plaintext.every((byte, at) => byte === bytes[at]));
          }
        }
    },
  },
  {
    name: 'a long text comes back whatever is in it, and bytes that are no text are told of',
    run: async () => {
      const { vault } = local();
      const ascii = (length: number) => '\0az\x7f~'.repeat(Math.ceil(length / 5)).slice(0, length);
      for (const length of [65_535, 65_536, 1_048_577]) {
        const plain = ascii(length);
        // One that is not ASCII at the beginning, in the middle and at the end; U+0080 is the first of them.
        for (const text of [plain, `\ufeff${plain}`, `${plain}\u0080${plain}`, `${plain}🔑`]) {
          const read = await vault.decrypt(await vault.encrypt(text, context));
          assert.isTrue(read === text, `${length} characters, and ${text.length - length} more`);
        }
        for (const at of [0, length >> 1, length - 1]) {
          const bytes = new TextEncoder().encode(plain);
          bytes[at] = 0x80;
          const envelope = await vault.encrypt(bytes, context);
          const error = await fails('invalid_request', () => vault.decrypt(envelope));
          assert.include(error.message, 'use decryptBytes');
          const read = await vault.decryptBytes(envelope);
          assert.isTrue(read.length === length && read[at] === 0x80);
        }
      }
    },
  },
  {
    name: 'long envelopes are read the other way where the first was wrong, several at once',
    run: async () => {
      // Keys of nobody's, each other ones, in which the first reading sees keys of one byte.
      const pairs = [1, 2, 3].map((number) => {
        const keys = data(40).fill(number);
        keys[27] = 1;
        return { id: 'k', data_key: base64(data(32)), encrypted_keys: base64(keys), context };
      });
      const asked: string[] = [];
      let made = 0;
      const { vault } = stubbed(async (url, init) => {
        if (url.endsWith('/data-key')) return json(pairs[made++]);
        const { keys } = JSON.parse(String(init.body)) as { keys: string };
        asked.push(keys);
        const pair = pairs.find(({ encrypted_keys }) => encrypted_keys === keys);
        return pair ? json(pair) : json({ error: 'no such key' }, 400);
      });
      const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(60_000));
      const envelopes = await Promise.all(
        texts.map((text) => vault.encrypt(text, context, undefined, { layout: 'go' })),
      );
      const read = await Promise.all(envelopes.map((envelope) => vault.decrypt(envelope)));
      assert.isTrue(read.every((text, at) => text === texts[at]));
      const wrong = [1, 2, 3].map((number) => base64(Uint8Array.of(number)));
      assert.sameMembers(asked, [...wrong, ...pairs.map(({ encrypted_keys }) => encrypted_keys)]);
    },
  },
  {
    name: 'what was changed, or is not what it was bound to, is refused and no more is said',
    run: async () => {
      const { vault } = local();
      const { vault: other } = local();
      for (const length of [20, 9000]) {
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
    name: 'a batch is one request, keeps its order, and one bad item does not lose the others',
    run: async () => {
      const { vault, count } = counting();
      const items = Array.from({ length: 50 }, (_, index) => ({
        data: `text ${index}`,
        associatedData: `row ${index}`,
      }));
      const bad = [...items.slice(0, 3), { data: 5 as never }, ...items.slice(3)];
      const sealed = await vault.encryptMany(bad, context);
      assert.deepEqual(
        sealed.map(({ ok }) => ok),
        bad.map((_, index) => index !== 3),
      );
      const failed = sealed[3];
      assert.isFalse(failed?.ok);
      if (failed && !failed.ok) assert.equal(failed.error.problems[0]?.field, 'items[3].data');
      const envelopes = sealed.flatMap((result) => (result.ok ? [result.value] : []));
      assert.lengthOf(new Set(envelopes), 50);
      const open = items.map(({ associatedData }, index) => ({
        envelope: envelopes[index] ?? '',
        associatedData,
      }));
      const broken = [
        ...open,
        { envelope: 'nonsense' },
        { envelope: envelopes[0] ?? '', associatedData: 'row 1' },
        { envelope: await await local().vault.encrypt('x', context) },
      ];
      const opened = await vault.decryptMany(broken);
      assert.deepEqual(
        opened.slice(0, 50),
        items.map(({ data }) => ({ ok: true, value: data })),
      );
      assert.deepEqual(
        opened.slice(50).map((result) => (result.ok ? '' : result.error.code)),
        ['malformed_envelope', 'decryption_failed', 'decryption_failed'],
      );
      assert.equal(count['data-key'], 1);
      assert.isAtMost(count.decrypt ?? 0, 4, "the batch's blob, the stranger's, and other readings");
      assert.deepEqual(await vault.encryptMany([], context), []);
      assert.deepEqual(await vault.decryptMany([]), []);
      await fails('invalid_request', () => vault.encryptMany('x' as never, context));
    },
  },
  {
    name: 'a batch unwraps each distinct key once, at most six at a time',
    run: async () => {
      const emulator = new VaultEmulator();
      const direct = new VaultClient(base(emulator.fetch));
      const items: { envelope: string }[] = [];
      for (let key = 0; key < 15; key++) {
        for (const result of await direct.encryptMany([{ data: `a${key}` }, { data: `b${key}` }], context)) {
          if (result.ok) items.push({ envelope: result.value });
        }
      }
      let [now, most, requests] = [0, 0, 0];
      const vault = new VaultClient(
        base(async (url, init) => {
          requests++;
          most = Math.max(most, ++now);
          await new Promise((resolve) => setTimeout(resolve, 2));
          now--;
          return emulator.fetch(url, init);
        }),
      );
      const opened = await vault.decryptMany(items);
      assert.isTrue(opened.every(({ ok }) => ok));
      assert.deepEqual([requests, most], [15, 6]);
    },
  },
  {
    name: 'fields of a record, bound to their place',
    run: async () => {
      const { vault, count } = counting();
      const user = {
        id: 42,
        ssn: '123-45-6789',
        address: { line1: '1 Main St', city: 'Berlin', geo: [52.5, 13.4] },
        note: null,
        __proto__: { inherited: 'x' },
      };
      const paths = [
        'ssn',
        'address.line1',
        'address.geo',
        'note',
        'missing.too',
        'inherited',
        '__proto__.x',
      ];
      const options = { bindTo: 'users/42' };
      const sealed = await vault.encryptFields(user, paths, context, options);
      assert.equal(user.ssn, '123-45-6789', 'the record is not changed');
      assert.equal(sealed.address.city, 'Berlin');
      assert.isNull(sealed.note);
      assert.notInclude(JSON.stringify(sealed), '6789');
      assert.isString(sealed.address.geo as unknown);
      const opened = await vault.decryptFields(sealed, paths, options);
      assert.deepEqual(JSON.stringify(opened), JSON.stringify(user));
      assert.deepEqual(count, { 'data-key': 1, decrypt: 1 });
      const elsewhere = await fails('decryption_failed', () =>
        vault.decryptFields(sealed, ['ssn'], { bindTo: 'users/43' }),
      );
      assert.equal(elsewhere.problems[0]?.field, 'ssn');
      const moved = { ...sealed, ssn: sealed.address.line1 };
      await fails('decryption_failed', () => vault.decryptFields(moved, ['ssn'], options));
      await fails('malformed_envelope', () => vault.decryptFields(user, ['ssn'], options));
      const place = JSON.stringify(['workos-vault-edge:field:1', 'users/42', 'ssn']);
      const other = { ssn: await vault.encrypt('hunter2', context, place) };
      const noJson = await fails('invalid_request', () => vault.decryptFields(other, ['ssn'], options));
      assert.notInclude(noJson.message, 'hunter');
      for (const wrong of [[], ['a', 'a'], ['a.b', 'a'], ['.a'], [5], 'ssn']) {
        await fails('invalid_request', () => vault.encryptFields(user, wrong as string[], context, options));
      }
      await fails('invalid_request', () => vault.encryptFields(user, ['ssn'], context, { bindTo: '' }));
      await fails('invalid_request', () => vault.encryptFields(5 as never, ['ssn'], context, options));
    },
  },
  {
    name: 're-keying changes the key blob alone',
    run: async () => {
      const { vault, emulator } = local({
        customerKeys: [{ organizationId: 'org_c', provider: 'AZURE_KEY_VAULT' }],
      });
      for (const layout of ['standard', 'go'] as const) {
        for (const length of [5, 9000]) {
          const text = 'x'.repeat(length);
          const old = await vault.encrypt(text, { organization_id: 'org_c' }, 'row', { layout });
          const rekeyed = await vault.rekeyEnvelope(old, { organization_id: 'org_2', tier: 'cold' });
          assert.isString(rekeyed);
          assert.notEqual(rekeyed, old);
          emulator.setCustomerKeyAccess('org_c', false);
          assert.equal(
            await vault.decrypt(rekeyed, 'row'),
            text,
            "the customer's key is not needed any more",
          );
          await fails('customer_key_inaccessible', () => vault.decrypt(old, 'row'));
          await fails('customer_key_inaccessible', () => vault.rekeyEnvelope(old, context));
          emulator.setCustomerKeyAccess('org_c', true);
          await fails('decryption_failed', () => vault.decrypt(rekeyed, 'another'));
        }
      }
      const bytes = await vault.rekeyEnvelope(await vault.encryptBytes('y', context), { a: 'b' });
      assert.instanceOf(bytes, Uint8Array);
      assert.equal(await vault.decrypt(bytes), 'y');
      await fails('malformed_envelope', () => vault.rekeyEnvelope('nonsense', context));
      await fails('decryption_failed', async () =>
        vault.rekeyEnvelope(await local().vault.encrypt('z', context), context),
      );
    },
  },
  {
    name: 'a data key that the caller has needs no request',
    run: async () => {
      const { vault, count } = counting();
      const pair = await vault.createDataKey({ context });
      for (const length of [0, 10, 9000]) {
        const envelope = await vault.encryptWith(pair, data(length), 'row', { layout: 'go' });
        assert.deepEqual(
          Array.from(await vault.decryptBytesWith(pair.dataKey, envelope, 'row')),
          Array.from(data(length)),
        );
        await fails('decryption_failed', () => vault.decryptWith(pair.dataKey, envelope, 'other'));
        assert.deepEqual(Array.from(await vault.decryptBytes(envelope, 'row')), Array.from(data(length)));
      }
      assert.equal(await vault.decryptWith(pair.dataKey, await vault.encryptWith(pair, 'text')), 'text');
      assert.deepEqual(count, { 'data-key': 1, decrypt: 3 });
      for (const wrong of [
        undefined,
        {},
        { dataKey: { key: 'AAAA' }, encryptedKeys: 'AAAA' },
        { ...pair, encryptedKeys: '' },
      ]) {
        const error = await fails('invalid_request', () => vault.encryptWith(wrong as never, 'x'));
        assert.notInclude(error.message, pair.dataKey.key);
      }
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
