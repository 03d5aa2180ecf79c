/** What has to be kept, as a worker sees it: the book is in the process above, which lets the worker publish and change. */
import type { DiskPlace } from '../../intake/policy/disk-place.ts';
import type { HeldPromise, Keeping, Promises, Touched } from '../../intake/policy/keeping.ts';
import type { Correspondent } from '../../lib/correspondent.ts';
import { Fault } from '../../spi/fault.ts';
import { asked } from './asked.ts';
import { ANSWERED, named } from './messages.ts';

/** The promises above. What cannot be asked is refused (Fault `Busy`). */
export class RemotePromises implements Promises {
  /** What another worker promises at this moment nobody here knows: the book is asked. */
  readonly empty = false;
  readonly #above: Correspondent;
  #last = 0;

  constructor(above: Correspondent) {
    this.#above = above;
  }

  expect(): void {
    // Whoever changes something asks anyhow.
  }

  async latestMs(places: readonly DiskPlace[]): Promise<number> {
    return ANSWERED.latest.parse(await asked(this.#above.ask(named('latest'), { places })));
  }

  keep<Result>(place: DiskPlace, keeping: Keeping, publish: () => Promise<Result>): Promise<Result> {
    return this.#letDo('keep', { place, ...keeping }, publish);
  }

  changing<Result>({ places, behind = [] }: Touched, change: () => Promise<Result>): Promise<Result> {
    return this.#letDo('change', { places, behind }, change);
  }

  changeAnywhere<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.#letDo('change', { places: null, behind: [] }, change);
  }

  async hold(id: string, days: number): Promise<void> {
    await asked(this.#above.ask(named('holdKept'), { id, days }));
  }

  async held(id: string): Promise<HeldPromise | undefined> {
    const held = ANSWERED.heldKept.parse(await asked(this.#above.ask(named('heldKept'), { id })));
    return held === null ? undefined : { days: held.days, at: held.at };
  }

  async settle(id: string): Promise<void> {
    this.#above.tell(named('settleKept'), { id });
  }

  /** Does something as soon as it may be done, however long others take that stand in its way. */
  async #letDo<Result>(name: 'keep' | 'change', about: object, act: () => Promise<Result>): Promise<Result> {
    this.#last += 1;
    const hold = this.#last;
    let came: 'done' | 'nothing' | 'failed' = 'nothing';
    try {
      await asked(this.#above.ask(named(name), { hold, ...about }, { waitMaxMs: 'long' }));
      came = 'failed';
      const result = await act();
      came = 'done';
      return result;
    } catch (error) {
      if (error instanceof Fault && error.kind === 'FileExists') came = 'nothing';
      throw error;
    } finally {
      this.#above.tell(named('done'), { hold, came });
    }
  }
}
