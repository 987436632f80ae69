// What is done quickly, held to what is done slowly: times read, requests made from patterns, base64.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { part } from './hosts/parts.ts';

const shapes = (await part('engine/shapes')) as typeof import('../js/src/engine/shapes.ts');
const { OPERATION, prepare, nameOf } = (await part(
  'engine/requests',
)) as typeof import('../js/src/engine/requests.ts');
const { Quick } = (await part('engine/quick')) as typeof import('../js/src/engine/quick.ts');
const base64 = (await part('engine/base64')) as typeof import('../js/src/engine/base64.ts');

test('a time is what Date makes of it', () => {
  const pieces = ['0', '1', '2', '9', ':', '-', 'T', 'Z', '.', ' ', '+', '/', 'é'];
  const same = (text: string) => {
    const date = new Date(text);
    const expected = Number.isNaN(date.getTime()) ? undefined : date.getTime();
    assert.equal(shapes.time(text)?.getTime(), expected, text);
  };
  for (let day = 0; day < 40_000; day++) same(new Date(day * 86_399_123).toISOString());
  for (let year = 1968; year <= 9999; year++)
    for (const end of ['01-01', '01-31', '02-28', '02-29', '03-01', '04-15', '08-31', '12-28', '12-31'])
      same(`${year}-${end}T23:59:59.999Z`);
  for (const text of ['', '2024', '2024-02-29T23:59:60.000Z', '2024-13-01T00:00:00.000Z', '1 June 2024'])
    same(text);
  const valid = '2024-06-15T10:30:00.123Z';
  for (let at = 0; at < valid.length; at++)
    for (const piece of pieces) same(valid.slice(0, at) + piece + valid.slice(at + 1));
});

test('the operations are where core has them', () => {
  const context = { a: 'b' };
  const options: Record<keyof typeof OPERATION, [options: unknown, route: string]> = {
    createObject: [{ name: 'n', value: 'v', context }, 'POST /vault/v1/kv'],
    listObjects: [{}, 'GET /vault/v1/kv'],
    readObject: [{ id: 'a' }, 'GET /vault/v1/kv/{id}'],
    readObjectByName: ['n', 'GET /vault/v1/kv/name/{name}'],
    describeObject: [{ id: 'a' }, 'GET /vault/v1/kv/{id}/metadata'],
    listObjectVersions: [{ id: 'a' }, 'GET /vault/v1/kv/{id}/versions'],
    updateObject: [{ id: 'a', value: 'v' }, 'PUT /vault/v1/kv/{id}'],
    deleteObject: [{ id: 'a' }, 'DELETE /vault/v1/kv/{id}'],
    createDataKey: [{ context }, 'POST /vault/v1/keys/data-key'],
    decryptDataKey: [{ keys: 'AAAA' }, 'POST /vault/v1/keys/decrypt'],
    createRekey: [{ encryptedKeys: 'AAAA', context }, 'POST /vault/v1/keys/rekey'],
    listEvents: [{ events: ['vault.data.read'] }, 'GET /events'],
  };
  for (const [name, place] of Object.entries(OPERATION)) {
    const [given, expected] = options[name as keyof typeof OPERATION];
    const { method, route } = prepare(place, given);
    assert.equal(`${method} ${route}`, expected, name);
    assert.equal(nameOf(place), name);
  }
});

test('a request from a pattern is the one that core makes', () => {
  const texts = [
    ...['secret_0123456789', 'MarkMark', '"MarkMark"', '-value-', '"-value-"', 'name', '.', '..', '', 'a/b'],
    ...[
      '"',
      '\\',
      'é',
      '\ud800',
      'x'.repeat(200),
      'x'.repeat(201),
      'x'.repeat(256),
      'x'.repeat(257),
      '$&',
      '\n',
    ],
  ];
  const contexts: unknown[] = [
    // Each differs by one thing from the one before, which is remembered.
    { organization_id: 'org_1' },
    { organization_id: 'org_1', a: 'b' },
    { organization_id: 'org_1' },
    { organization_id: 'org_2' },
    { organization_id: 'org_2', a: 'b' },
    { organization_id: 'org_2', b: 'b' },
    { b: 'b', organization_id: 'org_2' },
    { MarkMark: '-value-' },
    { a: '"MarkMark"', b: '-value-"' },
    { 'a\n': '\n', b: 'MarkMarkMark' },
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
  const quick = new Map<number, number>();
  const compare = (
    made: InstanceType<typeof Quick>,
    operation: number,
    options: unknown,
    scope?: Record<string, string>,
  ) => {
    const request = made.request(operation, options);
    if (request === undefined) return;
    quick.set(operation, (quick.get(operation) ?? 0) + 1);
    assert.deepEqual(request, prepare(operation, options, scope));
    // No scope changes how an object is read.
    if (operation === OPERATION.readObject)
      assert.deepEqual(request, prepare(operation, options, { organization_id: 'org_1' }));
  };
  const made = new Quick((operation, options) => prepare(operation, options));
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
  for (const scope of [
    { organization_id: 'org_1' },
    { tenant: 'MarkMark' },
    { tenant: '"-value-"', MarkMark: '-value-' },
  ]) {
    const scoped = new Quick((operation, options) => prepare(operation, options, scope));
    for (let round = 0; round < 2; round++)
      for (const first of texts)
        for (const context of contexts)
          compare(scoped, OPERATION.createObject, { name: first, value: first, context }, scope);
  }
  const { createObject, listObjects, readObject, updateObject } = OPERATION;
  assert.deepEqual(
    [...quick.keys()].sort((a, b) => a - b),
    [createObject, listObjects, readObject, updateObject],
  );
  for (const [operation, count] of quick) assert.ok(count >= 5, `${nameOf(operation)}: ${count} were plain`);

  const outcome = (make: () => unknown) => {
    try {
      return make();
    } catch (error) {
      return (error as { message: string }).message;
    }
  };
  const dataKey = (context: unknown) => prepare(OPERATION.createDataKey, { context });
  for (const context of contexts)
    assert.deepEqual(
      outcome(() => made.remembered('data key', context, dataKey)),
      outcome(() => dataKey(context)),
    );
  const unwrap = (keys: string) => prepare(OPERATION.decryptDataKey, { keys });
  for (const blob of ['a2V5cw==', 'MarkMark', 'V09TLkVLTS52MQBh', `${'A'.repeat(4000)}+/8=`])
    assert.deepEqual(made.unwrap(blob, unwrap), unwrap(blob));
});

/** Standard or URL-safe, padded or not, and nothing else: the groups, and no bits that mean nothing. */
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-][AQgw](?:==)?|[\w+/-]{2}[AEIMQUYcgkosw048]=?)?$/;

test('base64 is read by whatever means, or refused', () => {
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
    const isGood = BASE64.test(text);
    const expected = isGood ? Buffer.from(text, 'base64url').toString('hex') : 'envelope: it is not base64';
    assert.equal(
      outcome(() => base64.decodeText(text)),
      expected,
      JSON.stringify(text),
    );
  }
  const bytes = randomBytes(1000);
  assert.equal(base64.toBase64(bytes.subarray(3, 77)), bytes.subarray(3, 77).toString('base64'));
});

test('a copy of bytes is bounded by what it has, not by what its class says', async () => {
  const { copyOf } = (await part('engine/runtime')) as typeof import('../js/src/engine/runtime.ts');
  class Sly extends Uint8Array {
    override get length() {
      return 1;
    }
  }
  const tooMuch = () => new Error('too much');
  assert.throws(() => copyOf(new Sly(10), 5, tooMuch), /too much/);
  assert.equal(copyOf(new Uint8Array(5), 5, tooMuch)?.length, 5);
});
