/** Lists that come in pages. */

/** One page of a list, as Teller sends it. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** A list. Iterate it for its items, or `pages()` for its pages; each iteration begins at the first page. */
export class Pages<T> implements AsyncIterable<T> {
  readonly #read: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #first: string | undefined;

  constructor(read: (cursor: string | undefined) => Promise<Page<T>>, first?: string) {
    this.#read = read;
    this.#first = first;
  }

  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    let cursor = this.#first;
    for (;;) {
      const page = await this.#read(cursor);
      yield page;
      if (!page.has_more || page.next_cursor === null) {
        return;
      }
      cursor = page.next_cursor;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) {
      yield* page.data;
    }
  }

  /** Return all items, or the first `take`. */
  async toArray(take = Infinity): Promise<T[]> {
    const items: T[] = [];
    if (take > 0) {
      for await (const item of this) {
        items.push(item);
        if (items.length >= take) {
          break;
        }
      }
    }
    return items;
  }
}
