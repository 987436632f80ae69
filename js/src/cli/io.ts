/** Where commands read from and write to, and how they end. */

import { createInterface } from 'node:readline/promises';
import { buffer } from 'node:stream/consumers';
import Table from 'cli-table3';
import { KeyContext, VaultError } from 'workos-vault-edge';
import colors from './colors.js';

/** How a command ends. */
export const exit = { fine: 0, failed: 1, usage: 2, network: 3, refused: 4 } as const;

/** A command that cannot do what it was asked. */
export class Stop extends Error {
  readonly status: number;
  readonly cure: string | undefined;

  constructor(message: string, status: number = exit.usage, cure?: string) {
    super(message);
    this.status = status;
    this.cure = cure;
  }
}

/** What each command can be told besides its own options. */
export interface Common {
  json?: boolean;
  baseUrl?: string;
}

/** How an error ends the program. */
export function statusOf(error: unknown): number {
  if (error instanceof Stop) return error.status;
  if (!(error instanceof VaultError)) return exit.failed;
  // A page of a proxy's is no refusal of the service's.
  const beside = /answered with a (body that is not JSON|redirect)/.test(error.message);
  if (error.status !== undefined && error.code !== 'malformed_response')
    return beside ? exit.network : exit.refused;
  switch (error.code) {
    case 'network_error':
    case 'timeout':
    case 'aborted':
    case 'malformed_response':
      return exit.network;
    case 'decryption_failed':
    case 'malformed_envelope':
      return exit.failed;
    default:
      return exit.usage;
  }
}

/** Tells of an error on standard error. */
export function tell(error: unknown, json: boolean): void {
  const facts =
    error instanceof VaultError
      ? error.toJSON()
      : { message: error instanceof Error ? error.message : String(error) };
  const cure = error instanceof VaultError ? error.recovery : error instanceof Stop ? error.cure : undefined;
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: { ...facts, ...(cure ? { recovery: cure } : {}) } })}\n`);
    return;
  }
  process.stderr.write(`${colors.red('error:')} ${facts.message}\n`);
  if (cure !== undefined) process.stderr.write(`       ${cure}\n`);
  if (error instanceof VaultError && error.requestId !== undefined)
    process.stderr.write(`       ${colors.dim(`request ${error.requestId}`)}\n`);
}

/** A result for programs, or for people. */
export function print(common: Common, result: unknown, text: () => string): void {
  const out = common.json ? JSON.stringify(result) : text();
  if (out !== '') process.stdout.write(`${out}\n`);
}

/** Rows in columns. */
export function table(head: string[], rows: string[][]): string {
  const chars = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const made = new Table({ chars, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } });
  made.push(
    head.map((name) => colors.dim(name)),
    ...rows,
  );
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names and values under one another. */
export function facts(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${colors.dim(name.padEnd(width))}  ${value}`).join('\n');
}

/** All of standard input. On a terminal it says what it waits for, and the last end of line ends it and is no part. */
export async function input(what: string): Promise<Uint8Array<ArrayBuffer>> {
  if (process.stdin.isTTY) process.stderr.write(colors.dim(`${what}, then Enter and Ctrl-D:\n`));
  const bytes = new Uint8Array(await buffer(process.stdin));
  return process.stdin.isTTY && bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes;
}

/** Refuses to show what is secret on a terminal, unless that is asked for. */
export function guardTerminal(reveal: boolean | undefined): void {
  if (process.stdout.isTTY && !reveal)
    throw new Stop('this would be shown on the terminal: give --reveal, or let it go into a pipe or a file');
}

/** Questions on a terminal, one after the other; answers may be typed ahead. */
export class Interview {
  readonly #interface = createInterface({ input: process.stdin, output: process.stderr });
  readonly #lines = this.#interface[Symbol.asyncIterator]();

  /** The number of a choice, from 0 on. */
  async choose(question: string, choices: readonly string[]): Promise<number> {
    process.stderr.write(
      `${question}\n${choices.map((choice, at) => `  ${at + 1}) ${choice}`).join('\n')}\n> `,
    );
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) throw new Stop('the interview was ended');
      const at = Number(line.value.trim()) - 1;
      if (choices[at] !== undefined) return at;
      process.stderr.write(`${colors.yellow(`a number from 1 to ${choices.length}`)}\n> `);
    }
  }

  close(): void {
    this.#interface.close();
  }
}

/** `name=value` arguments as a key context. */
export function contextOf(pairs: readonly string[]): KeyContext {
  const items: [string, string][] = pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Stop(`context: expected name=value, got "${pair}"`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const twice = items.find(([name], at) => items.findIndex(([other]) => other === name) !== at);
  if (twice) throw new Stop(`context: ${twice[0]} stands twice; each name may have one value`);
  return KeyContext.from(Object.fromEntries(items));
}

/** An option that can be given more than once. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** A value on a terminal, without what is secret in it. */
export const mask = (value: string): string =>
  `${'•'.repeat(Math.min(12, Math.max(4, value.length)))} ${colors.dim(`(${value.length} characters; --reveal shows them)`)}`;

/** Bytes as text, where they are. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
