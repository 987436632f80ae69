// An encrypted stream's header, the nonces of its chunks, and which lengths chunks have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { part, VaultError } from './hosts/parts.ts';

const { CHUNK_MAX, CHUNK_MIN, HEADER_MAX, Nonces, readHeader, writeHeader } = (await part(
  'engine/stream-format',
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

test('the header is as documented', () => {
  const written = writeHeader(CHUNK, keys);
  const head = Buffer.from(written.bytes);
  assert.equal(head.toString('latin1', 0, 7), 'WVSTRM\x01');
  assert.equal(head.readUint32BE(7), CHUNK, 'the chunk size');
  assert.deepEqual(written.fixed, written.bytes.slice(0, 18), 'what each chunk is bound to');
  assert.equal(head[18], 15, 'the length of the keys');
  assert.equal(head.toString('latin1', 19), 'WOS.EKM.v1\0blob');
  const found = readHeader(Uint8Array.of(...written.bytes, ...prefix));
  assert.deepEqual(found, { ...written, keys: Uint8Array.from(written.keys) });
  for (let length = 0; length < written.bytes.length; length++)
    assert.equal(readHeader(written.bytes.subarray(0, length)), undefined, `${length} bytes`);
});

test('keys have at most 65,536 bytes', () => {
  const blob = (length: number) => Buffer.alloc(length, 7).toString('base64');
  const longest = writeHeader(CHUNK_MAX, blob(65_536));
  assert.equal(longest.bytes.length, HEADER_MAX);
  assert.deepEqual(readHeader(longest.bytes)?.bytes, longest.bytes);
  assert.throws(() => writeHeader(CHUNK, blob(65_537)), /^VaultError: stream: its keys are too long$/);
});

test('what is no stream is told, as soon as it is seen', () => {
  const good = writeHeader(CHUNK, keys).bytes;
  const said = (at: number, ...bytes: number[]) => {
    const changed = good.slice();
    changed.set(bytes, at);
    try {
      readHeader(changed);
    } catch (error) {
      assert.ok(error instanceof VaultError && error.code === 'malformed_envelope');
      return error.message;
    }
    return '';
  };
  const begins = 'stream: it does not begin as a stream of encryptStream does';
  assert.equal(said(0, 88), begins);
  assert.equal(said(5, 88), begins);
  assert.throws(() => readHeader(Uint8Array.of(88)), VaultError);
  assert.equal(said(6, 2), 'stream: its version is 2, this release reads version 1');
  assert.equal(CHUNK_MIN, CHUNK);
  for (const size of [0, CHUNK_MIN - 1, CHUNK_MAX + 1, 2 ** 32 - 1]) {
    const bytes = Buffer.alloc(4);
    bytes.writeUint32BE(size);
    assert.match(said(7, ...bytes), /chunk size is not from 1,024 to 16,777,216 bytes$/);
  }
  assert.match(said(18, 0), /no bytes, or more than 65,536$/);
  assert.match(said(18, 0x80, 0), /shortest form$/);
  assert.match(said(18, 0x81, 0x80, 0x04), /no bytes, or more than 65,536$/);
  assert.match(said(18, 255, 255, 255, 255, 255), /more than 5 bytes$/);
});

test('any bytes are a header, which stays so when more come, or go on, or are refused', () => {
  const begun = fc.nat(80).map((length) => writeHeader(CHUNK, keys).bytes.subarray(0, length));
  const any = fc.uint8Array({ maxLength: 80, size: 'max' });
  const read = (bytes: Uint8Array) => {
    try {
      return readHeader(bytes);
    } catch (error) {
      assert.ok(error instanceof VaultError && error.code === 'malformed_envelope');
      return error.message;
    }
  };
  const seen = { header: 0, more: 0, refused: 0 };
  fc.assert(
    fc.property(begun, any, (begun, rest) => {
      const bytes = Uint8Array.of(...begun, ...rest);
      const found = read(bytes);
      if (found === undefined) seen.more++;
      else if (typeof found === 'string') seen.refused++;
      else {
        seen.header++;
        assert.deepEqual(found.bytes, bytes.subarray(0, found.bytes.length));
        assert.equal(found.keys.length, found.bytes.length - found.bytes.indexOf(found.keys.length, 18) - 1);
      }
      for (const length of [bytes.length >> 1, Math.max(bytes.length - 1, 0)]) {
        const before = read(bytes.subarray(0, length));
        if (before !== undefined) assert.deepEqual(found, before);
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(
    Object.values(seen).every((count) => count > 100),
    JSON.stringify(seen),
  );
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
