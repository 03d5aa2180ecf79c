/** The files that one delivery has yet to hand on, in the order of the log, and the stretches that they amount to. */
import type { Stretch } from './cursor.ts';

interface Entry<Item> {
  readonly item: Item;
  before: Entry<Item> | undefined;
  behind: Entry<Item> | undefined;
  /** Whether something that is finished lies between this one and the one before it. */
  parted: boolean;
}

/** A list from which anything can be taken out, and which remembers where that was. */
export class Unfinished<Item extends { readonly index: number }> {
  readonly #entries = new Map<number, Entry<Item>>();
  #first: Entry<Item> | undefined;
  #last: Entry<Item> | undefined;
  /** Whether something that is finished lies behind the last one. */
  #finishedBehind = false;

  get size(): number {
    return this.#entries.size;
  }

  /** The one that has waited longest. */
  get first(): Item | undefined {
    return this.#first?.item;
  }

  /** Adds one behind all others. */
  add(item: Item): void {
    const entry: Entry<Item> = { item, before: this.#last, behind: undefined, parted: this.#finishedBehind };
    this.#finishedBehind = false;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.behind = entry;
    this.#last = entry;
    this.#entries.set(item.index, entry);
  }

  /** Notes that something is finished that stands behind all others. */
  pass(): void {
    this.#finishedBehind = true;
  }

  /** Takes one out. @returns whether it was there. */
  finish(index: number): boolean {
    const entry = this.#entries.get(index);
    if (entry === undefined) return false;
    const { before, behind } = entry;
    this.#entries.delete(index);
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) {
      this.#last = before;
      this.#finishedBehind = true;
    } else {
      behind.before = before;
      behind.parted = true;
    }
    return true;
  }

  /** Those that are unfinished, as few stretches as can be: none has anything in it that is finished. */
  stretches(): Stretch[] {
    const stretches: [number, number][] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.behind) {
      const { index } = entry.item;
      const last = stretches.at(-1);
      if (last === undefined || entry.parted) stretches.push([index, index]);
      else last[1] = index;
    }
    return stretches;
  }
}
