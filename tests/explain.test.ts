// Key contexts by strategy, rotation periods, and what is said of a context.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Explanation, explain, KeyContext, VaultError } from 'workos-vault-edge';

/** How something is refused: with which code, about which field. */
function refusal(work: () => unknown): [code: string, field: string | undefined] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof VaultError);
    return [error.code, error.problems[0]?.field];
  }
  assert.fail('nothing was thrown');
}

const organization = KeyContext.forOrganization('org_123');

test('strategies use fixed names', () => {
  const items = (context: KeyContext) =>
    Object.entries(context.toJSON())
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  const built = organization.withUser('user_456').withRotation('2024-Q1');
  assert.equal(items(built), 'organization_id=org_123 user_id=user_456 rotation_period=2024-Q1');
  assert.equal(
    items(organization.withResourceType('invoice')),
    'organization_id=org_123 resource_type=invoice',
  );
  assert.equal(items(KeyContext.forTenant('t', 'eu')), 'tenant_id=t environment=eu');
  assert.equal(
    items(KeyContext.forService('production', 'billing', 'restricted')),
    'environment=production service=billing data_classification=restricted',
  );
  assert.equal(
    items(organization.withEnvironment('e').withService('s').withClassification('c')),
    'organization_id=org_123 environment=e service=s data_classification=c',
  );
  assert.equal(
    items(organization.withCompliance('eu', 'gdpr')),
    'organization_id=org_123 data_residency=eu compliance_framework=gdpr',
  );
  assert.equal(
    items(organization),
    'organization_id=org_123',
    'a step changes nothing of what it starts from',
  );
});

test('a step that a context does not allow is refused under its name', () => {
  const code = 'invalid_key_context';
  assert.deepEqual(
    refusal(() => organization.with('organization_id', 'other')),
    [code, 'key_context.organization_id'],
  );
  assert.deepEqual(organization.with('organization_id', 'org_123').toJSON(), organization.toJSON());
  assert.deepEqual(
    refusal(() => organization.withRotation('2024-Q5')),
    [code, 'key_context.rotation_period'],
  );
  assert.deepEqual(
    refusal(() => organization.withUser(5 as never)),
    [code, 'key_context.user_id'],
  );
  assert.deepEqual(
    refusal(() => KeyContext.forOrganization('')),
    [code, 'key_context.organization_id'],
  );
  let ten = organization;
  for (let at = 1; at < 10; at++) ten = ten.with(`k${at}`, 'v');
  assert.deepEqual(
    refusal(() => ten.with('k10', 'v')),
    ['key_context_too_large', 'key_context'],
  );
});

test('rotation periods follow the calendar in UTC', () => {
  const cases = [
    ['1970-01-01T00:00:00Z', '1970', '1970-Q1', '1970-01'],
    ['2024-02-29T23:59:59.999Z', '2024', '2024-Q1', '2024-02'],
    ['2024-03-31T23:59:59Z', '2024', '2024-Q1', '2024-03'],
    ['2024-04-01T00:00:00Z', '2024', '2024-Q2', '2024-04'],
    ['2024-09-30T23:59:59Z', '2024', '2024-Q3', '2024-09'],
    ['2024-12-31T23:59:59Z', '2024', '2024-Q4', '2024-12'],
    ['2025-01-01T00:30:00+01:00', '2024', '2024-Q4', '2024-12'],
    ['0999-10-01T00:00:00Z', '0999', '0999-Q4', '0999-10'],
    ['0000-01-01T00:00:00Z', '0000', '0000-Q1', '0000-01'],
    ['9999-12-31T23:59:59.999Z', '9999', '9999-Q4', '9999-12'],
  ] as const;
  for (const [time, year, quarter, month] of cases) {
    const period = (every?: 'year' | 'quarter' | 'month') =>
      organization.withRotation(new Date(time), every).get('rotation_period');
    assert.deepEqual([period('year'), period('quarter'), period('month')], [year, quarter, month]);
    assert.equal(period(), quarter);
    // What is made of a date is what is taken as text.
    for (const text of [year, quarter, month])
      assert.equal(organization.withRotation(text).get('rotation_period'), text);
  }
  for (const date of ['+010000-01-01', '-000001-12-31', 8.64e15, -8.64e15, Number.NaN].map(
    (time) => new Date(time),
  ))
    for (const every of ['year', 'quarter', 'month'] as const)
      assert.deepEqual(
        refusal(() => organization.withRotation(date, every)),
        ['invalid_request', 'date'],
      );
  assert.deepEqual(
    refusal(() => organization.withRotation(new Date(0), 'week' as never)),
    ['invalid_request', 'every'],
  );
});

test('a text that is no rotation period is refused, and told of', () => {
  for (const wrong of [
    ...['', '24', '2024-', '2024-Q0', '2024-Q5', '2024-q1', '2024-00', '2024-13', '2024-1', 'Q1-2024'],
    ...['2024-Q11', '20é4', '2024-Q1\n', '２０２４'],
  ]) {
    assert.deepEqual(
      refusal(() => organization.withRotation(wrong)),
      ['invalid_key_context', 'key_context.rotation_period'],
      wrong,
    );
    const { lints } = explain({ rotation_period: wrong });
    assert.ok(
      lints.some(({ code }) => code === 'rotation_form'),
      wrong,
    );
  }
});

test('isolation, and whose keys are used', () => {
  const cases: [Record<string, string>, Explanation['isolation'], Explanation['keyOwner']][] = [
    [{ organization_id: 'org_1' }, 'organization', 'customer_if_configured'],
    [{ user_id: 'u', organization_id: 'org_1' }, 'organization_user', 'customer_if_configured'],
    [{ organization_id: 'org_1', resource_type: 'r' }, 'organization_resource', 'customer_if_configured'],
    [{ organization_id: 'org_1', resource_type: 'r', user_id: 'u' }, 'custom', 'customer_if_configured'],
    [{ tenant_id: 't', environment: 'e' }, 'tenant', 'workos'],
    [{ environment: 'e', service: 's' }, 'hierarchy', 'workos'],
    [{ data_classification: 'c' }, 'hierarchy', 'workos'],
    [{ user_id: 'u' }, 'custom', 'workos'],
    [{ organizationId: 'org_1' }, 'custom', 'workos'],
  ];
  for (const [items, isolation, keyOwner] of cases) {
    const explanation = explain(items);
    assert.deepEqual(
      [explanation.isolation, explanation.keyOwner],
      [isolation, keyOwner],
      JSON.stringify(items),
    );
    assert.deepEqual(
      explanation.keks,
      Object.entries(items)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => ({ name, value, customerKeyCanApply: name === 'organization_id' })),
    );
    assert.deepEqual(KeyContext.from(items).explain(), explanation);
  }
});

test('patterns are told in a fixed order', () => {
  const all = organization
    .withRotation('2024')
    .withCompliance('eu', 'gdpr')
    .withEnvironment('e')
    .withService('s');
  assert.deepEqual(all.explain().patterns, ['rotation', 'compliance', 'hierarchy']);
  assert.deepEqual(organization.explain().patterns, []);
  assert.deepEqual(organization.withEnvironment('e').explain().patterns, [], 'one level is no hierarchy');
  assert.deepEqual(explain({ compliance_framework: 'c' }).patterns, ['compliance']);
});

test('keys are listed by the code points of their names', () => {
  // By UTF-16 code units the last two would change places.
  const names = ['A', 'B', 'Ba', 'a', 'é', '\uffff', '\u{1f511}'];
  const context = Object.fromEntries([...names].reverse().map((name) => [name, 'v']));
  assert.deepEqual(
    explain(context).keks.map(({ name }) => name),
    names,
  );
  assert.deepEqual(Object.keys(JSON.parse(KeyContext.from(context).canonical())), names);
});

const codes = (name: string, value: string) => explain({ [name]: value }).lints.map(({ code }) => code);

test('a name that is spelled otherwise is told', () => {
  for (const name of [
    ...['organizationId', 'OrganizationID', 'Organization_ID', 'orgId', 'org_id', 'organisation_id'],
    ...['organization-id', 'org', 'Organisation'],
  ]) {
    assert.deepEqual(codes(name, 'org_1'), ['misspelled_name'], name);
    const [lint] = explain({ [name]: 'org_1' }).lints;
    assert.equal(lint?.field, `key_context.${name}`);
    assert.match(lint?.message ?? '', /^did you mean organization_id\? .+ silently not used\.$/);
  }
  for (const [name, right] of [
    ['userId', 'user_id'],
    ['UserId', 'user_id'],
    ['user-id', 'user_id'],
    ['user', 'user_id'],
    ['tenantId', 'tenant_id'],
    ['resourceType', 'resource_type'],
    ['classification', 'data_classification'],
    ['rotation', 'rotation_period'],
  ] as const) {
    assert.deepEqual(codes(name, 'x'), ['misspelled_name'], name);
    assert.ok(explain({ [name]: 'x' }).lints[0]?.message.startsWith(`did you mean ${right}?`), name);
  }
});

test('a value that looks like a slip is told', () => {
  assert.deepEqual(codes('organization_id', '1234'), ['organization_id_form']);
  assert.deepEqual(codes('rotation_period', 'Q1'), ['rotation_form']);
  for (const secret of [
    'sk_live_0123456789',
    'ghp_0123456789abcdef',
    'AKIAIOSFODNN7EXAMPLE',
    '-----BEGIN PRIVATE KEY-----',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
    'Password=hunter2',
    'Bearer 01234567',
    'xoxb-\n1234567',
  ])
    assert.deepEqual(codes('x', secret), ['looks_secret'], secret);
  for (const personal of ['ada@example.com', '123-45-6789', '4111 1111 1111 1111', '+1 (415) 555-0100'])
    assert.deepEqual(codes('x', personal), ['looks_personal'], personal);
  assert.deepEqual(codes('x', ''), ['empty_value']);
  for (const [name, value] of [
    ['x', ' y'],
    ['x', 'y\n'],
    ['x ', 'y'],
  ] as const)
    assert.deepEqual(codes(name, value), ['outer_space'], `${name}=${value}`);
});

test('nothing else is told of', () => {
  for (const [name, value] of [
    ['organization_id', 'org_01K8ZYT4AWJ6XP0E0S8CTBHE3P'],
    ['user_id', 'user_01H'],
    ['rotation_period', '2024-Q1'],
    ['x', 'production'],
    ['x', '4111111111111112'],
    ['x', '20240131'],
    ['x', 'a@b'],
    ['x', 'a@.b.c'],
    ['x', 'a@b.c.'],
    ['x', '@b.c'],
    ['x', 'ada @example.com'],
    ['x', '123-456-789'],
    ['x', '+1234567'],
    ['x', 'eyJ.a.b'],
    ['x', 'Bearer 0123456'],
    ['environment', 'eu-west-1'],
    ['task', 'sk_short'],
    ['organization_id_2', 'x'],
  ] as const)
    assert.deepEqual(codes(name, value), [], `${name}=${value}`);
});

test('how many items are left is told from nine on', () => {
  const lints = (count: number) =>
    explain(Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))).lints;
  assert.deepEqual(lints(8), []);
  for (const count of [9, 10])
    assert.deepEqual(lints(count), [
      {
        level: 'note',
        code: 'near_item_limit',
        field: 'key_context',
        message: `${count} of at most 10 items are in use`,
      },
    ]);
});

test('the gravest come first', () => {
  const { lints } = explain({ x: '', orgId: 'o', y: ' ', z: 'ada@example.com' });
  assert.deepEqual(
    lints.map(({ level, code }) => [level, code]),
    [
      ['warning', 'misspelled_name'],
      ['warning', 'looks_personal'],
      ['note', 'empty_value'],
      ['note', 'outer_space'],
    ],
  );
});

test('what is no context is refused with every problem', () => {
  const refused = (context: unknown) => {
    try {
      explain(context as never);
    } catch (error) {
      assert.ok(error instanceof VaultError && error.code === 'invalid_key_context');
      return error.problems.map(({ field }) => field);
    }
    return [];
  };
  assert.deepEqual(refused({ a: 1, b: 'c', d: null }), ['key_context.a', 'key_context.d']);
  for (const none of [undefined, null, 5, 'a', [], {}]) assert.deepEqual(refused(none), ['key_context']);
});
