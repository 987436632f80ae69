/**
 * The emulator's state in a file that survives whatever happens to the process.
 *
 * The first line says what the file is. Each line after it is a batch of changes: a checksum, and the changes as JSON,
 * in the clear or encrypted (AES-256-GCM, the line's number as associated data). A write is answered when its line is
 * on the disk. A line that was not finished is the write that was not answered: it is left out. Whatever else is
 * wrong is damage, and the file is refused.
 *
 * Starting and closing write the file anew, without what was overwritten, and so does growth: to a file beside it, which
 * then takes its place.
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
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
    throw new RangeError(
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

function unwritable(file: string, error: Error): Error {
  return new Error(`${file}: cannot be written: ${error.message}`);
}

/** The name that a line of changes is about: `["0/object/…",`. */
const RECORD = /^\["((?:[^"\\]|\\.)*)",/;

/**
 * Reads a file of state into an emulator.
 * @returns Whether the file is as it would be written anew.
 * @throws {Error} Saying what is wrong with it, and in which line.
 */
function load(file: string, emulator: VaultEmulator, key: Buffer | undefined): boolean {
  // By line, as a file of many changes may be longer than any string.
  const bytes = readFileSync(file);
  let reader: Lines | undefined;
  let header = '';
  let [number, start] = [0, 0];
  // Only the last of each record counts.
  const records = new Map<string, string>();
  for (let end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start), number++) {
    const line = bytes.toString('utf8', start, end);
    if (reader === undefined) {
      reader = Lines.check(line, key);
      continue;
    }
    try {
      for (const change of reader.read(number, line).split('\n')) {
        if (change.startsWith('{')) {
          header = change;
          records.clear();
        } else if (change !== '') {
          records.set(RECORD.exec(change)?.[1] ?? change, change);
        }
      }
    } catch (error) {
      throw new Error(`line ${number + 1}: ${(error as Error).message}`);
    }
  }
  if (reader === undefined) throw new Error('line 1: this is no state of the emulator');
  emulator.restore([header, ...records.values(), ''].join('\n'));
  // What is behind the last line was being written when the process ended.
  return start === bytes.length && number === 2;
}

/** Files that this process keeps. */
const kept = new Set<string>();
/** How often a lock says that its holder lives, and for how long that is believed. */
const BEAT_MS = 2000;
const SILENT_MS = 15_000;

/** Who holds a lock. */
interface Holder {
  token: string;
  pid: number;
  host: string;
  /** Where process numbers mean what they say: of a container, its own. */
  space: string;
  /** When the process began: a number may be another's by now. */
  began: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function space(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** When a process began, in the kernel's ticks; empty where there is no telling. */
const began = (pid: number): string => read(`/proc/${pid}/stat`).split(') ').pop()?.split(' ')[19] ?? '';

/** Keeps other processes away from a file: two that write it would each undo what the other wrote. */
class Lock {
  readonly #path: string;
  readonly #file: string;
  readonly #me: Holder;
  #beat: NodeJS.Timeout | undefined;

  private constructor(file: string) {
    this.#file = file;
    this.#path = `${file}.lock`;
    const { pid } = process;
    this.#me = { token: randomUUID(), pid, host: hostname(), space: space(), began: began(pid) };
  }

  static take(file: string): Lock {
    const whole = resolve(file);
    if (kept.has(whole)) throw new Error(`${file}: this process is using it already`);
    const lock = new Lock(whole);
    lock.#create(file);
    kept.add(whole);
    lock.#beat = setInterval(() => {
      try {
        utimesSync(lock.#path, new Date(), new Date());
      } catch {
        // It was taken away by hand; then so it is.
      }
    }, BEAT_MS).unref();
    return lock;
  }

  #create(file: string): void {
    const own = `${this.#path}.${this.#me.token}`;
    try {
      // Whole from the first moment: a link of a file that is finished.
      writeFileSync(own, JSON.stringify(this.#me));
      for (let tries = 0; tries < 100; tries++) {
        try {
          linkSync(own, this.#path);
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        this.#removeStale(file);
      }
      throw new Error(`${this.#path} comes back whenever it is removed`);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw code === undefined ? error : new Error(`${file}: cannot be written: ${message}`);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Removes a lock whose holder is gone. @throws {Error} If it is not. */
  #removeStale(file: string): void {
    const text = read(this.#path);
    if (text === '') return;
    let holder: Partial<Holder> = {};
    try {
      holder = JSON.parse(text) as Partial<Holder>;
    } catch {
      // Not ours; only its age tells.
    }
    if (this.#lives(holder)) {
      throw new Error(
        `${file}: process ${holder.pid ?? '?'}${holder.host === this.#me.host ? '' : ` on ${holder.host ?? 'another machine'}`} is using it; if there is none, delete ${this.#path}`,
      );
    }
    // Under a name of its own it is looked at once more: another may have been quicker, and this be theirs.
    const aside = `${this.#path}.${randomUUID()}`;
    try {
      renameSync(this.#path, aside);
      if (read(aside) !== text) linkSync(aside, this.#path);
    } catch (error) {
      if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    } finally {
      rmSync(aside, { force: true });
    }
  }

  #lives(holder: Partial<Holder>): boolean {
    const here =
      holder.host === this.#me.host && holder.space === this.#me.space && holder.began !== undefined;
    if (here && typeof holder.pid === 'number') {
      try {
        process.kill(holder.pid, 0);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EPERM';
      }
      return began(holder.pid) === holder.began;
    }
    try {
      return Date.now() - statSync(this.#path).mtimeMs < SILENT_MS;
    } catch {
      return false;
    }
  }

  release(): void {
    clearInterval(this.#beat);
    kept.delete(this.#file);
    if (read(this.#path).includes(this.#me.token)) rmSync(this.#path, { force: true });
  }
}

/** A file is written anew when it is so many times as large as it was then, and larger than this. */
const GROWN = 4;
const GROWN_MIN_BYTES = 32 << 20;

/** Keeps an emulator's state in a file. */
export class StateFile {
  readonly #file: string;
  readonly #emulator: VaultEmulator;
  readonly #lines: Lines;
  readonly #lock: Lock;
  #handle: FileHandle | undefined;
  #number = 1;
  #bytes = 0;
  #bytesAnew = 0;
  /** The batch that is being written, and the one that is to be written after it. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(file: string, emulator: VaultEmulator, lines: Lines, lock: Lock) {
    this.#file = file;
    this.#emulator = emulator;
    this.#lines = lines;
    this.#lock = lock;
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
    const lock = Lock.take(file);
    try {
      let asAnew = false;
      if (existsSync(file)) {
        try {
          asAnew = load(file, emulator, key);
        } catch (error) {
          throw new Error(
            `${file}: ${(error as Error).message}. Nothing was changed; move the file away to start anew`,
          );
        }
      } else {
        seed();
      }
      const state = new StateFile(file, emulator, new Lines(key), lock);
      emulator.watchChanges();
      await (asAnew ? state.#goOn(statSync(file).size) : state.#rewrite()).catch((error: Error) => {
        throw unwritable(file, error);
      });
      return state;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Resolves when everything that has changed so far is on the disk: with the batch that is being written, or with
   * the one after it, whatever comes then.
   */
  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const changes = this.#emulator.takeChanges();
    if (changes === '') return this.#next ?? this.#running ?? Promise.resolve();
    this.#waiting += changes;
    this.#next ??= (this.#running ?? Promise.resolve()).then(() => {
      this.#running = this.#next;
      this.#next = undefined;
      return this.#append().finally(() => {
        if (this.#next === undefined) this.#running = undefined;
      });
    });
    return this.#next;
  }
  #waiting = '';

  async #append(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = '';
    try {
      if (this.#failure) throw this.#failure;
      if (this.#bytes > GROWN_MIN_BYTES && this.#bytes > GROWN * this.#bytesAnew) {
        // What waits is in the snapshot already.
        await this.#rewrite();
        return;
      }
      const line = this.#lines.write(this.#number++, text);
      await this.#handle?.appendFile(line);
      await this.#handle?.datasync();
      this.#bytes += line.length;
    } catch (error) {
      this.#failure ??= unwritable(this.#file, error as Error);
      throw this.#failure;
    }
  }

  /** Writes the whole state to a file beside it and puts that in its place. */
  async #rewrite(): Promise<void> {
    const temporary = `${this.#file}.tmp`;
    const descriptor = openSync(temporary, 'w', 0o600);
    try {
      // Not `writeSync`, which may write a part and say nothing, as where the disk is full.
      writeFileSync(descriptor, this.#lines.header());
      writeFileSync(descriptor, this.#lines.write(1, this.#emulator.snapshot()));
      fsyncSync(descriptor);
    } catch (error) {
      // It is no state, and takes up room where there is none.
      rmSync(temporary, { force: true });
      throw error;
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
    await this.#goOn(statSync(this.#file).size);
  }

  /** Adds to the file, which holds the state in one line. */
  async #goOn(bytes: number): Promise<void> {
    this.#handle = await open(this.#file, 'a');
    [this.#number, this.#bytes, this.#bytesAnew] = [2, bytes, bytes];
  }

  /** Writes what is left, and the file without what was overwritten. */
  async close(): Promise<void> {
    try {
      await this.flush();
      if (this.#number > 2)
        await this.#rewrite().catch((error: Error) => {
          throw unwritable(this.#file, error);
        });
    } finally {
      await this.#handle?.close();
      this.#handle = undefined;
      this.#lock.release();
    }
  }
}
