import { assert } from 'chai';
import { explain, KeyContext } from 'workos-vault-edge';
import { type Case, fails, local } from './case.ts';

export const contexts: Case[] = [
  {
    name: 'KeyContext builds every strategy',
    run: () => {
      const user = KeyContext.forOrganization('org_123').withUser('user_456').withRotation('2024-Q1');
      assert.deepEqual(user.toJSON(), {
        organization_id: 'org_123',
        user_id: 'user_456',
        rotation_period: '2024-Q1',
      });
      assert.equal(
        JSON.stringify(user),
        '{"organization_id":"org_123","user_id":"user_456","rotation_period":"2024-Q1"}',
      );
      assert.deepEqual(KeyContext.forOrganization('o').withResourceType('invoice').toJSON(), {
        organization_id: 'o',
        resource_type: 'invoice',
      });
      assert.deepEqual(KeyContext.forTenant('t', 'production').toJSON(), {
        tenant_id: 't',
        environment: 'production',
      });
      assert.deepEqual(KeyContext.forService('production', 'billing', 'restricted').toJSON(), {
        environment: 'production',
        service: 'billing',
        data_classification: 'restricted',
      });
      assert.deepEqual(KeyContext.forOrganization('o').withCompliance('eu', 'gdpr').with('x', 'y').toJSON(), {
        organization_id: 'o',
        data_residency: 'eu',
        compliance_framework: 'gdpr',
        x: 'y',
      });
      const date = new Date('2024-05-31T23:59:59.999Z');
      const period = (every?: 'year' | 'quarter' | 'month') =>
        KeyContext.forOrganization('o').withRotation(date, every).get('rotation_period');
      assert.deepEqual(
        [period(), period('year'), period('quarter'), period('month')],
        ['2024-Q2', '2024', '2024-Q2', '2024-05'],
      );
    },
  },
  {
    name: 'KeyContext is immutable, and equal where its items are',
    run: () => {
      const base = KeyContext.forOrganization('o');
      const user = base.withUser('u');
      assert.deepEqual(base.toJSON(), { organization_id: 'o' });
      user.toJSON().user_id = 'other';
      assert.equal(user.get('user_id'), 'u');
      assert.isTrue(user.equals({ user_id: 'u', organization_id: 'o' }));
      assert.isFalse(user.equals({ user_id: 'U', organization_id: 'o' }));
      assert.equal(user.canonical(), KeyContext.from({ user_id: 'u', organization_id: 'o' }).canonical());
      assert.isUndefined(user.get('toString'));
      assert.deepEqual(base.with('organization_id', 'o').toJSON(), base.toJSON(), 'the same item again');
    },
  },
  {
    name: 'KeyContext refuses what is wrong and says what would be right',
    run: async () => {
      const org = KeyContext.forOrganization('o');
      const wrong = await fails('invalid_key_context', () =>
        KeyContext.forOrganization(42 as unknown as string),
      );
      assert.equal(
        wrong.message,
        'key_context.organization_id: expected a string, got number 42; write "42"',
      );
      await fails('invalid_key_context', () => org.with('organization_id', 'other'));
      await fails('invalid_key_context', () => org.withRotation('Q1 2024'));
      await fails('invalid_request', () => org.withRotation(new Date(Number.NaN)));
      await fails('invalid_key_context', () => KeyContext.from({}));
      await fails('invalid_key_context', () => KeyContext.from(null as unknown as Record<string, string>));
      await fails('invalid_key_context', () =>
        KeyContext.from(new Map([['a', 'b']]) as unknown as Record<string, string>),
      );
      const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, 'v']));
      const large = await fails('key_context_too_large', () => KeyContext.from(many));
      assert.match(large.message, /at most 10 items are allowed, got 11/);
      const mixed = await fails('invalid_key_context', () =>
        KeyContext.from({ ...many, [`n${'a'.repeat(120)}`]: 'v', n: 5, f: () => 1, d: new Date() } as never),
      );
      assert.lengthOf(mixed.problems, 5);
    },
  },
  {
    name: 'names that JavaScript treats specially are plain data',
    run: async () => {
      const { vault } = local();
      const context = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}');
      const { id } = await vault.createObject({ name: 'a', value: 'v', context });
      const read = await vault.readObject({ id });
      assert.deepEqual(Object.entries(read.metadata.context), Object.entries(context));
      assert.deepEqual(Object.entries(KeyContext.from(context).toJSON()), Object.entries(context));
      assert.isUndefined(({} as Record<string, unknown>).p);
    },
  },
  {
    name: 'characters are code points: an emoji counts once',
    run: async () => {
      KeyContext.from({ a: '🔑'.repeat(500), ['🔑'.repeat(120)]: 'v' });
      const value = await fails('invalid_key_context', () => KeyContext.from({ a: '🔑'.repeat(501) }));
      assert.match(value.message, /at most 500 characters, this one has 501/);
      await fails('invalid_key_context', () => KeyContext.from({ ['🔑'.repeat(121)]: 'v' }));
    },
  },
  {
    name: 'half a character is refused rather than changed',
    run: async () => {
      const error = await fails('invalid_key_context', () => KeyContext.from({ a: 'x\ud83d' }));
      assert.match(error.message, /half a character/);
      await fails('invalid_key_context', () => KeyContext.from({ 'x\ud83d': 'v' }));
      await fails('invalid_key_context', () => KeyContext.forOrganization('o').with('x\ud83d', 'v'));
      KeyContext.from({ a: '\ufffd' });
    },
  },
  {
    name: 'getters that throw and proxies are refused, and the client goes on',
    run: async () => {
      const { vault } = local();
      const thrower = {
        get a(): string {
          throw new Error('no');
        },
      };
      const proxy = new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no');
          },
        },
      );
      const revoked = Proxy.revocable({}, {});
      revoked.revoke();
      const odd = { toJSON: () => 'abc' };
      const later = Promise.resolve({ a: 'b' });
      for (const context of [thrower, proxy, revoked.proxy, odd, later, new Headers({ a: 'b' })]) {
        await fails('invalid_key_context', () =>
          vault.createObject({ name: 'n', value: 'v', context: context as never }),
        );
      }
      const options = {
        name: 'n',
        value: 'v',
        get context(): never {
          throw new Error('no');
        },
      };
      await fails('invalid_key_context', () => vault.createObject(options));
      await vault.createObject({ name: 'n', value: 'v', context: { a: 'b' } });
    },
  },
  {
    name: 'explain tells keys, isolation, owner and slips',
    run: async () => {
      const good = explain({ user_id: 'u', organization_id: 'org_1' });
      assert.deepEqual(good, {
        keks: [
          { name: 'organization_id', value: 'org_1', customerKeyCanApply: true },
          { name: 'user_id', value: 'u', customerKeyCanApply: false },
        ],
        isolation: 'organization_user',
        patterns: [],
        keyOwner: 'customer_if_configured',
        lints: [],
      });
      const bad = explain({ organizationId: 'org_1', mail: 'ada@example.com' });
      assert.equal(bad.keyOwner, 'workos');
      assert.deepEqual(
        bad.lints.map(({ code, field }) => [code, field]),
        [
          ['misspelled_name', 'key_context.organizationId'],
          ['looks_personal', 'key_context.mail'],
        ],
      );
      assert.equal(KeyContext.forOrganization('org_1').explain().isolation, 'organization');
      await fails('invalid_key_context', () => explain({ a: 1 } as never));
    },
  },
];
