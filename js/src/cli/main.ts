/** `workos-vault`: the command line. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { VaultError } from 'workos-vault-edge';
import { context } from './context.js';
import { crypto } from './crypto.js';
import { doctor } from './doctor.js';
import { emulate, serving } from './emulate.js';
import { events } from './events.js';
import { exit, Stop, statusOf, tell } from './io.js';
import { kv } from './kv.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const json = process.argv.includes('--json');
const program = new Command('workos-vault')
  .description('WorkOS Vault from the command line, on the service or on a local Vault')
  .version(version)
  .option('--json', 'results and errors as JSON')
  .option('--base-url <url>', "the API's address (WORKOS_API_URL)")
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Settings come from the environment, else from .env or .dev.vars in the present folder:
  WORKOS_API_KEY, WORKOS_CLIENT_ID, WORKOS_API_URL

Ends with 0 if all is well, 1 if a check failed or something does not decrypt, 2 if it was called wrongly,
3 if the service cannot be reached, 4 if the service refuses. NO_COLOR turns colors off.

  workos-vault emulate                              a Vault on this machine
  workos-vault doctor --org org_123                 is everything set up?
  printf s3cret | workos-vault kv create token -c organization_id=org_123`,
  );

for (const add of [doctor, context, kv, crypto, events, emulate]) add(program);
// Commands inherit neither of these.
const every = (command: Command): void => {
  command.exitOverride().showHelpAfterError(json ? false : '(--help shows what there is)');
  // As JSON it is told below.
  if (json) command.configureOutput({ writeErr: () => {} });
  command.commands.forEach(every);
};
every(program);

// Whoever reads our output may stop reading: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    // A server goes on without its reader.
    if (!serving.now) process.exit(exit.fine);
    return;
  }
  // A stream that failed takes its output with it, and is told of below.
  if (error instanceof VaultError) return;
  tell(error, json);
  process.exit(exit.failed);
});
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what is wrong; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? exit.fine : exit.usage;
    if (json && error.exitCode !== 0) tell(new Stop(error.message.replace(/^error: /, '')), json);
  } else {
    tell(error, json);
    process.exitCode = statusOf(error);
  }
}
