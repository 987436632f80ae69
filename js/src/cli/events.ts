/** `workos-vault events`: the audit log. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { VaultEvent, VaultEventName } from 'workos-vault-edge';
import { vaultEventNames } from 'workos-vault-edge';
import colors from './colors.js';
import { type Common, collect, Stop } from './io.js';
import { client } from './settings.js';

/** A page of events of any kind. */
interface EventPage {
  data: VaultEvent[];
  listMetadata: { after: string | null };
}

/** How often new events are looked for. */
const FOLLOW_MS = 1000;

function line(event: VaultEvent): string {
  const {
    actorName,
    actorId: _,
    actorSource: __,
    ...rest
  } = event.data as unknown as Record<string, unknown>;
  const told = Object.entries(rest).map(([name, value]) => {
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return `${colors.dim(`${name}=`)}${text}`;
  });
  return [event.createdAt.toISOString(), colors.cyan(event.event.padEnd(22)), actorName ?? '', ...told].join(
    '  ',
  );
}

/** Adds the command. */
export function events(program: Command): void {
  program
    .command('events')
    .description('show the audit log, oldest first')
    .option('-e, --event <name>', 'only these events; can be repeated', collect)
    .option('--org <id>', 'only those of an organization')
    .option('--since <time>', 'only those after this time, in UTC: 2026-01-31T00:00:00Z')
    .option('--limit <n>', 'how many at the most', (text) => Number(text))
    .option('--follow', 'go on with new ones until interrupted')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Common & { event?: string[]; org?: string; since?: string; limit?: number; follow?: boolean }
      >();
      const wanted = (options.event ?? [...vaultEventNames]) as VaultEventName[];
      const unknown = wanted.find((name) => !vaultEventNames.includes(name));
      if (unknown !== undefined)
        throw new Stop(`--event: there is no ${unknown}, only ${vaultEventNames.join(', ')}`);
      if (options.limit !== undefined && !(Number.isInteger(options.limit) && options.limit > 0))
        throw new Stop('--limit: expected a whole number from 1 on');
      const vault = client(options);
      let [after, left]: [string | undefined, number] = [
        undefined,
        options.limit ?? Number.POSITIVE_INFINITY,
      ];
      for (;;) {
        const page: EventPage = await vault.listEvents({
          events: wanted,
          limit: Math.min(100, left),
          after,
          organizationId: options.org,
          rangeStart: options.since,
        });
        for (const event of page.data) {
          process.stdout.write(`${options.json ? JSON.stringify(event) : line(event)}\n`);
          after = event.id;
        }
        left -= page.data.length;
        if (left <= 0) return;
        if (page.listMetadata.after === null) {
          if (!options.follow) return;
          await pause(FOLLOW_MS);
        }
      }
    });
}
