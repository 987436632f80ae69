// The two layouts of envelopes: what is written is read, whatever is read can be written again, and what is malformed is
// told. Which reading is right the tag says: that is tried here with Node's own cipher.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { part, VaultError } from './hosts/parts.ts';

const { framed, lengthAt, readings, roomOf } = (await part(
  'engine/envelope-format',
)) as typeof import('../js/src/engine/envelope-format.ts');

const MAGIC = 'WOS.EKM.v1\0';
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

function write(
  go: boolean,
  key: Uint8Array,
  keys: Uint8Array,
  aad: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  const nonce = new Uint8Array(12).fill(7);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  const ciphertext = cipher.update(data);
  cipher.final();
  return framed(keys, go, nonce, { ciphertext, tag: cipher.getAuthTag() });
}

/** The first reading whose keys are these and whose tag fits. */
function read(envelope: Uint8Array, key: Uint8Array, keys: Uint8Array, aad: Uint8Array): Buffer | undefined {
  for (const places of readings(envelope)) {
    const part = (name: 'nonce' | 'tag' | 'keys' | 'ciphertext') => envelope.subarray(...places[name]);
    if (!Buffer.from(part('keys')).equals(keys)) continue;
    const cipher = createDecipheriv('aes-256-gcm', key, part('nonce')).setAAD(aad).setAuthTag(part('tag'));
    const plaintext = cipher.update(part('ciphertext'));
    try {
      cipher.final();
      return plaintext;
    } catch {}
  }
  return undefined;
}

/** What is read, written again. */
function again(envelope: Uint8Array): void {
  for (const { go, nonce, tag, keys, ciphertext } of readings(envelope)) {
    const [its, of] = [
      envelope.subarray(...keys),
      (range: readonly [number, number]) => envelope.subarray(...range),
    ];
    assert.ok(its.length > 0 && [12, 32].includes(of(nonce).length) && of(tag).length === 16);
    assert.deepEqual(framed(its, go, of(nonce), { ciphertext: of(ciphertext), tag: of(tag) }), envelope);
  }
}

function said(envelope: Uint8Array): string {
  try {
    readings(envelope);
  } catch (error) {
    assert.ok(error instanceof VaultError && error.code === 'malformed_envelope');
    return error.message;
  }
  return '';
}

test("every official SDK's envelope is read, and written again byte for byte", () => {
  const vectors = JSON.parse(
    readFileSync(new URL('vectors/envelopes.json', import.meta.url), 'utf8'),
  ) as Record<string, string>[];
  assert.equal(vectors.length, 20);
  for (const { writer, aad, ...vector } of vectors) {
    const field = (name: string) => Uint8Array.from(Buffer.from(vector[name] as string, 'base64'));
    const [envelope, key, keys, bound] = [
      field('envelope'),
      field('data_key'),
      field('encrypted_keys'),
      new TextEncoder().encode(aad ?? ''),
    ];
    assert.deepEqual(read(envelope, key, keys, bound), Buffer.from(field('plaintext_utf8_base64')), writer);
    assert.equal(read(envelope, key, keys, bytes('other')), undefined, writer);
    again(envelope);
    assert.ok(readings(envelope).some(({ go }) => go === writer?.includes('go')));
  }
});

test('old Go envelopes, with nonces of 32 bytes, are read', () => {
  const [key, keys, nonce] = [new Uint8Array(32).fill(3), bytes(`${MAGIC}blob`), new Uint8Array(32).fill(9)];
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bytes('a'));
  const sealed = Buffer.concat([cipher.update('old'), cipher.final(), cipher.getAuthTag()]);
  const envelope = Uint8Array.from(Buffer.concat([Uint8Array.of(keys.length), keys, nonce, sealed]));
  assert.equal(read(envelope, key, keys, bytes('a'))?.toString(), 'old');
});

test('every flipped bit and every cut is refused', () => {
  const [key, keys] = [new Uint8Array(32).fill(1), bytes(`${MAGIC}k`)];
  for (const go of [false, true]) {
    const envelope = write(go, key, keys, bytes('aad'), bytes('secret'));
    assert.equal(read(envelope, key, keys, bytes('aad'))?.toString(), 'secret');
    const refused = (changed: Uint8Array, what: string) => {
      const message = said(changed);
      if (message === '') assert.equal(read(changed, key, keys, bytes('aad')), undefined, what);
    };
    for (let bit = 0; bit < envelope.length * 8; bit++) {
      const changed = envelope.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      refused(changed, `bit ${bit}`);
    }
    for (let length = 0; length < envelope.length; length++)
      refused(envelope.slice(0, length), `${length} bytes`);
  }
});

test('what is malformed is told, of both readings', () => {
  assert.equal(said(new Uint8Array(0)), 'envelope: it is empty');
  assert.equal(
    said(Uint8Array.of(1)),
    'envelope: read as most SDKs write it, it is cut off; read as the Go SDK writes it, its keys are longer than it is',
  );
  const cases: [number[], string][] = [
    [[0x80, 0x00], 'not in its shortest form'],
    [[0x00], 'no bytes'],
    [[0xff, 0xff, 0xff, 0xff, 0x7f], 'beyond 32 bits'],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 'more than 5 bytes'],
    [[0xff, 0xff, 0xff, 0xff, 0x0f], 'longer than it is'],
    [[0x05, 1, 2], 'longer than it is'],
    [[0x80], 'cut off'],
  ];
  // As the Go SDK writes it, its length has more than five bytes.
  const prefix = new Array<number>(28).fill(0x80);
  for (const [length, what] of cases) {
    const message = said(Uint8Array.of(...prefix, ...length));
    assert.ok(message.split(';')[0]?.includes(what), `${length}: ${message}`);
    assert.ok(message.endsWith('the length of its keys has more than 5 bytes'));
  }
});

test('lengths are read as they are written, and in their shortest form only', () => {
  for (const [length, ...form] of [
    [0, 0],
    [0x7f, 0x7f],
    [0x80, 0x80, 1],
    [0x3fff, 0xff, 0x7f],
    [0x4000, 0x80, 0x80, 1],
    [0xffff_ffff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  ] as [number, ...number[]][])
    assert.deepEqual(lengthAt(Uint8Array.of(9, ...form), 1), [length, 1 + form.length]);
});

test('an envelope is the same in the room that a cipher left around the ciphertext', () => {
  const some = (bytes: number) => new Uint8Array(bytes).fill(bytes);
  for (const go of [false, true])
    for (const keys of [some(1), some(127), some(128), some(300)]) {
      const [before, after] = roomOf(keys, go);
      const within = new Uint8Array(before + 50 + after);
      const ciphertext = within.subarray(before, before + 50).fill(50);
      const made = framed(keys, go, some(12), { ciphertext, tag: some(16), within });
      assert.equal(made, within);
      assert.deepEqual(made, framed(keys, go, some(12), { ciphertext: some(50), tag: some(16) }));
    }
});

test('the reading whose keys begin as the service’s do comes first', () => {
  const key = new Uint8Array(32);
  for (const go of [false, true]) {
    const envelope = write(go, key, bytes(`${MAGIC}blob`), bytes(''), new Uint8Array(64));
    assert.equal(readings(envelope)[0]?.go, go);
  }
  // Each reads as the other's, too: standard first, unless Go's alone begins so.
  const go = framed(bytes(`${MAGIC}${'\x01'.repeat(60)}`), true, new Uint8Array(12), {
    tag: new Uint8Array(16),
    ciphertext: new Uint8Array(40),
  });
  assert.deepEqual(
    readings(go).map(({ go }) => go),
    [true, true, false],
  );
  const neither = framed(new Uint8Array(71).fill(1), true, new Uint8Array(12), {
    tag: new Uint8Array(16),
    ciphertext: new Uint8Array(40),
  });
  assert.deepEqual(
    readings(neither).map(({ go }) => go),
    [false, true, true],
  );
});

const some = (max: number, minLength = 0) => fc.uint8Array({ minLength, maxLength: max, size: 'max' });

test('whatever is written is read', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(fc.boolean(), key, some(300, 1), some(40), some(300), (go, key, keys, aad, data) => {
      const envelope = write(go, key, keys, aad, data);
      assert.deepEqual(read(envelope, key, keys, aad), Buffer.from(data));
      assert.equal(read(envelope, key, keys, Uint8Array.of(...aad, 0)), undefined);
      again(envelope);
    }),
    { numRuns: 1000 },
  );
});

test('any bytes are an envelope, which can be written again, or malformed', () => {
  const likely = some(60).map((rest) => Uint8Array.of(...bytes(`\x0f${MAGIC}blob`), ...rest));
  const standard = some(60).map((rest) => Uint8Array.of(...new Uint8Array(28), ...rest));
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(some(200), likely, standard), (envelope) => {
      if (said(envelope) !== '') return;
      read++;
      assert.ok([1, 2, 3].includes(readings(envelope).length));
      again(envelope);
    }),
    { numRuns: 10_000 },
  );
  assert.ok(read > 1000, `${read} were read`);
});
