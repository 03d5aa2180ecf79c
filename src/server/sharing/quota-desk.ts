/**
 * The quotas of a gateway with several workers, where they are decided: what uploads have spoken for is one account for all, so
 * that no two take the last bytes. What lies in a place is counted by the worker that asks, since it reaches the files.
 */

import type { OwnReservation, QuotaBook, QuotaPlace } from '../../intake/policy/quota-book.ts';
import { assert } from '../../lib/assert.ts';
import type { Answers, Correspondent } from '../../lib/correspondent.ts';
import { ANSWERED, type CrossedPlaces, named, SAID } from './messages.ts';

/** What one worker has spoken for. */
export class QuotaSeat {
  readonly #book: QuotaBook;
  readonly #worker: Correspondent;
  /** By numbers that the worker chooses; undefined while it is being decided. */
  readonly #reservations = new Map<number, OwnReservation | undefined>();
  #ended = false;

  constructor(book: QuotaBook, worker: Correspondent) {
    this.#book = book;
    this.#worker = worker;
    if (!book.empty) this.tellMet();
  }

  /** Tells the worker that quotas have been met. */
  tellMet(): void {
    this.#worker.tell(named('quotasMet'), {});
  }

  answers(): Answers {
    const book = this.#book;
    return {
      [named('reserve')]: ({ argument }) => this.#reserve(SAID.reserve.parse(argument)),
      [named('claimRoom')]: ({ argument }) => {
        const { hold, amount } = SAID.claimRoom.parse(argument);
        const reservation = this.#reservations.get(hold);
        assert(reservation !== undefined, 'who speaks for more has spoken for something');
        return reservation.claim(amount);
      },
      [named('releaseRoom')]: ({ argument }) => {
        const { hold } = SAID.releaseRoom.parse(argument);
        this.#reservations.get(hold)?.release();
        this.#reservations.delete(hold);
      },
      [named('restRoom')]: async ({ argument }) => {
        const { hold, places } = SAID.restRoom.parse(argument);
        const bytes = await book.restBytes(this.#countable(hold, places));
        return Number.isFinite(bytes) ? bytes : null;
      },
      [named('countsAlike')]: ({ argument }) => {
        const { one, other } = SAID.countsAlike.parse(argument);
        return book.countsAlike(one, other);
      },
      [named('quotaRounds')]: ({ argument }) => book.rounds(SAID.quotaRounds.parse(argument).place),
      [named('quotaChanged')]: ({ argument }) => {
        const { place, by, since } = SAID.quotaChanged.parse(argument);
        book.changed(place, by, since);
      },
      [named('quotaDoubt')]: ({ argument }) => book.doubt(SAID.quotaDoubt.parse(argument).place),
    };
  }

  /** Gives everything back. What the worker did last nobody has told: all is counted again. */
  end(): void {
    this.#ended = true;
    for (const reservation of this.#reservations.values()) reservation?.release();
    this.#reservations.clear();
    this.#book.recount('everywhere');
  }

  async #reserve({ hold, places, amount }: Asked): Promise<boolean> {
    this.#reservations.set(hold, undefined);
    const reservation = await this.#book.reserve(this.#countable(hold, places), amount);
    // Let go of while it was being decided.
    if (this.#ended || !this.#reservations.has(hold)) {
      reservation?.release();
      return false;
    }
    if (reservation === undefined) this.#reservations.delete(hold);
    else this.#reservations.set(hold, reservation);
    return reservation !== undefined;
  }

  #countable(hold: number, places: CrossedPlaces): readonly QuotaPlace[] {
    return places.map(({ place, bytesMax, filesMax }, index) => ({
      ...{ place, bytesMax: bytesMax ?? Infinity, filesMax: filesMax ?? Infinity },
      // As long as the walk takes.
      count: async () =>
        ANSWERED.amount.parse(await this.#worker.ask(named('countRoom'), { hold, index }, { waitMaxMs: 'long' })),
    }));
  }
}

type Asked = ReturnType<typeof SAID.reserve.parse>;
