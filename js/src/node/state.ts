/**
 * The emulator's state in a file that survives whatever happens to the process.
 *
 * The first line says what the file is. Each line after it is a batch of changes: a checksum, and the changes as JSON,
 * in the clear or encrypted (AES-256-GCM, the line's number as associated data). A write is answered when its line is
 * on the disk. A line that was not finished is the write that was not answered: it is left out. Whatever else is
 * wrong is damage, and the file is refused.
 *
 * Starting and closing write the file anew, without what was overwritten: to a file beside it, which then takes its
 * place.
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { VaultEmulator } from '../emulator.js';

const FORMAT = 'workos-vault-edge emulator state';
const CHECK = 'this key opens the file';

interface Header {
  format: string;
  version: 1;
  encrypted: boolean;
  note: string;
  /** In a file that is encrypted: known words under its key, so that a wrong key is told as such. */
  check?: string;
}

/** 32 bytes, from base64 or hexadecimal. */
export function stateKey(text: string): Buffer {
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== 32) {
    throw new Error(
      'the state key: expected 32 bytes in base64 or hexadecimal, as `openssl rand -base64 32` gives',
    );
  }
  return key;
}

class Lines {
  readonly #key: Buffer | undefined;

  constructor(key: Buffer | undefined) {
    this.#key = key;
  }

  header(): string {
    const header: Header = {
      format: FORMAT,
      version: 1,
      encrypted: this.#key !== undefined,
      note:
        this.#key === undefined
          ? 'NOT ENCRYPTED: whoever reads this file has the keys and values in it'
          : 'encrypted under the key that was given',
      ...(this.#key === undefined ? {} : { check: this.#seal(0, CHECK) }),
    };
    return `${JSON.stringify(header)}\n`;
  }

  /** Checks a header and says in what the file is written. */
  static check(line: string, key: Buffer | undefined): Lines {
    let header: Header;
    try {
      header = JSON.parse(line) as Header;
    } catch {
      throw new Error('line 1: this is no state of the emulator');
    }
    if (header?.format !== FORMAT) throw new Error('line 1: this is no state of the emulator');
    if (header.version !== 1)
      throw new Error(`line 1: it is of version ${header.version}; this release reads version 1`);
    if (header.encrypted && key === undefined)
      throw new Error('it is encrypted: give its key in WORKOS_VAULT_STATE_KEY');
    if (!header.encrypted && key !== undefined)
      throw new Error('it is not encrypted, but a key was given: start without one, or with another file');
    const lines = new Lines(key);
    if (header.encrypted) {
      try {
        if (lines.#open(0, header.check ?? '') !== CHECK) throw new Error();
      } catch {
        throw new Error('the key in WORKOS_VAULT_STATE_KEY is not the one it was encrypted with');
      }
    }
    return lines;
  }

  write(number: number, text: string): string {
    const body = this.#key === undefined ? JSON.stringify(text) : this.#seal(number, text);
    return `${sum(number, body)} ${body}\n`;
  }

  read(number: number, line: string): string {
    const [given, body] = [line.slice(0, 16), line.slice(17)];
    if (line[16] !== ' ' || given !== sum(number, body)) throw new Error('its checksum does not fit');
    return this.#key === undefined ? (JSON.parse(body) as string) : this.#open(number, body);
  }

  #seal(number: number, text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key as Buffer, nonce).setAAD(
      Buffer.from(String(number)),
    );
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  #open(number: number, body: string): string {
    const bytes = Buffer.from(body, 'base64');
    const cipher = createDecipheriv('aes-256-gcm', this.#key as Buffer, bytes.subarray(0, 12))
      .setAAD(Buffer.from(String(number)))
      .setAuthTag(bytes.subarray(12, 28));
    return cipher.update(bytes.subarray(28), undefined, 'utf8') + cipher.final('utf8');
  }
}

function sum(number: number, body: string): string {
  return createHash('sha256').update(`${number} ${body}`).digest('hex').slice(0, 16);
}

/**
 * Reads a file of state into an emulator.
 * @returns Whether the file is as it would be written anew.
 * @throws {Error} Saying what is wrong with it, and in which line.
 */
function load(file: string, emulator: VaultEmulator, key: Buffer | undefined): boolean {
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  // After the last line there is nothing; what is there was being written when the process ended.
  const unfinished = lines.pop();
  if (lines.length === 0) throw new Error('line 1: this is no state of the emulator');
  const reader = Lines.check(lines[0] ?? '', key);
  const parts: string[] = [];
  for (let number = 1; number < lines.length; number++) {
    try {
      parts.push(reader.read(number, lines[number] ?? ''));
    } catch (error) {
      throw new Error(`line ${number + 1}: ${(error as Error).message}`);
    }
  }
  emulator.restore(parts.join(''));
  return unfinished === '' && lines.length === 2;
}

const lockOf = (file: string) => `${file}.lock`;

/** Two processes that write one file would each undo what the other wrote. */
function lock(file: string): void {
  for (;;) {
    try {
      writeFileSync(lockOf(file), String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Error(`${file}: cannot be written: ${(error as Error).message}`);
      }
    }
    const owner = Number(readFileSync(lockOf(file), 'utf8'));
    if (runs(owner)) throw new Error(`${file}: process ${owner} is using it (${lockOf(file)})`);
    // Whoever held it was killed.
    unlock(file);
  }
}

function runs(process_: number): boolean {
  if (!(process_ > 0)) return false;
  try {
    process.kill(process_, 0);
    return process_ !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unlock(file: string): void {
  rmSync(lockOf(file), { force: true });
}

/** Keeps an emulator's state in a file. */
export class StateFile {
  readonly #file: string;
  readonly #emulator: VaultEmulator;
  readonly #lines: Lines;
  #handle: FileHandle | undefined;
  #number = 1;
  #pending = '';
  #flushing: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(file: string, emulator: VaultEmulator, lines: Lines) {
    this.#file = file;
    this.#emulator = emulator;
    this.#lines = lines;
  }

  /**
   * Reads the file, where there is one, and keeps it up to date from then on.
   * @param seed Called where there is none yet.
   */
  static async open(
    file: string,
    emulator: VaultEmulator,
    key: Buffer | undefined,
    seed: () => void,
  ): Promise<StateFile> {
    lock(file);
    try {
      let compact = false;
      if (existsSync(file)) {
        try {
          compact = load(file, emulator, key);
        } catch (error) {
          throw new Error(
            `${file}: ${(error as Error).message}. Nothing was changed; move the file away to start anew`,
          );
        }
      } else {
        seed();
      }
      const state = new StateFile(file, emulator, new Lines(key));
      emulator.watchChanges();
      await (compact ? state.#goOn() : state.#rewrite());
      return state;
    } catch (error) {
      unlock(file);
      throw error;
    }
  }

  /** Resolves when everything that has changed so far is on the disk. */
  async flush(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#pending += this.#emulator.takeChanges();
    // What is being written may not hold it all: then once more.
    while (this.#pending !== '' || this.#flushing) {
      this.#flushing ??= this.#append().finally(() => {
        this.#flushing = undefined;
      });
      await this.#flushing;
    }
  }

  async #append(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    try {
      await this.#handle?.appendFile(this.#lines.write(this.#number++, text));
      await this.#handle?.datasync();
    } catch (error) {
      this.#failure = new Error(`${this.#file}: cannot be written: ${(error as Error).message}`);
      throw this.#failure;
    }
  }

  /** Writes the whole state to a file beside it and puts that in its place. */
  async #rewrite(): Promise<void> {
    const temporary = `${this.#file}.tmp`;
    const descriptor = openSync(temporary, 'w', 0o600);
    try {
      writeSync(descriptor, this.#lines.header());
      writeSync(descriptor, this.#lines.write(1, this.#emulator.snapshot()));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    await this.#handle?.close();
    renameSync(temporary, this.#file);
    // The new name, too, must be on the disk. Windows has no such call.
    if (process.platform !== 'win32') {
      const folder = openSync(dirname(this.#file), 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    }
    await this.#goOn();
  }

  /** Adds to the file, which holds the state in one line. */
  async #goOn(): Promise<void> {
    this.#handle = await open(this.#file, 'a');
    this.#number = 2;
  }

  /** Writes what is left, and the file without what was overwritten. */
  async close(): Promise<void> {
    await this.flush();
    await this.#rewrite();
    await this.#handle?.close();
    this.#handle = undefined;
    unlock(this.#file);
  }
}
