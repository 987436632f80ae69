/** `workos-vault kv`: objects. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ObjectMetadata, ObjectSummary, VaultClient, VaultObject } from 'workos-vault-edge';
import colors from './colors.js';
import {
  type Common,
  collect,
  contextOf,
  exit,
  facts,
  guardTerminal,
  input,
  mask,
  print,
  Stop,
  table,
  textOf,
} from './io.js';
import { client } from './settings.js';

interface Which extends Common {
  byName?: boolean;
}

interface Value extends Common {
  file?: string;
}

/** A value from a file or standard input: text where it is, else bytes. */
async function readValue({ file }: Value): Promise<string | Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = file === undefined ? await input('Type the value') : readFileSync(file);
  } catch (error) {
    throw new Stop(`${file}: cannot be read: ${(error as Error).message}`);
  }
  return textOf(bytes) ?? bytes;
}

/** The ID of an object that was named either way. */
async function idOf(vault: VaultClient, which: string, { byName }: Which): Promise<string> {
  return byName ? (await vault.readObjectByName({ name: which })).id : which;
}

function lines({
  id,
  environmentId,
  context,
  keyId,
  updatedAt,
  updatedBy,
  versionId,
}: ObjectMetadata): [string, string][] {
  return [
    ['id', id],
    ['version', versionId ?? ''],
    [
      'context',
      Object.entries(context)
        .map(([name, value]) => `${name}=${value}`)
        .join('  '),
    ],
    ['key', keyId],
    ['updated', `${updatedAt.toISOString()} by ${updatedBy.name}`],
    ['environment', environmentId],
  ];
}

function shown(object: VaultObject<string | undefined>, reveal: boolean): string {
  const value: [string, string][] =
    object.value === undefined ? [] : [['value', reveal ? object.value : mask(object.value)]];
  return facts([['name', object.name], ...value, ...lines(object.metadata)]);
}

/** Adds the commands. */
export function kv(program: Command): void {
  const group = program.command('kv').description('objects: named, versioned, encrypted values');
  const which = (command: Command) => command.option('--by-name', 'the argument is a name, not an ID');
  const value = (command: Command) =>
    command.option('-f, --file <file>', 'read the value from a file; standard input unless given');

  value(group.command('create').argument('<name>'))
    .description('create an object; the value comes from standard input or a file')
    .requiredOption('-c, --context <name=value>', 'an item of the key context; can be repeated', collect)
    .action(async (name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Value & { context: string[] }>();
      const vault = client(options);
      const context = contextOf(options.context);
      const created = await vault.createObject({ name, value: await readValue(options), context });
      print(options, created, () => facts([['name', name], ...lines(created)]));
    });

  which(group.command('get').argument('<object>'))
    .description('read an object; into a pipe the value goes as it is, on a terminal it is masked')
    .option('--reveal', 'show the value on a terminal')
    .option('--bytes', 'give out what was stored as bytes as bytes')
    .action(async (object: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Which & { reveal?: boolean; bytes?: boolean }>();
      const vault = client(options);
      const read = <F extends 'text' | 'bytes'>(as: F) =>
        options.byName ? vault.readObjectByName({ name: object, as }) : vault.readObject({ id: object, as });
      if (options.bytes) {
        if (options.json) throw new Stop('--bytes: bytes are no JSON');
        guardTerminal(options.reveal);
        process.stdout.write((await read('bytes')).value);
        return;
      }
      const found = await read('text');
      const reveal = options.reveal === true || !process.stdout.isTTY;
      if (options.json || process.stdout.isTTY)
        print(options, { ...found, value: reveal ? found.value : mask(found.value) }, () =>
          shown(found, reveal),
        );
      else process.stdout.write(found.value);
    });

  which(group.command('describe').argument('<object>'))
    .description('show an object without its value')
    .action(async (object: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Which>();
      const vault = client(options);
      const found = await vault.describeObject({ id: await idOf(vault, object, options) });
      print(options, found, () => shown(found, false));
    });

  which(group.command('versions').argument('<object>'))
    .description("list an object's versions, newest first")
    .action(async (object: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Which>();
      const vault = client(options);
      const found = await vault.listObjectVersions({ id: await idOf(vault, object, options) });
      const rows = found.map(({ id, createdAt, size, currentVersion }) => [
        id,
        createdAt.toISOString(),
        `${size} B`,
        currentVersion ? colors.green('current') : '',
      ]);
      print(options, found, () => table(['version', 'written', 'size', ''], rows));
    });

  group
    .command('list')
    .description('list objects, newest first')
    .option('--limit <n>', 'how many', (text) => Number(text), 10)
    .option('--all', 'all of them')
    .option('--search <text>', 'only those whose name has this in it')
    .option('--order <asc|desc>', 'oldest or newest first')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Common & { limit: number; all?: boolean; search?: string; order?: 'asc' | 'desc' }
      >();
      if (!options.all && !(Number.isInteger(options.limit) && options.limit > 0))
        throw new Stop('--limit: expected a whole number from 1 on');
      const { search, order, all, limit } = options;
      const found: ObjectSummary[] = [];
      const page = all ? {} : { limit: Math.min(limit, 100) };
      for await (const object of client(options).listObjects({ search, order, ...page })) {
        found.push(object);
        if (!all && found.length === limit) break;
      }
      const rows = found.map(({ name, id, updatedAt }) => [name, id, updatedAt?.toISOString() ?? '']);
      print(options, found, () =>
        rows.length === 0 ? 'no objects' : table(['name', 'id', 'updated'], rows),
      );
    });

  value(which(group.command('update').argument('<object>')))
    .description('write a new version; the value comes from standard input or a file')
    .option('--version-check <version>', 'write only if this is the current version')
    .action(async (object: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Which & Value & { versionCheck?: string }>();
      const vault = client(options);
      const id = await idOf(vault, object, options);
      const { versionCheck } = options;
      const updated = await vault.updateObject({ id, value: await readValue(options), versionCheck });
      print(options, updated, () => shown(updated, false));
    });

  which(group.command('delete').argument('<object>'))
    .description('delete an object with all its versions')
    .option('--version-check <version>', 'delete only if this is the current version')
    .action(async (object: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Which & { versionCheck?: string }>();
      const vault = client(options);
      const id = await idOf(vault, object, options);
      await vault.deleteObject({ id, versionCheck: options.versionCheck });
      print(options, { id, deleted: true }, () => `deleted ${id}`);
    });

  group.action(() => {
    group.outputHelp({ error: true });
    throw new Stop('kv: name a command', exit.usage);
  });
}
