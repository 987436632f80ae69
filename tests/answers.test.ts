// Answers: taken apart, or told what is wrong with them; refusals as errors; what to do about each error.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VaultErrorCode } from 'workos-vault-edge';
import { part, VaultError } from './hosts/parts.ts';

const shapes = (await part('engine/shapes')) as typeof import('../js/src/engine/shapes.ts');
const { refusal, undeleted } = (await part('engine/answers')) as typeof import('../js/src/engine/answers.ts');
const { OPERATION } = (await part('engine/requests')) as typeof import('../js/src/engine/requests.ts');
const { retryAfterMs } = (await part('engine/retries')) as typeof import('../js/src/engine/retries.ts');
const { made, RETRYABLE, recoveries } = (await part('errors')) as typeof import('../js/src/errors.ts');
const { BYTES_PREFIX, decodeValue, toBase64 } = (await part(
  'engine/base64',
)) as typeof import('../js/src/engine/base64.ts');

type Operation = keyof typeof OPERATION;

const codes = Object.keys(recoveries) as VaultErrorCode[];

/** What the transport makes of a response. */
function answer(status: number, text: string, headers: Record<string, string> = {}) {
  const all: Record<string, string | undefined> = { 'x-request-id': 'req_1', ...headers };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {}
  return { status, header: (name: string) => all[name], body };
}

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

const metadataOut = {
  id: 'a',
  environmentId: 'e',
  context: { organization_id: 'org_1' },
  keyId: 'k',
  updatedAt: new Date('2024-01-31T00:00:00.000Z'),
  updatedBy: { id: 'u', name: 'U' },
  versionId: null,
};
const describedOut = { id: 'a', name: 'n', value: undefined, metadata: metadataOut };
const cursorsOut = { before: null, after: 'x' };

/** Of every operation: an answer, and what is made of it. */
const answers: Record<Operation, [shape: (wire: unknown) => unknown, wire: unknown, out: unknown]> = {
  createObject: [shapes.metadata, metadata, metadataOut],
  readObject: [shapes.object, { ...object, value: 'v' }, { ...describedOut, value: 'v' }],
  readObjectByName: [shapes.object, { ...object, value: '' }, { ...describedOut, value: '' }],
  describeObject: [shapes.described, object, describedOut],
  updateObject: [
    shapes.described,
    { ...object, metadata: { ...metadata, version_id: 'v' } },
    { ...describedOut, metadata: { ...metadataOut, versionId: 'v' } },
  ],
  listObjects: [
    shapes.summaries,
    {
      data: [
        { id: 'a', name: 'n', updated_at: '2024-01-01T00:00:00.000Z' },
        { id: 'b', name: 'm' },
      ],
      list_metadata: cursors,
    },
    {
      data: [
        { id: 'a', name: 'n', updatedAt: new Date('2024-01-01T00:00:00Z') },
        { id: 'b', name: 'm', updatedAt: null },
      ],
      listMetadata: cursorsOut,
    },
  ],
  listObjectVersions: [
    shapes.versions,
    {
      data: [
        { id: 'v', created_at: '2024-01-01T00:00:00.5Z', current_version: true, size: 2 ** 53, etag: 'e' },
      ],
      list_metadata: {},
    },
    {
      data: [
        {
          id: 'v',
          createdAt: new Date('2024-01-01T00:00:00.500Z'),
          currentVersion: true,
          size: 2 ** 53,
          etag: 'e',
        },
      ],
      listMetadata: { before: null, after: null },
    },
  ],
  listEvents: [
    shapes.events,
    {
      data: [{ id: 'e', event: 'vault.data.read', created_at: '2024-01-01T00:00:00Z', data: { c: 1 } }],
      list_metadata: cursors,
    },
    {
      data: [
        { id: 'e', event: 'vault.data.read', createdAt: new Date('2024-01-01T00:00:00Z'), data: { c: 1 } },
      ],
      listMetadata: cursorsOut,
    },
  ],
  deleteObject: [shapes.deleted, { name: 'n', success: true }, true],
  decryptDataKey: [shapes.dataKey, { id: 'i', data_key: key }, { id: 'i', key }],
  createDataKey: [
    shapes.pair,
    pair,
    { context: { a: 'b' }, dataKey: { id: 'i', key }, encryptedKeys: 'a2V5cw==' },
  ],
  createRekey: [
    shapes.rekeyed,
    pair,
    { context: { a: 'b' }, dataKey: key, encryptedKeys: 'a2V5cw==', id: 'i' },
  ],
};
const operations = Object.keys(OPERATION) as Operation[];

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

/** As `JSON.parse` would have made it. */
function parsed(wire: unknown): unknown {
  const text = JSON.stringify(wire);
  return text === undefined ? undefined : JSON.parse(text);
}

/** What the API describes, judged apart from what takes answers apart. */
type Judge = (value: unknown) => boolean;
const isText: Judge = (value) => typeof value === 'string';
const isAbsent: Judge = (value) => value === undefined || value === null;
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTime: Judge = (value) => isText(value) && !Number.isNaN(new Date(value as string).getTime());
const isKey: Judge = (value) =>
  /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(isText(value) ? `${value}` : '');
const isBlob: Judge = (value) => isText(value) && value !== '' && btoa(atobOr(value as string)) === value;
const isSize: Judge = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 53;
const optional =
  (its: Judge): Judge =>
  (value) =>
    isAbsent(value) || its(value);
const has =
  (members: Record<string, Judge>): Judge =>
  (value) =>
    isMap(value) && Object.entries(members).every(([name, its]) => its(value[name]));
const isContext: Judge = (value) => isMap(value) && Object.values(value).every(isText);
const isPage = (members: Record<string, Judge>): Judge =>
  has({
    data: (data) => Array.isArray(data) && data.every(has(members)),
    list_metadata: has({ before: optional(isText), after: optional(isText) }),
  });
const isMetadata = has({
  ...{ id: isText, environment_id: isText, key_id: isText, context: isContext, updated_at: isTime },
  ...{ updated_by: has({ id: isText, name: isText }), version_id: optional(isText) },
});
const isDescribed = has({ id: isText, name: isText, metadata: isMetadata });
const isObject: Judge = (value) => isDescribed(value) && has({ value: isText })(value);
const isPair = has({ id: isText, data_key: isKey, encrypted_keys: isBlob, context: isContext });
const judges: Record<Operation, Judge> = {
  createObject: isMetadata,
  listObjects: isPage({ id: isText, name: isText, updated_at: optional(isTime) }),
  readObject: isObject,
  readObjectByName: isObject,
  describeObject: isDescribed,
  listObjectVersions: isPage({
    ...{ id: isText, created_at: isTime, size: isSize, etag: isText },
    current_version: (value) => typeof value === 'boolean',
  }),
  updateObject: isDescribed,
  deleteObject: has({ success: (value) => typeof value === 'boolean' }),
  createDataKey: isPair,
  decryptDataKey: has({ id: isText, data_key: isKey }),
  createRekey: isPair,
  listEvents: isPage({ id: isText, event: isText, created_at: isTime, data: isMap }),
};

function atobOr(text: string): string {
  try {
    return atob(text);
  } catch {
    return '';
  }
}

/** What is wrong with a success: nothing where it could be taken apart. */
function failure(operation: Operation, body: unknown): VaultError | undefined {
  try {
    shapes.shaped({ ...answer(200, ''), body }, answers[operation][0]);
  } catch (error) {
    assert.ok(error instanceof VaultError);
    return error;
  }
  return undefined;
}

test('an answer in order is taken apart into what it says', () => {
  for (const operation of operations) {
    const [shape, wire, out] = answers[operation];
    assert.deepEqual(shapes.shaped({ ...answer(200, ''), body: wire }, shape), out, operation);
  }
});

test('an answer is taken apart exactly where the API describes it', () => {
  let [good, bad] = [0, 0];
  for (const operation of operations) {
    const [, wire] = answers[operation];
    for (const other of changed(wire)) {
      const its = parsed(other);
      const isGood = judges[operation](its);
      assert.equal(failure(operation, its) === undefined, isGood, `${operation} ${JSON.stringify(its)}`);
      isGood ? good++ : bad++;
    }
  }
  assert.ok(good > 150 && bad > 800, `${good} in order, ${bad} not`);
});

test('what is wrong with an answer is named by its path', () => {
  const fields = (operation: Operation, body: string) => {
    const error = failure(operation, answer(200, body).body) as VaultError;
    assert.deepEqual([error.code, error.status], ['malformed_response', 200]);
    assert.equal(error.requestId, 'req_1');
    for (const { field, message } of error.problems)
      assert.ok(error.message.includes(`${field}: ${message}`), error.message);
    assert.match(error.message, /^the answer is not what the API describes: /);
    return error.problems.map(({ field }) => field);
  };
  for (const body of ['', '<html>', '[]', 'null', '5'])
    for (const operation of operations) assert.deepEqual(fields(operation, body), ['body'], body);
  assert.deepEqual(fields('readObject', '{}'), ['id', 'name', 'value', 'metadata']);
  const body = JSON.stringify({
    id: 1,
    name: 'n',
    value: null,
    metadata: {
      ...metadata,
      context: { a: {} },
      updated_at: 'today',
      updated_by: 'me',
      version_id: 4,
    },
  });
  assert.deepEqual(fields('readObject', body), [
    'id',
    'value',
    'metadata.context.a',
    'metadata.updated_at',
    'metadata.updated_by',
    'metadata.version_id',
  ]);
  const list = '{"data": [{"id": "a", "name": "n"}, {"id": "b"}, 5], "list_metadata": {}}';
  assert.deepEqual(fields('listObjects', list), ['data[1].name', 'data[2]']);
  // Enough to see what is wrong with them all.
  const long = JSON.stringify({ data: Array.from({ length: 1000 }, () => 5), list_metadata: {} });
  assert.deepEqual(
    fields('listObjects', long),
    Array.from({ length: 11 }, (_, at) => `data[${at}]`),
  );
});

test('a message says what was expected, and what was there', () => {
  const told = (operation: Operation, wire: unknown) => {
    const [problem] = failure(operation, wire)?.problems ?? [];
    return `${problem?.field}: ${problem?.message}`;
  };
  const cases: [string, string][] = [
    [told('createObject', undefined), 'body: expected an object, but it is missing'],
    [told('createObject', 5), 'body: expected an object, got number 5'],
    [told('readObject', { id: 5, name: 'n' }), 'id: expected a string, got number 5'],
    [told('readObject', { name: 'n' }), 'id: expected a string, but it is missing'],
    [told('deleteObject', { success: 'yes' }), 'success: expected true or false, got a string'],
    [told('listObjects', { data: {} }), 'data: expected an array, got an object'],
    [
      told('createObject', { ...metadata, updated_at: 'today' }),
      'updated_at: expected an RFC 3339 time, got a string that is none',
    ],
    [
      told('createObject', { ...metadata, updated_at: 5 }),
      'updated_at: expected an RFC 3339 time, got number 5',
    ],
    [
      told('listObjectVersions', {
        data: [{ id: 'v', created_at: '2024-01-01T00:00:00Z', current_version: true, etag: 'e', size: -1 }],
      }),
      'data[0].size: expected a whole number from 0 to 9007199254740992, got number -1',
    ],
    [
      told('createDataKey', { ...pair, encrypted_keys: '' }),
      'encrypted_keys: expected wrapped keys, got an empty text',
    ],
    [
      told('createRekey', { ...pair, encrypted_keys: 'a2V5cw' }),
      'encrypted_keys: expected standard padded base64, as createDataKey returned it',
    ],
  ];
  for (const [message, expected] of cases) assert.equal(message, expected);
});

test('of a data key of the wrong length only the length is told', () => {
  const long = Buffer.alloc(33, 7).toString('base64');
  for (const [dataKey, found] of [
    ['AAAA', 'got 3 bytes'],
    [long, 'got 33 bytes'],
    ['Bw==', 'got 1 bytes'],
    ['*', 'text that is not base64'],
    [`${key} `, 'text that is not base64'],
    ['', 'got 0 bytes'],
  ] as const) {
    const error = failure('decryptDataKey', { id: 'k', data_key: dataKey }) as VaultError;
    assert.ok(error.message.includes(found), error.message);
    const shown = JSON.stringify(error) + error.stack;
    assert.ok(dataKey.length < 4 || !shown.includes(dataKey.trim()), error.message);
  }
});

test('a deletion that did not succeed is the trouble of the service', () => {
  const body = { name: 'n', success: false };
  assert.equal(shapes.shaped({ ...answer(200, ''), body }, shapes.deleted), false);
  const error = undeleted(answer(200, ''));
  assert.equal(error.code, 'server_error');
  assert.equal(error.message, 'the service says that the deletion did not succeed');
  assert.deepEqual([error.status, error.requestId], [200, 'req_1']);
});

test('a context may have members of any name', () => {
  const context = { '[x': 1, '': 2, 'a.b': 3, good: 'text' };
  const { problems } =
    failure('readObject', { ...object, value: 'v', metadata: { ...metadata, context } }) ?? {};
  assert.deepEqual(
    problems?.map(({ field }) => field),
    ['metadata.context.[x', 'metadata.context.', 'metadata.context.a.b'],
  );
});

test('what is wrong with one answer is not what is wrong with the next', () => {
  const [one, other] = [failure('readObject', {}), failure('readObject', {})];
  (one?.problems as unknown[]).length = 0;
  assert.equal(other?.problems.length, 4);
  assert.equal(failure('readObject', {})?.problems.length, 4);
  assert.equal(one?.problems.length, 0);
});

test('an answer that could not be finished leaves nothing behind', () => {
  const broken = () =>
    shapes.shaped({ ...answer(200, ''), body: { id: 5 } }, (wire) => {
      shapes.dataKey(wire);
      throw new RangeError('the end of the stack');
    });
  assert.throws(broken, RangeError);
  const [, wire] = answers.decryptDataKey;
  assert.equal(failure('decryptDataKey', wire), undefined);
});

test('failures are classified by sentence, then by status', () => {
  const read = (status: number, body: string) => refusal(OPERATION.readObject, answer(status, body)).code;
  const sentences: [string, VaultErrorCode][] = [
    ['{"error": "organization_id not found"}', 'organization_not_found'],
    ['{"error": "The organization not found."}', 'organization_not_found'],
    ['{"error": "Invalid key context: non-string value"}', 'invalid_key_context'],
    ['{"message": "Maximum key context size exceeded"}', 'key_context_too_large'],
    ['{"error": "Version mismatch"}', 'version_mismatch'],
    ['{"error": "wrong item version"}', 'version_mismatch'],
    ['{"error": "Customer key not accessible"}', 'customer_key_inaccessible'],
    ['{"error": "object marked for deletion"}', 'object_pending_deletion'],
    ['{"error": "x", "message": "Version mismatch"}', 'not_found'],
    ['{"error": " ", "error_description": "VERSION MISMATCH"}', 'version_mismatch'],
  ];
  for (const [body, expected] of sentences) {
    for (const status of [400, 403, 404, 409, 422, 430, 499])
      if (expected !== 'not_found' || status === 404) assert.equal(read(status, body), expected, body);
    assert.equal(read(503, body), 'server_error', "a failing service's words are not taken");
    assert.equal(read(401, body), 'unauthorized');
    assert.equal(read(429, body), 'rate_limited');
  }
  const statuses: [number, VaultErrorCode][] = [
    [400, 'invalid_request'],
    [401, 'unauthorized'],
    [402, 'invalid_request'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [405, 'invalid_request'],
    [408, 'timeout'],
    [409, 'version_mismatch'],
    [413, 'invalid_request'],
    [422, 'validation_failed'],
    [428, 'invalid_request'],
    [429, 'rate_limited'],
    [430, 'malformed_response'],
    [431, 'invalid_request'],
    [499, 'malformed_response'],
    [500, 'server_error'],
    [599, 'server_error'],
    [600, 'malformed_response'],
    [301, 'malformed_response'],
    [100, 'malformed_response'],
    [0, 'malformed_response'],
  ];
  for (const [status, expected] of statuses)
    for (const body of ['', '<html>', '{}', '{"error": 5}', '{"error": "x"}', '[]', 'null'])
      assert.equal(read(status, body), expected, `${status} ${body}`);
  assert.equal(refusal(OPERATION.createObject, answer(409, '{}')).code, 'name_conflict');
});

test('a failure says what the service says, and of which operation', () => {
  const error = refusal(
    OPERATION.createObject,
    answer(
      422,
      `{"error": "", "message": "Validation failed.", "code": "x", "errors": [
        {"field": "name", "code": "required", "message": "is required"}, {"code": "too_long"}, "plain", 5]}`,
    ),
  );
  assert.equal(error.message, 'createObject: Validation failed. (status 422)');
  assert.deepEqual(error.problems, [
    { field: 'name', message: 'is required' },
    { field: '', message: 'too_long' },
    { field: '', message: 'plain' },
  ]);
  const missing = refusal(OPERATION.readObject, answer(404, '{"error": " Not Found "}'));
  assert.equal(missing.message, 'readObject: Not Found (status 404)');
  assert.deepEqual([missing.status, missing.requestId, missing.problems], [404, 'req_1', []]);
  for (const [status, body, reason] of [
    [302, '', 'the service answered with a redirect, which is never followed'],
    [0, '', 'the service answered with a redirect, which is never followed'],
    [502, '<html>', 'the service answered with a body that is not JSON'],
    [500, '{}', 'the service gave no reason'],
  ] as const) {
    const { message } = refusal(OPERATION.listEvents, answer(status, body));
    assert.equal(message, `listEvents: ${reason} (status ${status})`);
  }
  const many = JSON.stringify({ errors: Array.from({ length: 50 }, (_, at) => `${at}`) });
  assert.equal(refusal(OPERATION.listEvents, answer(400, many)).problems.length, 20);
  const waits = refusal(OPERATION.readObject, answer(429, '{}', { 'retry-after': '7' }));
  assert.deepEqual([waits.code, waits.retryAfterMs, waits.retryable], ['rate_limited', 7000, true]);
  assert.ok(!('retryAfterMs' in missing), 'only where the service asks');
});

test('every code has a name and a recovery of its own', () => {
  assert.equal(new Set(Object.values(recoveries)).size, codes.length);
  for (const code of codes) {
    assert.match(code, /^[a-z_]+$/);
    assert.match(recoveries[code], /^[A-Z].*\.$/, code);
    const error = made(code, 'x');
    assert.ok(error instanceof VaultError);
    assert.deepEqual([error.code, error.message, error.recovery], [code, 'x', recoveries[code]]);
    assert.equal(error.retryable, RETRYABLE.includes(code));
  }
  const retryable = ['rate_limited', 'server_error', 'network_error', 'timeout'];
  assert.deepEqual(
    codes.filter((code) => made(code, 'x').retryable),
    retryable,
  );
});

test('the documentation has a section for each code, which ends with its recovery', () => {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const sections = page.split('\n## ').slice(1);
  assert.deepEqual(
    sections.map((section) => section.split('\n', 1)[0]),
    codes,
  );
  for (const [at, code] of codes.entries())
    assert.equal(sections[at]?.trimEnd().split('\n').at(-1), recoveries[code], code);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2024-06-15T10:30:00Z');
  const cases: [string | undefined, number | undefined][] = [
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5000],
    ['Sat, 15 Jun 2024 10:31:00 GMT', 60_000],
    ['Sat, 15 Jun 2024 10:29:00 GMT', 0],
    ['Saturday, 15-Jun-24 10:30:01 GMT', 1000],
    // Not an HTTP-date, and `Date` would take it for local time.
    ['Sat, 15 Jun 2024 10:31:00', undefined],
    ['GMT', undefined],
    ['99999999999999999999999', 9_999_999_999_000],
    ['', undefined],
    [undefined, undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['٣', undefined],
  ];
  for (const [header, expected] of cases) assert.equal(retryAfterMs(header, now), expected, header);
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(...'[]{}":,0987az_ '), maxLength: 60 }),
  fc.json(),
);
/** A member's name that answers have, so that what is looked for is found. */
const name = fc.constantFrom(
  ...['id', 'name', 'value', 'metadata', 'data', 'list_metadata', 'before', 'context', 'updated_at'],
  ...['updated_by', 'version_id', 'data_key', 'encrypted_keys', 'success', 'size', '__proto__', 'toString'],
  ...['error', 'message', 'errors', 'field', 'code', 'length', 'constructor'],
);
const { junk } = fc.letrec<{ junk: unknown }>((tie) => ({
  junk: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...others.filter((other) => other !== undefined), key, metadata, object, pair),
    fc.array(tie('junk'), { maxLength: 14 }),
    fc
      .array(fc.tuple(name, tie('junk')), { maxLength: 8 })
      .map((members) => JSON.parse(JSON.stringify(Object.fromEntries(members))) as unknown),
  ),
}));

test('whatever is answered, what comes of it is an error with a message', () => {
  const isError = (error: unknown) => {
    assert.ok(error instanceof VaultError, 'an error of ours');
    assert.ok(error.message.length > 0 && codes.includes(error.code), error.code);
    assert.ok(error.problems.length < 30, `${error.problems.length} problems`);
    for (const problem of error.problems) assert.equal(typeof problem.message, 'string');
    assert.ok(error.retryAfterMs === undefined || error.retryAfterMs >= 0, 'no time that is over');
    JSON.stringify(error);
  };
  const [status, header] = [fc.nat({ max: 700 }), fc.oneof(text, fc.constantFrom('5', 'x GMT'))];
  fc.assert(
    fc.property(fc.constantFrom(...operations), status, text, header, (operation, status, body, after) => {
      isError(refusal(OPERATION[operation], answer(status, body, { 'retry-after': after })));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...operations), status, junk, (operation, status, body) => {
      isError(refusal(OPERATION[operation], { ...answer(status, ''), body }));
      const error = failure(operation, body);
      if (error !== undefined) isError(error);
      assert.equal(error === undefined, judges[operation](body));
    }),
    { numRuns: 5000 },
  );
});

test('bytes come back from a value', () => {
  assert.equal(BYTES_PREFIX, 'data:application/octet-stream;base64,');
  assert.deepEqual(
    decodeValue('data:application/octet-stream;base64,3q2+7w=='),
    new Uint8Array([222, 173, 190, 239]),
  );
  assert.deepEqual(decodeValue(BYTES_PREFIX), new Uint8Array(0));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const value = decodeValue(BYTES_PREFIX + toBase64(bytes));
      assert.deepEqual(value, bytes);
      // Not a view of a larger one, as Node's are.
      assert.deepEqual([value.constructor, value.buffer.byteLength], [Uint8Array, bytes.length]);
    }),
  );
});

test('any other value reads as its UTF-8', () => {
  const other = 'data:text/plain;base64,AA==';
  assert.deepEqual(Buffer.from(decodeValue(other)).toString(), other);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (value) => {
      assert.deepEqual(Buffer.from(decodeValue(value)), Buffer.from(value));
    }),
  );
});

test('a damaged value of bytes is told', () => {
  for (const damaged of ['A', 'AA', 'AA=', 'AA*=', 'AB==', 'AAA', 'AAAA=', '-_-_', 'AA==\n', 'AAAA AAA', '='])
    assert.throws(
      () => decodeValue(BYTES_PREFIX + damaged),
      (error: VaultError) => {
        assert.equal(error.code, 'malformed_envelope', damaged);
        assert.equal(error.message, 'value: it begins like stored bytes, but its base64 is damaged');
        return true;
      },
      damaged,
    );
});
