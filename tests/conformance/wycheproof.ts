// Project Wycheproof's AES-GCM vectors, each as an envelope, through both ciphers.
import { assert } from 'chai';
import { VaultClient } from 'workos-vault-edge';
import vectors from '../vectors/wycheproof-aes-256-gcm.json' with { type: 'json' };
import { base, base64, type Case, ciphers, fails } from './case.ts';

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const keys = Uint8Array.of(1, 107); // A length, and one byte that stands for wrapped keys.

/** Whether the runtime's WebCrypto takes a nonce of 32 bytes; Deno's does not. */
async function takesLongNonces(): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', false, ['encrypt']);
  const sealing = crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(32) }, key, new Uint8Array(1));
  return sealing.then(
    () => true,
    (error: Error) => error.name !== 'NotSupportedError',
  );
}

async function through(cipher: 'wasm' | 'webcrypto'): Promise<void> {
  const vault = new VaultClient({ ...base(() => assert.fail('no request is needed')), cipher });
  assert.isAtLeast(vectors.length, 67);
  const opensAll = cipher === 'wasm' || (await takesLongNonces());
  for (const vector of vectors) {
    const [iv, ciphertext, tag] = [hex(vector.iv), hex(vector.ct), hex(vector.tag)];
    const parts = iv.length === 12 ? [iv, tag, keys, ciphertext] : [keys, iv, ciphertext, tag];
    const envelope = Uint8Array.from(parts.flatMap((part) => Array.from(part)));
    const open = () => vault.decryptBytesWith({ key: base64(hex(vector.key)) }, envelope, hex(vector.aad));
    if (vector.result === 'valid' && (iv.length === 12 || opensAll)) {
      assert.deepEqual(Array.from(await open()), Array.from(hex(vector.msg)), `vector ${vector.tcId}`);
    } else {
      await fails('decryption_failed', open);
    }
  }
}

export const wycheproof: Case[] = [
  {
    name: 'all vectors for 256-bit keys, by each cipher',
    run: async () => {
      for (const cipher of ciphers) await through(cipher);
    },
  },
];
