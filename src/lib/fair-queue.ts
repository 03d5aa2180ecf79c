/** A queue in which sources take turns, so that one that asks for much makes the others wait for one of its items at a time. */

/** First in, first out for each source, and in turn between them. It has no bound of its own: whoever fills it sees to that. */
export class FairQueue<T extends object> {
  /** The source whose turn is next comes first. */
  readonly #sources = new Map<string, Set<T>>();
  #size = 0;

  /** Items in all. */
  get size(): number {
    return this.#size;
  }

  /** Items of one source. */
  countOf(source: string): number {
    return this.#sources.get(source)?.size ?? 0;
  }

  /** Adds an item; one that is in the queue already stays where it is. */
  push(source: string, item: T): void {
    const own = this.#sources.get(source) ?? new Set();
    this.#sources.set(source, own);
    if (own.has(item)) return;
    own.add(item);
    this.#size++;
  }

  /** Takes an item out, wherever it stands. @returns whether it was there. */
  delete(source: string, item: T): boolean {
    const own = this.#sources.get(source);
    if (own === undefined || !own.delete(item)) return false;
    this.#size--;
    if (own.size === 0) this.#sources.delete(source);
    return true;
  }

  /** Takes the item whose turn it is. */
  shift(): T | undefined {
    for (const [source, own] of this.#sources) {
      for (const item of own) {
        this.delete(source, item);
        // What else it has waits for one of each of the others.
        if (this.#sources.delete(source)) this.#sources.set(source, own);
        return item;
      }
    }
    return undefined;
  }

  /** Takes the youngest item of the source that has most, if those are more than `count`. */
  popOfMost(count: number): T | undefined {
    let most: readonly [string, Set<T>] | undefined;
    for (const each of this.#sources) if (each[1].size > Math.max(count, most?.[1].size ?? 0)) most = each;
    if (most === undefined) return undefined;
    const [source, own] = most;
    const item = [...own].at(-1);
    if (item !== undefined) this.delete(source, item);
    return item;
  }
}
