// What TypeScript does by itself for speed, held to what core would have done: answers taken apart, times read, requests
// made from patterns, base64.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import 'workos-vault-edge';

const dist = new URL('../pkg/dist/engine/', import.meta.url).href;
const shapes = (await import(`${dist}shapes.js`)) as typeof import('../js/src/engine/shapes.ts');
const { OPERATION } = (await import(`${dist}host.js`)) as typeof import('../js/src/engine/host.ts');
const { Quick } = (await import(`${dist}quick.js`)) as typeof import('../js/src/engine/quick.ts');
const base64 = (await import(`${dist}base64.js`)) as typeof import('../js/src/engine/base64.ts');
const core = (await import(new URL('../pkg/wasm/client/client.js', import.meta.url).href)) as {
  checkAnswer(operation: number, status: number, requestId: undefined, body: unknown): void;
  describeOperation(operation: number): string[];
  prepare(operation: number, options: unknown, scope?: unknown): { body?: string; target: string };
  decodeEnvelope(text: string): Uint8Array;
};

const metadata = {
  id: 'a',
  environment_id: 'e',
  context: { organization_id: 'org_1' },
  key_id: 'k',
  updated_at: '2024-01-31T00:00:00.000Z',
  updated_by: { id: 'u', name: 'U' },
  version_id: null,
};
const object = { id: 'a', name: 'n', metadata };
const cursors = { before: null, after: 'x' };
const key = Buffer.alloc(32, 7).toString('base64');
const pair = { id: 'i', data_key: key, encrypted_keys: 'a2V5cw==', context: { a: 'b' } };
const answers: [keyof typeof OPERATION, (wire: unknown) => unknown, unknown][] = [
  ['createObject', shapes.metadata, metadata],
  ['readObject', shapes.object, { ...object, value: 'v' }],
  ['describeObject', shapes.described, object],
  [
    'listObjects',
    shapes.summaries,
    { data: [{ id: 'a', name: 'n', updated_at: '2024-01-01T00:00:00.000Z' }], list_metadata: cursors },
  ],
  [
    'listObjectVersions',
    shapes.versions,
    {
      data: [{ id: 'v', created_at: '2024-01-01T00:00:00Z', current_version: true, size: 3, etag: 'e' }],
      list_metadata: cursors,
    },
  ],
  [
    'listEvents',
    shapes.events,
    {
      data: [{ id: 'e', event: 'vault.data.read', created_at: '2024-01-01T00:00:00Z', data: {} }],
      list_metadata: cursors,
    },
  ],
  ['deleteObject', shapes.deleted, { name: 'n', success: true }],
  ['decryptDataKey', shapes.dataKey, { id: 'i', data_key: key }],
  ['createDataKey', shapes.pair, pair],
  ['createRekey', shapes.rekeyed, pair],
];

/** What may stand where something else should. */
const others: unknown[] = [
  undefined,
  null,
  '',
  'text',
  '2024-02-30T00:00:00.000Z',
  'a2V5cw=',
  'a2V5cx==',
  key.replace('B', '-'),
  0,
  -1,
  1.5,
  2 ** 60,
  true,
  false,
  [],
  {},
  [{}],
  { a: 1 },
  { a: 'b' },
];

/** Every answer in which one thing is another. */
function* changed(wire: unknown): Generator<unknown> {
  yield* others;
  if (typeof wire !== 'object' || wire === null) return;
  for (const name of Object.keys(wire)) {
    for (const other of changed((wire as Record<string, unknown>)[name])) {
      const copy = structuredClone(wire) as Record<string, unknown>;
      copy[name] = other;
      yield copy;
    }
  }
}

test('an answer is taken apart exactly where core finds it in order', () => {
  let [good, bad] = [0, 0];
  for (const [operation, shape, wire] of answers) {
    const judge = (wire: unknown) => {
      try {
        core.checkAnswer(OPERATION[operation], 200, undefined, wire);
        return true;
      } catch {
        return false;
      }
    };
    assert.ok(judge(wire) && shape(wire) !== undefined, operation);
    for (const other of changed(wire)) {
      // As `JSON.parse` would have made it.
      const text = JSON.stringify(other);
      const parsed = text === undefined ? undefined : (JSON.parse(text) as unknown);
      const isGood = judge(parsed);
      assert.equal(shape(parsed) !== undefined, isGood, `${operation} ${text}`);
      isGood ? good++ : bad++;
    }
  }
  assert.ok(good > 100 && bad > 500, `${good} in order, ${bad} not`);
});

test('a time is what Date makes of it', () => {
  const pieces = ['0', '1', '2', '9', ':', '-', 'T', 'Z', '.', ' ', '+', '/', 'é'];
  const same = (text: string) => {
    const date = new Date(text);
    const expected = Number.isNaN(date.getTime()) ? undefined : date.getTime();
    assert.equal(shapes.time(text)?.getTime(), expected, text);
  };
  for (let day = 0; day < 40_000; day++) same(new Date(day * 86_399_123).toISOString());
  for (const text of ['', '2024', '2024-02-29T23:59:60.000Z', '2024-13-01T00:00:00.000Z', '1 June 2024'])
    same(text);
  const valid = '2024-06-15T10:30:00.123Z';
  for (let at = 0; at < valid.length; at++)
    for (const piece of pieces) same(valid.slice(0, at) + piece + valid.slice(at + 1));
});

test('the operations are where core has them', () => {
  for (const [name, place] of Object.entries(OPERATION)) assert.equal(core.describeOperation(place)[0], name);
});

test('a request from a pattern is the one that core makes', () => {
  const texts = [
    ...['secret_0123456789', '-id-id-', '-name-', '-value-', '-version-', 'name', '.', '..', '', 'a/b'],
    ...['"', '\\', 'é', '\ud800', 'x'.repeat(200), 'x'.repeat(201), 'x'.repeat(256), 'x'.repeat(257), '$&'],
  ];
  const contexts: unknown[] = [
    { organization_id: 'org_1' },
    { '-name-': '-value-' },
    { a: '"-name-"', b: '-value-"' },
    { a: 'b', c: undefined },
    { a: 1 },
    {},
    [],
    null,
    'a',
    { ['__proto__']: 'p' },
    Object.assign(Object.create(null) as object, { a: 'b' }),
    Object.assign(Object.create({ inherited: 'x' }) as object, { a: 'b' }),
    { toJSON: () => ({ a: 'b' }) },
  ];
  let quick = 0;
  const compare = (made: InstanceType<typeof Quick>, operation: number, options: unknown) => {
    const request = made.request(operation, options);
    if (request === undefined) return;
    quick++;
    assert.deepEqual({ ...request }, { ...core.prepare(operation, options) });
  };
  const prepare = (operation: number, options: unknown) => core.prepare(operation, options) as never;
  const made = new Quick(prepare);
  for (const limit of [undefined, null, 1, 10, 100, 0, 101, 1.5, -0, NaN, '10', 10n]) {
    compare(made, OPERATION.listObjects, { limit });
    compare(made, OPERATION.listObjects, { limit, before: undefined });
    for (const cursor of [...texts, 'a', 5, null]) {
      compare(made, OPERATION.listObjects, { limit, after: cursor });
      compare(made, OPERATION.listObjects, { limit, before: undefined, after: cursor });
      compare(made, OPERATION.listObjects, { limit, before: cursor, after: 'a' });
      compare(made, OPERATION.listObjects, { limit, after: cursor, order: 'asc' });
    }
  }
  for (const options of [{}, [], new Map(), new Date(), { search: 'a' }])
    compare(made, OPERATION.listObjects, options);
  for (const first of texts) {
    compare(made, OPERATION.readObject, { id: first });
    compare(made, OPERATION.readObject, { id: first, as: 'bytes' });
    for (const second of texts) {
      compare(made, OPERATION.updateObject, { id: first, value: second });
      compare(made, OPERATION.updateObject, { id: 'secret_1', value: first, versionCheck: second });
      compare(made, OPERATION.createObject, { name: first, value: second, context: { a: 'b' } });
    }
    for (const context of contexts)
      compare(made, OPERATION.createObject, { name: first, value: 'v', context });
  }
  for (const options of [
    undefined,
    null,
    'secret_1',
    ['secret_1'],
    { id: 'secret_1', more: 1 },
    {
      get id() {
        throw 1;
      },
    },
  ])
    for (const operation of Object.values(OPERATION)) compare(made, operation, options);
  assert.ok(quick > 500, `${quick} were plain`);
});

test('base64 is what core reads it as, or refused with it', () => {
  const outcome = (decode: () => Uint8Array) => {
    try {
      return Buffer.from(decode()).toString('hex');
    } catch (error) {
      return (error as { message: string }).message;
    }
  };
  const alphabet = 'AZaz09+/=-_ \n\té\u0141\u{1f511}*BQgw';
  const pick = () => {
    const characters = [...alphabet];
    return characters[randomBytes(1).readUInt8() % characters.length] as string;
  };
  const texts = [
    '',
    '=',
    '==',
    'A',
    'AA',
    'AB==',
    'AA=',
    'AA==',
    'AAA',
    'AAB=',
    'AAA=',
    'AAAA=',
    '====',
    'A===',
  ];
  for (let count = 0; count < 20_000; count++) {
    // Mostly good, with a character changed, added or lost.
    const good = randomBytes(count % 40).toString(count % 3 === 0 ? 'base64url' : 'base64');
    const at = Math.floor(Math.random() * (good.length + 1));
    texts.push(good, good.slice(0, at) + pick() + good.slice(at + (count % 3)), good.slice(0, at));
  }
  for (const text of texts) {
    const expected = outcome(() => core.decodeEnvelope(text));
    assert.equal(
      outcome(() => base64.decodeText(text)),
      expected,
      JSON.stringify(text),
    );
  }
  const bytes = randomBytes(1000);
  assert.equal(base64.toBase64(bytes.subarray(3, 77)), bytes.subarray(3, 77).toString('base64'));
});
