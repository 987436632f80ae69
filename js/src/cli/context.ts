/** `workos-vault context`: key contexts checked, explained, and found. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Explanation, KeyContext, VaultError } from 'workos-vault-edge';
import colors from './colors.js';
import { type Common, contextOf, exit, Interview, input, print, Stop, table, textOf } from './io.js';

interface Source extends Common {
  file?: string;
}

/** A context from `name=value` arguments, or JSON from a file or standard input. */
async function read(pairs: string[], { file }: Source): Promise<KeyContext> {
  if (pairs.length > 0) {
    if (file !== undefined) throw new Stop('give the context as name=value or as a file, not as both');
    return contextOf(pairs);
  }
  let text: string | undefined;
  try {
    text = textOf(file === undefined ? await input('Type the context as JSON') : readFileSync(file));
  } catch (error) {
    throw new Stop(`${file}: cannot be read: ${(error as Error).message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text ?? '');
  } catch (error) {
    throw new Stop(`the context is not JSON: ${(error as Error).message}`);
  }
  return KeyContext.from(json as Record<string, string>);
}

const owners = {
  customer_if_configured: "the organization's own key where it has one, else WorkOS's",
  workos: "WorkOS's, always: there is no organization_id",
} as const;

function shown(context: KeyContext, found: Explanation): string {
  const keks = found.keks.map(({ name, value, customerKeyCanApply }) => [
    name,
    value,
    customerKeyCanApply ? "the customer's, where there is one" : "WorkOS's",
  ]);
  const lints = found.lints.map(
    ({ level, field, message }) =>
      `${level === 'warning' ? colors.yellow('warning') : colors.dim('note')}  ${field}: ${message}`,
  );
  return [
    `${colors.dim('context   ')}  ${context.canonical()}`,
    `${colors.dim('isolation ')}  ${[found.isolation, ...found.patterns].join(', ')}`,
    `${colors.dim('whose keys')}  ${owners[found.keyOwner]}`,
    '',
    table(['a key for', 'value', 'whose'], keks),
    ...(lints.length > 0 ? ['', ...lints] : []),
  ].join('\n');
}

/** What is to be kept apart: the first decision. */
const isolations = {
  organization: 'customers, which are WorkOS organizations',
  user: 'users within an organization',
  resource: 'kinds of data within an organization',
  tenant: 'tenants of your own making, which are no WorkOS organizations',
  service: 'environments, services and classes of data; nobody in particular',
} as const;

type IsolationChoice = keyof typeof isolations;

interface Strategy extends Common {
  isolation?: string;
  customerKeys?: boolean;
  rotation?: string;
}

const everies = ['year', 'quarter', 'month'] as const;

/** The calls that make a context, as TypeScript has them and as Rust does. */
function plan(
  isolation: IsolationChoice,
  rotation: (typeof everies)[number] | undefined,
): [KeyContext, string, string] {
  const made: Record<IsolationChoice, [KeyContext, string, string]> = {
    organization: [
      KeyContext.forOrganization('org_123'),
      'KeyContext.forOrganization(organizationId)',
      'KeyContext::for_organization(organization_id)?',
    ],
    user: [
      KeyContext.forOrganization('org_123').withUser('user_456'),
      'KeyContext.forOrganization(organizationId).withUser(userId)',
      'KeyContext::for_organization(organization_id)?.with_user(user_id)?',
    ],
    resource: [
      KeyContext.forOrganization('org_123').withResourceType('documents'),
      "KeyContext.forOrganization(organizationId).withResourceType('documents')",
      'KeyContext::for_organization(organization_id)?.with_resource_type("documents")?',
    ],
    tenant: [
      KeyContext.forTenant('tenant_1', 'production'),
      "KeyContext.forTenant(tenantId, 'production')",
      'KeyContext::for_tenant(tenant_id, "production")?',
    ],
    service: [
      KeyContext.forService('production', 'billing', 'confidential'),
      "KeyContext.forService('production', 'billing', 'confidential')",
      'KeyContext::for_service("production", "billing", "confidential")?',
    ],
  };
  const [context, typescript, rust] = made[isolation];
  if (rotation === undefined) return [context, typescript, rust];
  const every = rotation === 'month' ? '' : `, '${rotation}'`;
  const period = `Rotation::${rotation[0]?.toUpperCase()}${rotation.slice(1)}`;
  return [
    context.withRotation(new Date(), rotation),
    `${typescript}.withRotation(new Date()${every || ", 'month'"})`,
    `${rust}.with_rotation(&rotation_period(now_ms, ${period}).unwrap_or_default())?`,
  ];
}

async function strategy(options: Strategy): Promise<void> {
  let { isolation, customerKeys, rotation } = options;
  if (isolation === undefined && process.stdin.isTTY) {
    const interview = new Interview();
    const choices = Object.keys(isolations) as IsolationChoice[];
    isolation = choices[await interview.choose('What is to be kept apart?', Object.values(isolations))];
    customerKeys ??=
      (await interview.choose('Do customers bring keys of their own (BYOK), now or later?', [
        'yes',
        'no',
      ])) === 0;
    const periods = ['never', ...everies];
    rotation ??=
      periods[
        await interview.choose('How often are new keys to be used?', [
          'never',
          ...everies.map((every) => `every ${every}`),
        ])
      ];
    interview.close();
  }
  if (isolation === undefined || !Object.hasOwn(isolations, isolation)) {
    const known = Object.entries(isolations).map(([name, what]) => `  ${name.padEnd(12)} ${what}`);
    throw new Stop(`--isolation: say what is to be kept apart\n${known.join('\n')}`);
  }
  if (rotation !== undefined && rotation !== 'never' && !everies.includes(rotation as never))
    throw new Stop(`--rotation: expected never, ${everies.join(', ')}`);
  const chosen = isolation as IsolationChoice;
  const hasOrganization = chosen === 'organization' || chosen === 'user' || chosen === 'resource';
  if (customerKeys && !hasOrganization) {
    throw new Stop(
      `customers' own keys need organization_id in the context, and isolation by ${chosen} has none`,
      exit.failed,
      'Make each tenant a WorkOS organization and isolate by organization, user or resource.',
    );
  }
  const [context, typescript, rust] = plan(
    chosen,
    rotation === undefined || rotation === 'never' ? undefined : (rotation as (typeof everies)[number]),
  );
  const keys = hasOrganization
    ? customerKeys
      ? "the customer's where one is set up in the dashboard, else WorkOS's"
      : "WorkOS's; a customer can bring one later without a change to the code"
    : "WorkOS's";
  print(options, { context, keys, typescript, rust }, () =>
    [
      `${colors.dim('context')}     ${context.canonical()}`,
      `${colors.dim('whose keys')}  ${keys}`,
      `${colors.dim('TypeScript')}  const context = ${typescript};`,
      `${colors.dim('Rust')}        let context = ${rust};`,
    ].join('\n'),
  );
}

/** Adds the commands. */
export function context(program: Command): void {
  const group = program.command('context').description('key contexts: which keys encrypt what');
  const source = (command: Command) =>
    command
      .argument('[name=value...]', 'the items; JSON from standard input if there is none')
      .option('-f, --file <file>', 'read JSON from a file');

  source(group.command('check'))
    .description('check a context; ends with 1 if it is not valid, or looks wrong')
    .action(async (pairs: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Source>();
      try {
        const context = await read(pairs, options);
        const warnings = context.explain().lints.filter(({ level }) => level === 'warning');
        print(options, { valid: true, context, warnings }, () =>
          [
            ...warnings.map(({ field, message }) => `${colors.yellow('warning')}  ${field}: ${message}`),
            `${colors.green('valid')}  ${context.canonical()}`,
          ].join('\n'),
        );
        if (warnings.length > 0) process.exitCode = exit.failed;
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        print(options, { valid: false, code: error.code, problems: error.problems }, () =>
          [
            ...error.problems.map(({ field, message }) => `${colors.red('invalid')}  ${field}: ${message}`),
            error.recovery,
          ].join('\n'),
        );
        process.exitCode = exit.failed;
      }
    });

  source(group.command('explain'))
    .description('tell which keys a context calls for, and what looks like a slip')
    .action(async (pairs: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Source>();
      const context = await read(pairs, options);
      const found = context.explain();
      print(options, { context, ...found }, () => shown(context, found));
    });

  group
    .command('strategy')
    .description('find the context for a purpose, by options or by a short interview on a terminal')
    .option('--isolation <what>', Object.keys(isolations).join(', '))
    .option('--customer-keys', 'customers bring keys of their own, now or later')
    .option('--rotation <period>', ['never', ...everies].join(', '))
    .action((_: unknown, command: Command) => strategy(command.optsWithGlobals<Strategy>()));

  group.action(() => {
    group.outputHelp({ error: true });
    throw new Stop('context: name a command');
  });
}
