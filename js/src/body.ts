import { isWorkerd } from './engine/runtime.js';

const decoder = new TextDecoder();

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
  const reader = (isWorkerd && wholeReader(body)) || body.getReader();
  const announced = Number(response.headers?.get?.('content-length') ?? 0);
  let length = 0;
  /** Most answers are one piece, for which there is a decoder at hand. */
  let first: Uint8Array | undefined;
  let [text, more]: [string, TextDecoder | undefined] = ['', undefined];
  for (let tooLong = announced > limit; !tooLong; tooLong = length > limit) {
    const { done, value } = await reader.read();
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
    if (done) return length > limit ? null : more ? text + more.decode() : decoder.decode(first);
  }
  // Not awaited: it may never be done.
  reader.cancel().catch(() => {});
  return null;
}

/** What reads a body piece by piece; the last piece may come with `done`. */
interface PieceReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

interface AtLeastReader {
  readAtLeast(bytes: number, view: Uint8Array): Promise<{ done: boolean; value?: Uint8Array }>;
  cancel(): Promise<void>;
  releaseLock?(): void;
}

const PIECE_BYTES = 1 << 14;

/**
 * In workerd each read costs as much as a call. This one asks for more than most answers have, so that one read brings
 * all and tells that it is all. Nothing for a stream that cannot.
 */
function wholeReader(body: ReadableStream): PieceReader | undefined {
  let reader: AtLeastReader;
  try {
    reader = body.getReader({ mode: 'byob' }) as unknown as AtLeastReader;
  } catch {
    return undefined;
  }
  if (typeof reader.readAtLeast !== 'function') {
    // Another's, which may be read by its own reader once this one lets go.
    reader.releaseLock?.();
    return undefined;
  }
  return {
    async read() {
      const { done, value } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(PIECE_BYTES));
      return { done: done || value === undefined || value.byteLength < PIECE_BYTES, value };
    },
    cancel: () => reader.cancel(),
  };
}
