import { isWorkerd } from './engine/runtime.js';

const decoder = new TextDecoder();

interface Piece {
  done: boolean;
  value?: Uint8Array | undefined;
}

/** A reader of workerd's. */
interface AtLeastReader {
  /** Reads until so many bytes are there, or the body ends. */
  readAtLeast(bytes: number, room: Uint8Array): Promise<Piece>;
  cancel(): Promise<void>;
  releaseLock?(): void;
}

/** In workerd each read costs as much as a call: the first asks for more than most answers have, so that it brings all
 * and tells that it is all. */
const FIRST_BYTES = 1 << 14;
const PIECE_BYTES = 1 << 18;
/** For one first piece at a time: fresh memory costs more than reading into it. Wiped before it is used again. */
let spare: ArrayBufferLike | undefined;

/** Nothing for a stream that has none. */
function atLeastReader(body: ReadableStream): AtLeastReader | undefined {
  try {
    const reader = body.getReader({ mode: 'byob' }) as unknown as AtLeastReader;
    if (reader.readAtLeast !== undefined) return reader;
    // Another's, which may be read by its own reader once this one lets go.
    reader.releaseLock?.();
  } catch {}
  return undefined;
}

/** Room for a first piece. It goes to the reader, and is lost where reading fails. */
function room(): Uint8Array {
  const memory = spare ?? new ArrayBuffer(FIRST_BYTES);
  spare = undefined;
  return new Uint8Array(memory);
}

/**
 * A response's body as text; `null` where it is longer than `limit` bytes, of which no more is then read; `undefined`
 * where the response has no way to read it. Whoever stands in for `fetch` may answer with a class of their own.
 */
export async function bodyText(
  response: Partial<Response>,
  limit: number,
): Promise<string | null | undefined> {
  const { body } = response;
  if (typeof body?.getReader !== 'function')
    return typeof response.text === 'function' ? response.text() : undefined;
  const atLeast = isWorkerd ? atLeastReader(body) : undefined;
  const reader = atLeast ?? body.getReader();
  const announced = Number(response.headers?.get?.('content-length') ?? 0);
  let length = 0;
  /** Most answers are one piece, for which there is a decoder at hand. */
  let first: Uint8Array | undefined;
  let [text, more]: [string, TextDecoder | undefined] = ['', undefined];
  for (let tooLong = announced > limit; !tooLong; tooLong = length > limit) {
    const into = atLeast && (first ? new Uint8Array(PIECE_BYTES) : room());
    const asked = into?.length ?? 0;
    const { done, value }: Piece = await (into
      ? atLeast.readAtLeast(asked, into)
      : (reader as ReadableStreamDefaultReader).read());
    // Whoever stands in for `fetch` may hand out anything, and nothing for ever.
    if (value === undefined ? !done : !ArrayBuffer.isView(value))
      throw new TypeError('a piece of the body is no bytes');
    if (value !== undefined) {
      length += value.byteLength;
      if (first === undefined) first = value;
      else {
        if (more === undefined) {
          more = new TextDecoder();
          text = more.decode(first, { stream: true });
        }
        text += more.decode(value, { stream: true });
      }
    }
    if (!done && (value?.byteLength ?? 0) >= asked) continue;
    if (length > limit) return null;
    if (more) return text + more.decode();
    text = decoder.decode(first);
    if (atLeast && first?.buffer.byteLength === FIRST_BYTES) {
      first.fill(0);
      spare = first.buffer;
    }
    return text;
  }
  // Not awaited: it may never be done.
  reader.cancel().catch(() => {});
  return null;
}
