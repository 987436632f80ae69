// Envelopes written by the published Node, Python and Go SDKs, read through the client: the service is a stub that
// hands out the key which each was made with.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { VaultClient } from 'workos-vault-edge';

interface Vector {
  name: string;
  writer: string;
  plaintext_utf8_base64: string;
  aad: string | null;
  data_key: string;
  encrypted_keys: string;
  envelope: string;
}

const vectors = JSON.parse(
  readFileSync(new URL('vectors/envelopes.json', import.meta.url), 'utf8'),
) as Vector[];

describe('envelopes of the official SDKs', () => {
  test('there are 20', () => assert.equal(vectors.length, 20));
  for (const vector of vectors) {
    test(`${vector.writer}: ${vector.name}`, async () => {
      const asked: string[] = [];
      const fetch = async (_url: string, init: RequestInit) => {
        const { keys } = JSON.parse(String(init.body)) as { keys: string };
        asked.push(keys);
        const known = keys === vector.encrypted_keys;
        const body = known ? { id: 'key', data_key: vector.data_key } : { error: 'Invalid keys.' };
        return new Response(JSON.stringify(body), { status: known ? 200 : 400 });
      };
      const vault = new VaultClient({ apiKey: 'sk_test_vectors', fetch, maxRetries: 0 });
      const plaintext = Buffer.from(vector.plaintext_utf8_base64, 'base64');
      assert.equal(await vault.decrypt(vector.envelope, vector.aad), plaintext.toString());
      assert.equal(new Set(asked).size, asked.length, 'one request for a key blob');
      assert.ok(asked.length <= 2);
      const bytes = await vault.decryptBytes(Buffer.from(vector.envelope, 'base64'), vector.aad);
      assert.deepEqual(Buffer.from(bytes), plaintext);
      await assert.rejects(vault.decrypt(vector.envelope, 'another'), { code: 'decryption_failed' });
    });
  }
});
