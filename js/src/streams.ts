import { toBase64 } from './engine/base64.js';
import type { Asked, Call } from './engine/call.js';
import { joined, open, type SharedKey, seal, TAG_BYTES } from './engine/cipher.js';
import type { Engine } from './engine/engine.js';
import { associated, undecryptable } from './engine/envelope.js';
import { CUT_OFF } from './engine/envelope-format.js';
import type { KeySource } from './engine/key-source.js';
import {
  HEADER_MAX,
  type Header,
  malformed,
  Nonces,
  readHeader,
  writeHeader,
} from './engine/stream-format.js';
import { failed } from './errors.js';
import type { Bytes } from './types.js';

const gone = () =>
  failed('invalid_request', 'expected pieces of bytes, got one whose buffer is gone', 'stream');

/** Cuts pieces of any length into chunks of one length, and holds no more than one. */
class Chunker {
  readonly #length: number;
  #chunk: Bytes;
  #filled = 0;

  constructor(length: number) {
    this.#length = length;
    // Grown when more than this comes: short streams need not hold a whole chunk.
    this.#chunk = new Uint8Array(Math.min(length, 4096));
  }

  /** The chunks that are full, and are not the last: there is more behind each. */
  *push(piece: Uint8Array): Generator<Bytes> {
    const { length } = piece;
    for (let at = 0; at < length; ) {
      // Whoever gave the piece may have given its buffer away meanwhile.
      if (piece.length !== length) throw gone();
      if (this.#filled === this.#length) {
        yield this.#chunk;
        [this.#chunk, this.#filled] = [new Uint8Array(this.#length), 0];
        continue;
      }
      const taken = piece.subarray(at, at + this.#length - this.#filled);
      this.#reserve(this.#filled + taken.length);
      this.#chunk.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  /** What is left: the last chunk. */
  rest(): Bytes {
    return this.#chunk.subarray(0, this.#filled);
  }

  #reserve(length: number): void {
    if (length <= this.#chunk.length) return;
    const larger = new Uint8Array(Math.min(this.#length, Math.max(length, this.#chunk.length * 2)));
    larger.set(this.#chunk.subarray(0, this.#filled));
    this.#chunk = larger;
  }
}

/** A piece of a stream as bytes; not copied. */
function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof ArrayBuffer || ArrayBuffer.isView(piece)) {
    const view = ArrayBuffer.isView(piece) ? piece : undefined;
    try {
      // Throws for a buffer that was given away, which would pass for an empty one.
      return view
        ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
        : new Uint8Array(piece as ArrayBuffer);
    } catch {
      throw gone();
    }
  }
  const got =
    typeof piece === 'string' ? 'text; pipe it through new TextEncoderStream() first' : typeof piece;
  throw failed('invalid_request', `expected pieces of bytes, got ${got}`, 'stream');
}

/** What is done with what is written; `put` gives something out, when somebody reads. */
interface Work {
  write(piece: unknown, put: (bytes: Bytes) => Promise<void>): Promise<void>;
  close(put: (bytes: Bytes) => Promise<void>): Promise<void>;
  /** Lets go of everything; called once, however it ends. */
  end(): void;
}

/**
 * A pair of streams around work. Not by `new TransformStream`: that queues all chunks of a large piece whether they are
 * read or not, cannot be aborted while its start is under way, and old workerd takes it for one that changes nothing.
 * @returns The pair, and how it fails from outside.
 */
function pair(work: Work): [TransformStream<BufferSource, Bytes>, (reason: unknown) => void] {
  let reading: ReadableStreamDefaultController<Bytes>;
  let writing: WritableStreamDefaultController;
  let [wanted, ended] = [false, false];
  let failure: unknown;
  let wake = () => {};

  const end = () => {
    if (ended) return;
    ended = true;
    work.end();
    wake();
  };
  /** Ends it for the reader; what is written fails by itself then. */
  const stop = (reason: unknown) => {
    if (ended) return;
    failure = reason;
    end();
    reading.error(reason);
  };
  const fail = (reason: unknown) => {
    if (ended) return;
    stop(reason);
    writing.error(reason);
  };
  const put = async (bytes: Bytes) => {
    while (!wanted && !ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (ended) throw failure;
    wanted = false;
    reading.enqueue(bytes);
  };
  const attempt = async (step: Promise<void>) => {
    try {
      await step;
    } catch (error) {
      fail(error);
      // Of one that was ended meanwhile, why it was.
      throw failure;
    }
  };

  const readable = new ReadableStream<Bytes>(
    {
      start(controller) {
        reading = controller;
      },
      pull() {
        wanted = true;
        wake();
      },
      cancel(reason) {
        failure = reason;
        end();
        writing.error(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<BufferSource>({
    start(controller) {
      writing = controller;
      // `abort` below is called only when the write that is under way has ended; this tells at once.
      controller.signal?.addEventListener('abort', () => stop(controller.signal.reason));
    },
    write: (piece) => attempt(work.write(piece, put)),
    close: () =>
      attempt(
        work.close(put).then(() => {
          end();
          reading.close();
        }),
      ),
    abort: stop,
  });
  return [{ readable, writable }, fail];
}

/** A stream whose key is there. */
interface Started {
  key: SharedKey;
  header: Header;
  nonces: Nonces;
  /** What each chunk is bound to. */
  aad: Uint8Array;
}

/** The request for a stream's key, which ends with the stream. */
class Starting {
  readonly #engine: Engine;
  #call: Call | undefined;
  #started: Started | undefined;
  #ended = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Asks for the key, and for the header that goes with it. A clock runs while it is under way, and no longer. */
  async start(
    asked: Asked,
    associatedData: Uint8Array,
    work: (call: Call) => Promise<[SharedKey, Header]>,
  ): Promise<Started> {
    const [key, header] = await this.#engine.run(asked, (call) => {
      this.#call = call;
      return work(call);
    });
    const aad = joined(header.fixed, associatedData);
    const started = { key, header, nonces: new Nonces(header), aad };
    this.#started = started;
    if (this.#ended) this.end();
    this.check();
    return started;
  }

  /** Fails where it has ended: what it held is gone. */
  check(): void {
    if (this.#ended) throw failed('aborted', 'the stream has ended');
  }

  /** Lets go of everything, also where the key comes only now. */
  end(): void {
    this.#ended = true;
    this.#call?.cancel();
    this.#started?.key.release();
    this.#started = undefined;
  }
}

/** Seals what is written to it. */
export function sealing(
  engine: Engine,
  context: unknown,
  options: unknown,
): TransformStream<BufferSource, Bytes> {
  const request = engine.dataKeyRequest(context);
  const asked = engine.asked(options ?? {}, 'associatedData', 'chunkSize');
  const aad = associated(asked.associatedData);
  const start = new Starting(engine);
  let stream: Started | undefined;
  let chunks: Chunker;
  const starting = start.start(asked, aad, async (call) => {
    const key = await engine.fetchKey(request, call);
    try {
      return [key, writeHeader(asked.chunkSize as number, key.keys)];
    } catch (error) {
      key.release();
      throw error;
    }
  });
  /** The stream, its header given out. */
  const begin = async (put: (bytes: Bytes) => Promise<void>): Promise<Started> => {
    if (stream === undefined) {
      stream = await starting;
      chunks = new Chunker(stream.header.chunkBytes);
      await put(stream.header.bytes);
    }
    return stream;
  };
  const sealed = async ({ key, nonces, aad }: Started, chunk: Bytes, last: boolean) => {
    start.check();
    const nonce = nonces.next(last);
    const { ciphertext, tag } = await seal(key, nonce, aad, chunk, engine.cipher);
    return joined(ciphertext, tag);
  };
  const [streams, fail] = pair({
    async write(piece, put) {
      const bytes = bytesOf(piece);
      const open = await begin(put);
      for (const chunk of chunks.push(bytes)) await put(await sealed(open, chunk, false));
    },
    async close(put) {
      const open = await begin(put);
      await put(await sealed(open, chunks.rest(), true));
    },
    end: () => start.end(),
  });
  starting.catch(fail);
  return streams;
}

/** Opens what is written to it, chunk by chunk, each after its tag was checked. */
export function opening(
  engine: Engine,
  source: KeySource,
  options: unknown,
): TransformStream<BufferSource, Bytes> {
  engine.unscoped();
  const asked = engine.asked(options ?? {}, 'associatedData');
  const aad = associated(asked.associatedData);
  const start = new Starting(engine);
  let head: Uint8Array = new Uint8Array(0);
  let stream: Started | undefined;
  let chunks: Chunker;
  const opened = async ({ key, nonces, aad }: Started, chunk: Bytes, last: boolean): Promise<Bytes> => {
    start.check();
    const length = chunk.length - TAG_BYTES;
    nonces.check(length, last);
    const nonce = nonces.next(last);
    const sealed = { ciphertext: chunk.subarray(0, length), tag: chunk.subarray(length) };
    const plaintext = await open(key, nonce, aad, sealed, engine.cipher);
    if (plaintext === undefined) throw undecryptable('the stream');
    return plaintext;
  };
  const [streams] = pair({
    async write(piece, put) {
      let bytes = bytesOf(piece);
      if (stream === undefined) {
        const begun = head.length;
        head = joined(head, bytes.subarray(0, HEADER_MAX - begun));
        const header = readHeader(head);
        if (header === undefined) return;
        stream = await start.start(asked, aad, async (call) => {
          const key = await source.unwrap(toBase64(header.keys), call);
          if (key === undefined) throw undecryptable();
          return [key, header];
        });
        chunks = new Chunker(header.chunkBytes + TAG_BYTES);
        bytes = bytes.subarray(header.bytes.length - begun);
      }
      for (const chunk of chunks.push(bytes)) await put(await opened(stream, chunk, false));
    },
    async close(put) {
      if (stream === undefined)
        throw malformed(head.length === 0 ? 'it is empty' : `${CUT_OFF} in its header`);
      const last = await opened(stream, chunks.rest(), true);
      if (last.length > 0) await put(last);
    },
    end: () => start.end(),
  });
  return streams;
}
