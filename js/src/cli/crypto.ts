/** `workos-vault encrypt`, `decrypt`, `rekey`: local encryption, from standard input to standard output. */

import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { type Common, collect, contextOf, guardTerminal, input, Stop, textOf } from './io.js';
import { client } from './settings.js';

/** What an encrypted stream begins with. */
const STREAM = 'WVSTRM';

interface Options extends Common {
  context: string[];
  aad?: string;
  layout?: 'standard' | 'go';
  binary?: boolean;
  stream?: boolean;
}

/** Text with its end of line, or bytes; as JSON under a name. */
function write(out: string | Uint8Array, name: string, { json }: Common): void {
  if (typeof out !== 'string') {
    if (json) throw new Stop('--json: bytes are no JSON');
    process.stdout.write(out);
  } else {
    process.stdout.write(json ? `${JSON.stringify({ [name]: out })}\n` : `${out}\n`);
  }
}

/** An envelope as it was stored: base64, or bytes. */
function envelopeOf(bytes: Uint8Array): string | Uint8Array {
  const text = textOf(bytes)?.replace(/\s+/g, '');
  return text !== undefined && /^[\w+/=-]+$/.test(text) ? text : bytes;
}

/** Adds the commands. */
export function crypto(program: Command): void {
  const context = (command: Command) =>
    command.requiredOption(
      '-c, --context <name=value>',
      'an item of the key context; can be repeated',
      collect,
    );
  const aad = (command: Command) =>
    command.option('--aad <text>', 'what the envelope is bound to; the same is needed to decrypt');

  aad(context(program.command('encrypt')))
    .description('encrypt standard input to standard output, here: one request, for the key')
    .option('--layout <standard|go>', 'the layout of the envelope')
    .option('--binary', 'write the envelope as bytes, not as base64')
    .option('--stream', 'write an encrypted stream: for data of any length')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const vault = client(options);
      const keys = contextOf(options.context);
      if (options.json && (options.binary || options.stream)) throw new Stop('--json: bytes are no JSON');
      if (options.stream) {
        if (options.layout !== undefined) throw new Stop('--layout: a stream has one form only');
        const sealing = vault.encryptStream(keys, { associatedData: options.aad });
        const from = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array<ArrayBuffer>>;
        await from.pipeThrough(sealing).pipeTo(Writable.toWeb(process.stdout));
        return;
      }
      const { aad: bound, layout } = options;
      const data = await input('Type what to encrypt');
      write(
        options.binary
          ? await vault.encryptBytes(data, keys, bound, { layout })
          : await vault.encrypt(data, keys, bound, { layout }),
        'envelope',
        options,
      );
    });

  aad(program.command('decrypt'))
    .description(
      'decrypt standard input to standard output: an envelope of any official SDK, or a stream of ours',
    )
    .option('--reveal', 'show it, where standard output is a terminal')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { reveal?: boolean }>();
      guardTerminal(options.reveal);
      const vault = client(options);
      const source = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      let head = new Uint8Array(0);
      let done = false;
      while (!done && head.length < STREAM.length) {
        const next = await source.next();
        done = next.done === true;
        if (!next.done) head = new Uint8Array(Buffer.concat([head, next.value]));
      }
      if (Buffer.from(head.subarray(0, STREAM.length)).toString('latin1') === STREAM) {
        const rest = async function* (): AsyncGenerator<Uint8Array> {
          yield head;
          for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
        };
        if (options.json) throw new Stop('--json: bytes are no JSON');
        const from = Readable.toWeb(Readable.from(rest())) as ReadableStream<Uint8Array<ArrayBuffer>>;
        const opening = vault.decryptStream({ associatedData: options.aad });
        await from.pipeThrough(opening).pipeTo(Writable.toWeb(process.stdout));
        return;
      }
      const parts = [head];
      while (!done) {
        const next = await source.next();
        done = next.done === true;
        if (!next.done) parts.push(new Uint8Array(next.value));
      }
      const plaintext = await vault.decryptBytes(envelopeOf(Buffer.concat(parts)), options.aad);
      if (options.json) write(textOf(plaintext) ?? plaintext, 'text', options);
      else process.stdout.write(plaintext);
    });

  context(program.command('rekey'))
    .description(
      'wrap the data key of an envelope on standard input for another context; the ciphertext stays',
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const envelope = envelopeOf(await input('Paste the envelope'));
      write(await client(options).rekeyEnvelope(envelope, contextOf(options.context)), 'envelope', options);
    });
}
