/**
 * How much lies in places with a quota, and how much of it uploads that run have spoken for. What is there is counted by
 * walking once, then kept up with what this gateway does, and counted again from time to time, for it may change from
 * outside. Whenever something is not known exactly, more is counted than there is, and never less.
 */
import type { Clock } from '../../lib/clock.ts';
import { type DiskPlace, isPlaceWithin } from './disk-place.ts';

/** Files and their bytes; negative for what goes away. */
export interface Amount {
  readonly bytes: number;
  readonly files: number;
}

/** A place with a quota, as one upload meets it. */
export interface QuotaPlace {
  readonly place: DiskPlace;
  readonly bytesMax: number;
  readonly filesMax: number;
  /** Counts what is there, links not followed. @throws what storage says. */
  count(): Promise<Amount>;
}

/** What has been spoken for by one upload, in every place that holds it. */
export interface Reservation {
  /** Speaks for so much in all, in place of what it was; false when there is no room for it, and then nothing changes. */
  claim(amount: Amount): boolean;
  /** Gives back what is not used; safe to repeat. */
  release(): void;
}

/** After so long what is there is counted again. */
const COUNT_HOLDS_MS = 600_000;
/** A count that would refuse an upload, or is known to be wrong, is made again when it is older than this. */
const DOUBT_HOLDS_MS = 10_000;

interface Count {
  used: Amount;
  held: Amount;
  countedMs: number;
  /** Something went away, or came, that was not counted. */
  doubted: boolean;
  counting: Promise<void> | undefined;
  /** What has come since the counting began. */
  came: Amount;
}

const NOTHING: Amount = { bytes: 0, files: 0 };

/** The counts of all places that uploads have met. They are as many as there are directories with a quota. */
export class QuotaBook {
  readonly #clock: Clock;
  readonly #counts = new Map<DiskPlace, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Speaks for an upload in every place that holds it. @returns undefined when there is no room in one of them, which is
   * said of a fresh count only. @throws what counting throws.
   */
  async reserve(places: readonly QuotaPlace[], amount: Amount): Promise<Reservation | undefined> {
    for (const place of places) await this.#ready(place, COUNT_HOLDS_MS);
    const first = this.#reservation(places);
    if (first.claim(amount)) return first;
    for (const place of places) await this.#ready(place, DOUBT_HOLDS_MS);
    const second = this.#reservation(places);
    return second.claim(amount) ? second : undefined;
  }

  /** Bytes that are left at all of these places. */
  async restBytes(places: readonly QuotaPlace[]): Promise<number> {
    const rests: number[] = [];
    for (const place of places) {
      const { used, held } = await this.#ready(place, COUNT_HOLDS_MS);
      const isFull = used.files + held.files >= place.filesMax;
      rests.push(isFull ? 0 : Math.max(0, place.bytesMax - used.bytes - held.bytes));
    }
    return Math.min(...rests);
  }

  /** Whether no upload has met a quota yet: nothing is counted. */
  get empty(): boolean {
    return this.#counts.size === 0;
  }

  /** Whether whatever counts the one counts the other. */
  countsAlike(one: DiskPlace, other: DiskPlace): boolean {
    return [...this.#counts.keys()].every((counted) => isPlaceWithin(one, counted) === isPlaceWithin(other, counted));
  }

  /** Counts what has come or gone at a place. */
  changed(place: DiskPlace, by: Amount): void {
    for (const [counted, count] of this.#counts) {
      if (!isPlaceWithin(place, counted)) continue;
      const used = sum(count.used, by);
      count.used = { bytes: Math.max(0, used.bytes), files: Math.max(0, used.files) };
      count.came = sum(count.came, { bytes: Math.max(0, by.bytes), files: Math.max(0, by.files) });
    }
  }

  /** Something changed that is not worth following: it is counted again before the count is relied on much longer. */
  doubt(place: DiskPlace): void {
    for (const [counted, count] of this.#counts) {
      if (isPlaceWithin(place, counted) || isPlaceWithin(counted, place)) count.doubted = true;
    }
  }

  async #ready(place: QuotaPlace, holdsMs: number): Promise<Count> {
    const now = this.#clock.monotonicMs();
    let count = this.#counts.get(place.place);
    if (count === undefined) {
      count = { used: NOTHING, held: NOTHING, came: NOTHING, countedMs: -Infinity, doubted: true, counting: undefined };
      this.#counts.set(place.place, count);
    }
    const ageMs = now - count.countedMs;
    if (ageMs >= (count.doubted ? DOUBT_HOLDS_MS : holdsMs)) count.counting ??= this.#count(place, count);
    await count.counting;
    return count;
  }

  /** What comes while it is being counted may be met by the walk or not: it is added, and what goes is not taken off. */
  async #count(place: QuotaPlace, count: Count): Promise<void> {
    count.came = NOTHING;
    count.doubted = false;
    try {
      const counted = await place.count();
      count.used = sum(counted, count.came);
      count.countedMs = this.#clock.monotonicMs();
    } catch (error) {
      count.doubted = true;
      throw error;
    } finally {
      count.counting = undefined;
    }
  }

  #reservation(places: readonly QuotaPlace[]): Reservation {
    const counted = places.flatMap((place) => {
      const count = this.#counts.get(place.place);
      return count === undefined ? [] : [{ place, count }];
    });
    let own = NOTHING;
    const take = (amount: Amount) => {
      const by = { bytes: amount.bytes - own.bytes, files: amount.files - own.files };
      for (const { count } of counted) count.held = sum(count.held, by);
      own = amount;
    };
    return {
      claim(amount) {
        const fits = counted.every(({ place, count: { used, held } }) => {
          const bytes = used.bytes + held.bytes - own.bytes + amount.bytes;
          const files = used.files + held.files - own.files + amount.files;
          // What takes nothing away from anybody is let in wherever it goes.
          const bytesFit = bytes <= place.bytesMax || amount.bytes <= own.bytes;
          return bytesFit && (files <= place.filesMax || amount.files <= own.files);
        });
        if (fits) take(amount);
        return fits;
      },
      release: () => take(NOTHING),
    };
  }
}

function sum(one: Amount, other: Amount): Amount {
  return { bytes: one.bytes + other.bytes, files: one.files + other.files };
}
