import type { ListMetadata, ObjectSummary } from './types.js';

/** A page of objects and the way to the rest. Iterating over it (`for await`) goes through all pages. */
export class ObjectPage implements AsyncIterable<ObjectSummary> {
  /** As in the official SDK. */
  readonly object = 'list';
  /** The objects of this page. In a scoped client, those within the scope only: it may have fewer than `limit`. */
  readonly data: ObjectSummary[];
  /** The cursors of the pages beside this one. */
  readonly listMetadata: ListMetadata;
  readonly #next: ((after: string) => Promise<ObjectPage>) | undefined;

  /** @internal */
  constructor(
    page: { data: ObjectSummary[]; listMetadata: ListMetadata },
    next: ((after: string) => Promise<ObjectPage>) | undefined,
  ) {
    this.data = page.data;
    this.listMetadata = page.listMetadata;
    this.#next = next;
  }

  /** The page after this one, `undefined` on the last. */
  async nextPage(): Promise<ObjectPage | undefined> {
    const { after } = this.listMetadata;
    return after === null ? undefined : this.#next?.(after);
  }

  /** The objects of this and of all pages after it. */
  async autoPagination(): Promise<ObjectSummary[]> {
    const objects: ObjectSummary[] = [];
    for await (const object of this) objects.push(object);
    return objects;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ObjectSummary, void, undefined> {
    for (let page: ObjectPage | undefined = this; page; page = await page.nextPage()) yield* page.data;
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
