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
  const reader = body.getReader();
  const announced = Number(response.headers?.get?.('content-length') ?? 0);
  let length = 0;
  /** Most answers are one piece, for which there is a decoder at hand. */
  let first: Uint8Array | undefined;
  let [text, more]: [string, TextDecoder | undefined] = ['', undefined];
  for (let tooLong = announced > limit; !tooLong; tooLong = length > limit) {
    const { done, value } = await reader.read();
    if (done) return more ? text + more.decode() : decoder.decode(first);
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
  // Not awaited: it may never be done.
  reader.cancel().catch(() => {});
  return null;
}
