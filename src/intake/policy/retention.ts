/**
 * What was promised to be kept, and until when. A promise is made when a file is published and is on the disk before the
 * file has its name; it stands whatever the configuration says later. It is kept by place on the disk, so that it holds
 * for every account that can reach the file, and counts from the gateway's clock, since the times of files can be set.
 */
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../spi/fault.ts';
import { type DiskPlace, isPlaceWithin } from './disk-place.ts';
import type { HeldPromise, Keeping, Promises, Touched } from './keeping.ts';
import { BookFile, type Entry, readBook } from './retention-file.ts';

const DAY_MS = 86_400_000;

/** Says until when something is kept that may not be changed before; 0 is never. @throws Fault `Retained`. */
export function refuseUntil(untilMs: number): void {
  if (untilMs === 0) return;
  const date = `${new Date(untilMs).toISOString().slice(0, 19)}Z`;
  throw new Fault('Retained', { text: `What is there has to be kept until ${date} and may not be changed before.` });
}

/** The promises. There is one writer of a folder. */
export class RetentionBook implements Promises {
  readonly #clock: Clock;
  readonly #file: BookFile | undefined;
  /** By directory and name: most files of a directory share the text of its place. */
  readonly #until = new Map<DiskPlace, Map<string, number>>();
  /** The latest promise in a directory and below it; never too early. */
  readonly #within = new Map<DiskPlace, number>();
  readonly #held = new Map<string, HeldPromise>();
  /** Changes of what was not to be kept when they began, with the places that they touch. */
  readonly #changes = new Map<Promise<unknown>, readonly DiskPlace[] | 'anywhere'>();
  #expects = false;
  #sealed = false;
  /** Publications that are under way, by place: one at a time, so that none takes the place of another. */
  readonly #attempts = new Map<DiskPlace, Promise<void>>();
  #knownTo = 0;

  private constructor(clock: Clock, file: BookFile | undefined) {
    this.#clock = clock;
    this.#file = file;
  }

  /** A book in which nothing can be promised: uploads that would have to be kept are refused. */
  static without(clock: Clock): RetentionBook {
    return new RetentionBook(clock, undefined);
  }

  /**
   * Reads the book of a folder, which is made when missing; promises that have ended are dropped.
   *
   * @throws Error when the book cannot be read, or is no book.
   */
  static async open(directory: string, clock: Clock): Promise<RetentionBook> {
    const { entries, knownTo } = await readBook(directory);
    const file = new BookFile(directory);
    const book = new RetentionBook(clock, file);
    for (const entry of entries) book.#apply(entry);
    book.#dropEnded();
    await file.rewrite(book.#entries());
    if (knownTo > 0) await book.know(knownTo);
    return book;
  }

  /** Reads the book of a folder that another process writes: what it has is kept, and nothing more can be promised. */
  static async reading(directory: string, clock: Clock): Promise<RetentionBook> {
    const book = new RetentionBook(clock, undefined);
    for (const entry of (await readBook(directory)).entries) book.#apply(entry);
    book.#dropEnded();
    return book;
  }

  /** From now on nothing more is promised: other processes have read the book, and would not know of it. */
  seal(): void {
    this.#sealed = true;
  }

  /** The book has the promises of all records of the audit log in front of this one, unless somebody forged it. */
  get knownTo(): number {
    return this.#knownTo;
  }

  /** Notes that it has. @throws the system's error. */
  async know(index: number): Promise<void> {
    await this.#file?.know(index);
    this.#knownTo = index;
  }

  /** Promises what the book should have had; never shorter than what it has. @throws Fault `Local`. */
  async restore(place: DiskPlace, until: number): Promise<void> {
    this.#apply({ place, until: Math.max(until, this.untilMs(place) ?? 0) });
    await this.#append({ place, until });
  }

  /** Until when the file at a place has to be kept; undefined when it has not, or not any more. */
  untilMs(place: DiskPlace): number | undefined {
    const { directory, name } = split(place);
    return this.#ahead(this.#until.get(directory)?.get(name));
  }

  /** Until when something in the directory at a place, or below it, has to be kept. */
  untilWithinMs(place: DiskPlace): number | undefined {
    return this.#ahead(this.#within.get(place));
  }

  latestMs(places: readonly DiskPlace[]): number {
    return Math.max(0, ...places.map((place) => this.untilMs(place) ?? 0));
  }

  /** Whether nothing was promised, and nothing is held that has to be kept. */
  get unused(): boolean {
    return this.#until.size === 0 && this.#held.size === 0;
  }

  get empty(): boolean {
    return this.#until.size === 0 && !this.#expects;
  }

  expect(): void {
    this.#expects = true;
  }

  async keep<Result>(place: DiskPlace, keeping: Keeping, publish: () => Promise<Result>): Promise<Result> {
    if (this.#sealed)
      throw new Fault('FileBusy', { cause: new Error('retain_days needs all sessions in one process') });
    for (let other = this.#attempts.get(place); other !== undefined; other = this.#attempts.get(place)) await other;
    // From here to the promise nothing is waited for, so that nobody else can have promised meanwhile.
    refuseUntil(this.latestMs(keeping.replaces ?? []));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#attempts.set(place, promise);
    try {
      return await this.#attempt(place, keeping, publish);
    } finally {
      this.#attempts.delete(place);
      resolve();
    }
  }

  async #attempt<Result>(place: DiskPlace, { days, id }: Keeping, publish: () => Promise<Result>): Promise<Result> {
    const before = this.untilMs(place) ?? 0;
    const until = Math.max(before, this.#clock.now() + days * DAY_MS);
    // At once: from here on nobody may begin to take away what is about to be published.
    this.#apply({ place, until });
    let begun = false;
    try {
      // What was cut short on its way to this place finds another's promise there from now on.
      for (const held of this.#heldFor(place, id)) await this.#record(held);
      if (id !== undefined) await this.#record({ held: id, days, at: place });
      await this.#append({ place, until });
      // Whoever began to change this place when nothing was promised has to be done with it.
      await Promise.allSettled(this.#changesAt(place));
      begun = true;
      return await publish();
    } catch (error) {
      // Behind anything else the file may have its name, and only the disk did not say that it lasts.
      const stands = begun && !(error instanceof Fault && error.kind === 'FileExists');
      if (!stands) await this.#takeBack(place, before);
      throw error;
    }
  }

  /** The uploads that were about to be published at a place, but for this one, without the place. */
  #heldFor(place: DiskPlace, id: string | undefined): readonly Entry[] {
    const others = [...this.#held].filter(([held, { at }]) => at === place && held !== id);
    return others.map(([held, { days }]) => ({ held, days }));
  }

  /**
   * Changes what is at these places, unless something there has to be kept. A directory has to be kept as long as what it
   * holds. @throws Fault `Retained`; what `change` throws.
   */
  async change<Result>(places: readonly DiskPlace[], change: () => Promise<Result>): Promise<Result> {
    const untils = places.flatMap((place) => [this.untilMs(place) ?? 0, this.untilWithinMs(place) ?? 0]);
    refuseUntil(Math.max(0, ...untils));
    // Nothing is waited for between the question and this, so that a promise made from now on knows of the change.
    return this.#follow(places, change);
  }

  async changing<Result>({ places, behind = [] }: Touched, change: () => Promise<Result>): Promise<Result> {
    const kept = behind.filter((place) => this.untilWithinMs(place) !== undefined);
    return this.change([...places, ...kept], change);
  }

  async changeAnywhere<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.#follow('anywhere', change);
  }

  async #follow<Result>(places: readonly DiskPlace[] | 'anywhere', change: () => Promise<Result>): Promise<Result> {
    const changing = change();
    this.#changes.set(changing, places);
    try {
      return await changing;
    } finally {
      this.#changes.delete(changing);
    }
  }

  async hold(id: string, days: number): Promise<void> {
    await this.#record({ held: id, days });
  }

  held(id: string): HeldPromise | undefined {
    return this.#held.get(id);
  }

  async settle(id: string): Promise<void> {
    if (this.#held.has(id)) await this.#record({ held: id, days: 0 }).catch(() => undefined);
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** That the disk does not take this makes a promise last that was made to nobody, which is the safe side. */
  async #takeBack(place: DiskPlace, before: number): Promise<void> {
    this.#apply({ place, until: before });
    await this.#append({ place, until: before }).catch(() => undefined);
  }

  #ahead(until: number | undefined): number | undefined {
    return until !== undefined && until > this.#clock.now() ? until : undefined;
  }

  async #append(entry: Entry): Promise<void> {
    try {
      if (this.#file === undefined) throw new Error('retain_days needs state_directory, where promises are kept');
      await this.#file.append(entry);
    } catch (cause) {
      throw new Fault('Local', { cause });
    }
  }

  async #record(entry: Entry): Promise<void> {
    await this.#append(entry);
    this.#apply(entry);
  }

  #changesAt(place: DiskPlace): Promise<unknown>[] {
    const touches = (places: readonly DiskPlace[] | 'anywhere') =>
      places === 'anywhere' || places.some((changed) => isPlaceWithin(place, changed));
    return [...this.#changes].flatMap(([change, places]) => (touches(places) ? [change] : []));
  }

  #apply(entry: Entry): void {
    if ('known' in entry) return;
    if ('held' in entry) {
      if (entry.days > 0) this.#held.set(entry.held, { days: entry.days, at: entry.at });
      else this.#held.delete(entry.held);
      return;
    }
    const { directory, name } = split(entry.place);
    const names = this.#until.get(directory) ?? new Map<string, number>();
    if (entry.until > 0) {
      const isShorter = entry.until < (names.get(name) ?? 0);
      this.#until.set(directory, names.set(name, entry.until));
      if (isShorter) this.#spreadAnew();
      else this.#spread(entry.place, entry.until);
    } else if (names.delete(name)) {
      if (names.size === 0) this.#until.delete(directory);
      this.#spreadAnew();
    }
  }

  /** Every directory above a file has to stay as long as the file. */
  #spread(place: DiskPlace, until: number): void {
    for (let { directory } = split(place); ; { directory } = split(directory)) {
      if ((this.#within.get(directory) ?? 0) < until) this.#within.set(directory, until);
      if (split(directory).directory === directory) return;
    }
  }

  #spreadAnew(): void {
    this.#within.clear();
    for (const { place, until } of this.#promises()) this.#spread(place, until);
  }

  *#promises(): Generator<{ readonly place: DiskPlace; readonly until: number }> {
    for (const [directory, names] of this.#until) {
      const before = directory.endsWith('/') ? directory : `${directory}/`;
      for (const [name, until] of names) yield { place: `${before}${name}` as DiskPlace, until };
    }
  }

  *#entries(): Generator<Entry> {
    for (const [held, { days, at }] of this.#held) yield { held, days, ...(at !== undefined && { at }) };
    yield* this.#promises();
  }

  #dropEnded(): void {
    for (const [directory, names] of this.#until) {
      for (const [name, until] of names) if (this.#ahead(until) === undefined) names.delete(name);
      if (names.size === 0) this.#until.delete(directory);
    }
    this.#spreadAnew();
  }
}

function split(place: DiskPlace): { readonly directory: DiskPlace; readonly name: string } {
  const slash = place.lastIndexOf('/');
  return { directory: (place.slice(0, slash) || '/') as DiskPlace, name: place.slice(slash + 1) };
}
