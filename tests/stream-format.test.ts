// The nonces of an encrypted stream's chunks, and which lengths chunks have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from 'workos-vault-edge';

const { Nonces, readHeader, writeHeader } = (await import(
  new URL('../pkg/dist/engine/stream-format.js', import.meta.url).href
)) as typeof import('../js/src/engine/stream-format.ts');

const [CHUNK, TAG_BYTES] = [1024, 16];
const keys = Buffer.from('WOS.EKM.v1\0blob').toString('base64');
const prefix = [1, 2, 3, 4, 5, 6, 7];

function nonces() {
  const header = writeHeader(CHUNK, keys);
  header.fixed.set(prefix, 11);
  return new Nonces(header);
}

const cutOff = (error: unknown) => {
  assert.ok(error instanceof VaultError);
  assert.deepEqual([error.code, error.message], ['malformed_envelope', 'stream: it is cut off']);
  return true;
};
const cutBetween = (error: unknown) => {
  assert.ok(error instanceof VaultError);
  const message = 'stream: it is cut off between two chunks';
  assert.deepEqual([error.code, error.message], ['malformed_envelope', message]);
  return true;
};

test('a header that is written is read', () => {
  const written = writeHeader(CHUNK, keys);
  const found = readHeader(Uint8Array.of(...written.bytes, ...prefix));
  assert.deepEqual(found, { ...written, keys: Uint8Array.from(written.keys) });
  assert.equal(Buffer.from(written.keys).toString(), 'WOS.EKM.v1\0blob');
  assert.deepEqual(written.fixed, written.bytes.slice(0, 18));
  for (let length = 0; length < written.bytes.length; length++)
    assert.equal(readHeader(written.bytes.subarray(0, length)), undefined, `${length} bytes`);
});

test('two streams do not share the random part of their nonces', () => {
  const parts = Array.from({ length: 1000 }, () => Buffer.from(writeHeader(CHUNK, keys).fixed.slice(11)));
  assert.equal(new Set(parts.map((part) => part.toString('hex'))).size, 1000);
});

test('a nonce is the random part, the number of the chunk, and whether it is the last', () => {
  const chunks = nonces();
  const next = (last: boolean) => [...chunks.next(last)];
  assert.deepEqual(next(false), [...prefix, 0, 0, 0, 0, 0]);
  assert.deepEqual(next(false), [...prefix, 0, 0, 0, 1, 0]);
  for (let number = 2; number < 0x1_0203; number++) chunks.next(false);
  assert.deepEqual(next(false), [...prefix, 0, 1, 2, 3, 0]);
  assert.deepEqual(next(true), [...prefix, 0, 1, 2, 4, 1]);
  assert.deepEqual([...nonces().next(true)], [...prefix, 0, 0, 0, 0, 1]);
});

test("a stream's nonces are all different", () => {
  const chunks = nonces();
  const seen = Array.from({ length: 1000 }, (_, at) => Buffer.from(chunks.next(at === 999)).toString('hex'));
  assert.equal(new Set(seen).size, 1000);
  assert.ok(seen.every((nonce) => nonce.length === 24));
});

test('nothing comes after the last chunk', () => {
  const chunks = nonces();
  chunks.next(false);
  chunks.next(true);
  for (const last of [false, true]) assert.throws(() => chunks.next(last), VaultError);
});

test('all chunks but the last are whole, and only the only one may be empty', () => {
  const chunks = nonces();
  for (const length of [0, 1, CHUNK - 1, CHUNK + 1])
    assert.throws(() => chunks.check(length, false), cutBetween, `${length}`);
  chunks.check(CHUNK, false);
  for (const length of [0, 1, CHUNK]) chunks.check(length, true);
  assert.throws(() => chunks.check(CHUNK + 1, true), cutBetween);
  chunks.next(false);
  assert.throws(() => chunks.check(0, true), cutBetween);
  for (const length of [1, CHUNK]) chunks.check(length, true);
  chunks.check(CHUNK, false);
  chunks.next(true);
  assert.throws(() => chunks.check(0, true), cutBetween);
});

test('a chunk that is shorter than its tag is cut off', () => {
  const chunks = nonces();
  for (const number of [0, 1]) {
    for (let length = -TAG_BYTES; length < 0; length++)
      for (const last of [true, false])
        assert.throws(() => chunks.check(length, last), cutOff, `${length} of chunk ${number}, ${last}`);
    chunks.next(false);
  }
});
