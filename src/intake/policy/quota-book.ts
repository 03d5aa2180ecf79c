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
  claim(amount: Amount): Promise<boolean> | boolean;
  /** Gives back what is not used; safe to repeat. */
  release(): void;
}

/** The counts that hold a place, each by how often it has been made: what goes away is taken off only where it was counted. */
export type QuotaRounds = readonly (readonly [DiskPlace, number])[];

/** Counts of what lies in places, and what uploads that run have spoken for. All processes that serve sessions share one. */
export interface Quotas {
  /**
   * Speaks for an upload in every place that holds it. @returns undefined when there is no room in one of them, which is
   * said of a fresh count only. @throws what counting throws.
   */
  reserve(places: readonly QuotaPlace[], amount: Amount): Promise<Reservation | undefined>;
  /** Bytes that are left at all of these places. */
  restBytes(places: readonly QuotaPlace[]): Promise<number>;
  /** Whether no upload has met a quota yet: nothing is counted. */
  readonly empty: boolean;
  /** Whether whatever counts the one counts the other. */
  countsAlike(one: DiskPlace, other: DiskPlace): Promise<boolean> | boolean;
  /** To be asked before something goes away at a place, and told behind it. */
  rounds(place: DiskPlace): Promise<QuotaRounds> | QuotaRounds;
  /** Counts what has come or gone at a place; what has gone only by counts that were made before it went. */
  changed(place: DiskPlace, by: Amount, since?: QuotaRounds): void;
  /** Something changed that is not worth following: it is counted again before the count is relied on much longer. */
  doubt(place: DiskPlace): void;
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
  /** Changes when a counting begins, when it ends, and when it is not to be believed. */
  round: number;
}

const NOTHING: Amount = { bytes: 0, files: 0 };

/** One that is decided about at once. */
export interface OwnReservation extends Reservation {
  claim(amount: Amount): boolean;
}

/** The counts of all places that uploads have met. They are as many as there are directories with a quota. */
export class QuotaBook implements Quotas {
  readonly #clock: Clock;
  readonly #met: () => void;
  readonly #counts = new Map<DiskPlace, Count>();

  /** `met` is called when it is not empty any more. */
  constructor(clock: Clock, met: () => void = () => undefined) {
    this.#clock = clock;
    this.#met = met;
  }

  async reserve(places: readonly QuotaPlace[], amount: Amount): Promise<OwnReservation | undefined> {
    for (const place of places) await this.#ready(place, COUNT_HOLDS_MS);
    const first = this.#reservation(places);
    if (first.claim(amount)) return first;
    for (const place of places) await this.#ready(place, DOUBT_HOLDS_MS);
    const second = this.#reservation(places);
    return second.claim(amount) ? second : undefined;
  }

  async restBytes(places: readonly QuotaPlace[]): Promise<number> {
    const rests: number[] = [];
    for (const place of places) {
      const { used, held } = await this.#ready(place, COUNT_HOLDS_MS);
      const isFull = used.files + held.files >= place.filesMax;
      rests.push(isFull ? 0 : Math.max(0, place.bytesMax - used.bytes - held.bytes));
    }
    return Math.min(...rests);
  }

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  countsAlike(one: DiskPlace, other: DiskPlace): boolean {
    return [...this.#counts.keys()].every((counted) => isPlaceWithin(one, counted) === isPlaceWithin(other, counted));
  }

  rounds(place: DiskPlace): QuotaRounds {
    return [...this.#counts].flatMap(([counted, { round, counting }]) =>
      counting === undefined && isPlaceWithin(place, counted) ? [[counted, round] as const] : [],
    );
  }

  changed(place: DiskPlace, by: Amount, since: QuotaRounds = []): void {
    const rounds = new Map(since);
    const came = { bytes: Math.max(0, by.bytes), files: Math.max(0, by.files) };
    for (const [counted, count] of this.#counts) {
      if (!isPlaceWithin(place, counted)) continue;
      // What a walk may have met as gone already must not be taken off once more.
      const used = sum(count.used, rounds.get(counted) === count.round ? by : came);
      count.used = { bytes: Math.max(0, used.bytes), files: Math.max(0, used.files) };
      count.came = sum(count.came, came);
    }
  }

  doubt(place: DiskPlace): void {
    for (const [counted, count] of this.#counts) {
      if (isPlaceWithin(place, counted) || isPlaceWithin(counted, place)) count.doubted = true;
    }
  }

  /** Has everything that holds a place counted again before anything is said of it: what is there nobody has followed. */
  recount(place: DiskPlace | 'everywhere'): void {
    for (const [counted, count] of this.#counts) {
      if (place !== 'everywhere' && !isPlaceWithin(place, counted)) continue;
      count.countedMs = -Infinity;
      count.round += 1;
    }
  }

  async #ready(place: QuotaPlace, holdsMs: number): Promise<Count> {
    const count = this.#countOf(place.place);
    for (;;) {
      const ageMs = this.#clock.monotonicMs() - count.countedMs;
      const isMine = count.counting === undefined;
      if (ageMs >= (count.doubted ? DOUBT_HOLDS_MS : holdsMs)) count.counting ??= this.#count(place, count);
      if (count.counting === undefined) return count;
      try {
        await count.counting;
      } catch (error) {
        // Whoever counted may be gone: then the next one does.
        if (isMine) throw error;
      }
    }
  }

  #countOf(place: DiskPlace): Count {
    const known = this.#counts.get(place);
    if (known !== undefined) return known;
    const none = { used: NOTHING, held: NOTHING, came: NOTHING };
    const count = { ...none, countedMs: -Infinity, doubted: true, counting: undefined, round: 0 };
    this.#counts.set(place, count);
    if (this.#counts.size === 1) this.#met();
    return count;
  }

  /** What comes while it is being counted may be met by the walk or not: it is added, and what goes is not taken off. */
  async #count(place: QuotaPlace, count: Count): Promise<void> {
    count.came = NOTHING;
    count.doubted = false;
    count.round += 1;
    const { round } = count;
    try {
      const counted = await place.count();
      count.used = sum(counted, count.came);
      if (count.round === round) count.countedMs = this.#clock.monotonicMs();
    } catch (error) {
      count.doubted = true;
      throw error;
    } finally {
      count.round += 1;
      count.counting = undefined;
    }
  }

  #reservation(places: readonly QuotaPlace[]): OwnReservation {
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
