import type { CoreOpening, CoreStream } from '../wasm/client/client.js';
import { checked, invalid, settle, VaultError } from './errors.js';
import type { Bytes } from './types.js';

/** Bytes of a tag, after each chunk. */
const TAG_BYTES = 16;

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
    let rest = piece;
    while (rest.length > 0) {
      if (this.#filled === this.#length) {
        yield this.#chunk;
        [this.#chunk, this.#filled] = [new Uint8Array(this.#length), 0];
      }
      const taken = rest.subarray(0, this.#length - this.#filled);
      this.#reserve(this.#filled + taken.length);
      this.#chunk.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
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
  if (piece instanceof Uint8Array) return piece;
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  const got =
    typeof piece === 'string' ? 'text; pipe it through new TextEncoderStream() first' : typeof piece;
  throw invalid('invalid_request', 'stream', `expected pieces of bytes, got ${got}`);
}

/** Seals what is written to it. `starting` is a promise of the stream's key. */
export function sealing(starting: Promise<unknown>): TransformStream<BufferSource, Bytes> {
  const started = settle(starting) as Promise<CoreStream>;
  let stream: CoreStream;
  let chunks: Chunker;
  return new TransformStream<BufferSource, Bytes>({
    async start(controller) {
      stream = await started;
      chunks = new Chunker(stream.chunkBytes);
      controller.enqueue(stream.header as Bytes);
    },
    async transform(piece, controller) {
      for (const chunk of chunks.push(bytesOf(piece)))
        controller.enqueue(await settle(stream.seal(chunk, false) as Promise<Bytes>));
    },
    async flush(controller) {
      controller.enqueue(await settle(stream.seal(chunks.rest(), true) as Promise<Bytes>));
      stream.close();
    },
  });
}

/** Opens what is written to it, chunk by chunk, each after its tag was checked. */
export function opening(core: CoreOpening): TransformStream<BufferSource, Bytes> {
  let head: Uint8Array = new Uint8Array(0);
  let stream: CoreStream | undefined;
  let chunks: Chunker;
  const open = (chunk: Bytes, last: boolean) =>
    settle((stream as CoreStream).open(chunk, last) as Promise<Bytes>);
  return new TransformStream<BufferSource, Bytes>({
    async transform(piece, controller) {
      let bytes = bytesOf(piece);
      if (stream === undefined) {
        head = joined(head, bytes);
        const length = checked(() => core.headerLength(head));
        if (length === undefined) return;
        stream = (await settle(core.start(head.subarray(0, length)))) as CoreStream;
        chunks = new Chunker(stream.chunkBytes + TAG_BYTES);
        bytes = head.subarray(length);
        head = new Uint8Array(0);
      }
      for (const chunk of chunks.push(bytes)) controller.enqueue(await open(chunk, false));
    },
    async flush(controller) {
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
      if (last.length > 0) controller.enqueue(last);
      stream.close();
    },
  });
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
