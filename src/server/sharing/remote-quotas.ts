/** Quotas as a worker sees them: the process above decides, and has the worker count what lies in a place when it must know. */
import type { DiskPlace } from '../../intake/policy/disk-place.ts';
import type { Amount, QuotaPlace, QuotaRounds, Quotas, Reservation } from '../../intake/policy/quota-book.ts';
import { assert } from '../../lib/assert.ts';
import type { Correspondent } from '../../lib/correspondent.ts';
import { asked } from './asked.ts';
import { ANSWERED, type CrossedPlaces, named, TOLD } from './messages.ts';

/** The quotas above. What cannot be asked is refused (Fault `Busy`). */
export class RemoteQuotas implements Quotas {
  readonly #above: Correspondent;
  /** What the process above may have counted, by the question that it is asked. */
  readonly #asking = new Map<number, readonly QuotaPlace[]>();
  #last = 0;
  #met = false;

  constructor(above: Correspondent) {
    this.#above = above;
    above.serve({
      [named('quotasMet')]: () => {
        this.#met = true;
      },
      [named('countRoom')]: ({ argument }) => {
        const { hold, index } = TOLD.countRoom.parse(argument);
        const place = this.#asking.get(hold)?.[index];
        assert(place !== undefined, 'what is counted was asked about');
        return place.count();
      },
    });
  }

  get empty(): boolean {
    return !this.#met;
  }

  async reserve(places: readonly QuotaPlace[], amount: Amount): Promise<Reservation | undefined> {
    // Where there is no quota there is nothing to be decided.
    if (places.length === 0) return UNBOUNDED;
    this.#met = true;
    const hold = this.#next();
    const release = () => this.#above.tell(named('releaseRoom'), { hold });
    try {
      const granted = await this.#ask('reserve', hold, { places, amount });
      if (!ANSWERED.yes.parse(granted)) return undefined;
    } catch (error) {
      release();
      throw error;
    }
    return {
      claim: async (more) =>
        ANSWERED.yes.parse(await asked(this.#above.ask(named('claimRoom'), { hold, amount: more }))),
      release,
    };
  }

  async restBytes(places: readonly QuotaPlace[]): Promise<number> {
    return ANSWERED.restRoom.parse(await this.#ask('restRoom', this.#next(), { places })) ?? Infinity;
  }

  async countsAlike(one: DiskPlace, other: DiskPlace): Promise<boolean> {
    return ANSWERED.yes.parse(await asked(this.#above.ask(named('countsAlike'), { one, other })));
  }

  async rounds(place: DiskPlace): Promise<QuotaRounds> {
    return ANSWERED.quotaRounds.parse(await asked(this.#above.ask(named('quotaRounds'), { place })));
  }

  changed(place: DiskPlace, by: Amount, since: QuotaRounds = []): void {
    this.#above.tell(named('quotaChanged'), { place, by, since });
  }

  doubt(place: DiskPlace): void {
    this.#above.tell(named('quotaDoubt'), { place });
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Asks something behind which places may be counted here, however long that takes. */
  async #ask(
    name: 'reserve' | 'restRoom',
    hold: number,
    { places, ...more }: { readonly places: readonly QuotaPlace[]; readonly amount?: Amount },
  ): Promise<unknown> {
    this.#asking.set(hold, places);
    try {
      const about = { hold, places: crossed(places), ...more };
      return await asked(this.#above.ask(named(name), about, { waitMaxMs: 'long' }));
    } finally {
      this.#asking.delete(hold);
    }
  }
}

/** Where nothing is bounded everything fits. */
const UNBOUNDED: Reservation = { claim: () => true, release: () => undefined };

/** What is not bounded cannot be said as a number. */
function crossed(places: readonly QuotaPlace[]): CrossedPlaces {
  const bound = (max: number) => (Number.isFinite(max) ? max : null);
  return places.map(({ place, bytesMax, filesMax }) => ({
    ...{ place, bytesMax: bound(bytesMax), filesMax: bound(filesMax) },
  }));
}
