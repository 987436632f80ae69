import { made } from './errors.js';
import type { ListMetadata, ObjectSummary } from './types.js';

/** A page of objects and the way to the rest. Iterating over it (`for await`) goes through all pages. */
export class ObjectPage implements AsyncIterable<ObjectSummary> {
  /** As in the official SDK. */
  readonly object = 'list';
  /** The objects of this page. In a scoped client, those within the scope only: it may have fewer than `limit`. */
  readonly data: ObjectSummary[];
  /** The cursors of the pages beside this one. */
  readonly listMetadata: ListMetadata;
  readonly #limited: boolean;
  readonly #next: (after: string) => Promise<ObjectPage>;

  /** @internal */
  constructor(
    page: { data: ObjectSummary[]; listMetadata: ListMetadata },
    limited: boolean,
    next: (after: string) => Promise<ObjectPage>,
  ) {
    this.data = page.data;
    this.listMetadata = page.listMetadata;
    this.#limited = limited;
    this.#next = next;
  }

  /** The page after this one, `undefined` on the last. */
  async nextPage(): Promise<ObjectPage | undefined> {
    const { after } = this.listMetadata;
    return after === null ? undefined : this.#next(after);
  }

  /**
   * The objects of this and of all pages after it. As in the official SDK, only those of this page where the
   * list was asked for with a `limit`; to go through all pages of a size, iterate with `for await`.
   */
  async autoPagination(): Promise<ObjectSummary[]> {
    if (this.#limited) return this.data;
    const objects: ObjectSummary[] = [];
    for await (const object of this) objects.push(object);
    return objects;
  }

  /**
   * Goes through the objects of this and of all pages after it.
   * @throws {VaultError} `malformed_response` if the service leads in a circle.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ObjectSummary, void, undefined> {
    const seen = new Set<string>();
    for (let page: ObjectPage | undefined = this; page; page = await page.nextPage()) {
      yield* page.data;
      const { after } = page.listMetadata;
      if (after !== null && seen.has(after)) {
        throw made(
          'malformed_response',
          'list_metadata.after: the service leads back to a page that it has given before',
          { recovery: 'Try again later; if it lasts, report it to WorkOS support.' },
        );
      }
      if (after !== null) seen.add(after);
    }
  }
}

/** A page to come, over which `for await` can already run. */
export type ObjectPagePromise = Promise<ObjectPage> & AsyncIterable<ObjectSummary>;

/** Makes a promise of a page iterable. */
export function iterable(promise: Promise<ObjectPage>): ObjectPagePromise {
  return Object.assign(promise, {
    async *[Symbol.asyncIterator](): AsyncGenerator<ObjectSummary, void, undefined> {
      yield* await promise;
    },
  });
}
