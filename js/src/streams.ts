import type { CoreOpening, CoreSealing, CoreStream } from '../wasm/client/client.js';
import { checked, invalid, settle, VaultError } from './errors.js';
import type { Bytes } from './types.js';

/** Bytes of a tag, after each chunk. */
const TAG_BYTES = 16;
/** No header is longer. */
const HEADER_MAX = 18 + 3 + 65_536;

const gone = () =>
  invalid('invalid_request', 'stream', 'expected pieces of bytes, got one whose buffer is gone');

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
  throw invalid('invalid_request', 'stream', `expected pieces of bytes, got ${got}`);
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
      throw error;
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

/** Seals what is written to it. */
export function sealing(core: CoreSealing): TransformStream<BufferSource, Bytes> {
  let stream: CoreStream | undefined;
  let chunks: Chunker;
  const starting = settle(() => core.start() as Promise<CoreStream>);
  /** The stream, its header given out. */
  const begin = async (put: (bytes: Bytes) => Promise<void>): Promise<CoreStream> => {
    if (stream === undefined) {
      stream = await starting;
      chunks = new Chunker(stream.chunkBytes);
      await put(stream.header as Bytes);
    }
    return stream;
  };
  const [streams, fail] = pair({
    async write(piece, put) {
      const bytes = bytesOf(piece);
      const open = await begin(put);
      for (const chunk of chunks.push(bytes))
        await put(await settle(() => open.seal(chunk, false) as Promise<Bytes>));
    },
    async close(put) {
      const open = await begin(put);
      await put(await settle(() => open.seal(chunks.rest(), true) as Promise<Bytes>));
    },
    end() {
      core.free();
      // Also where its key comes only now.
      starting.then(
        (late) => late.free(),
        () => {},
      );
    },
  });
  starting.catch(fail);
  return streams;
}

/** Opens what is written to it, chunk by chunk, each after its tag was checked. */
export function opening(core: CoreOpening): TransformStream<BufferSource, Bytes> {
  let head: Uint8Array = new Uint8Array(0);
  let stream: CoreStream | undefined;
  let chunks: Chunker;
  const open = (chunk: Bytes, last: boolean) =>
    settle(() => (stream as CoreStream).open(chunk, last) as Promise<Bytes>);
  const [streams] = pair({
    async write(piece, put) {
      let bytes = bytesOf(piece);
      if (stream === undefined) {
        const begun = head.length;
        head = joined(head, bytes.subarray(0, HEADER_MAX - begun));
        const length = checked(() => core.headerLength(head));
        if (length === undefined) return;
        stream = (await settle(() => core.start(head.subarray(0, length)))) as CoreStream;
        chunks = new Chunker(stream.chunkBytes + TAG_BYTES);
        bytes = bytes.subarray(length - begun);
      }
      for (const chunk of chunks.push(bytes)) await put(await open(chunk, false));
    },
    async close(put) {
      if (stream === undefined) {
        throw new VaultError({
          code: 'malformed_envelope',
          message: head.length === 0 ? 'stream: it is empty' : 'stream: it is cut off in its header',
          recovery:
            'Pass the stored bytes whole and unchanged; they may have been cut off or were never encrypted.',
          retryable: false,
          problems: [],
        });
      }
      const last = await open(chunks.rest(), true);
      if (last.length > 0) await put(last);
    },
    end() {
      core.free();
      stream?.free();
    },
  });
  return streams;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
