/**
 * What has to be kept, of a gateway with several workers, where the book is: a promise is made, and a change begun, in the order
 * in which they are asked for here. The worker publishes or changes then, and tells when it has.
 */
import type { Promises } from '../../intake/policy/keeping.ts';
import type { Answers } from '../../lib/correspondent.ts';
import { Fault } from '../../spi/fault.ts';
import { named, SAID } from './messages.ts';

/** What one worker is doing about which the book has been asked. */
export class PromiseSeat {
  readonly #book: () => Promises;
  /** What ends each, by numbers that the worker chooses. */
  readonly #doing = new Map<number, PromiseWithResolvers<void>>();

  #ended = false;

  /** The book is asked for each time: it is opened when the gateway starts. */
  constructor(book: () => Promises) {
    this.#book = book;
  }

  answers(): Answers {
    return {
      [named('keep')]: ({ argument }) => {
        const { hold, place, days, id, replaces } = SAID.keep.parse(argument);
        return this.#begin(hold, (done) => this.#book().keep(place, { days, id, replaces }, done));
      },
      [named('change')]: ({ argument }) => {
        const { hold, places, behind } = SAID.change.parse(argument);
        const touched = places && { places, behind };
        return this.#begin(hold, (done) =>
          touched === null ? this.#book().changeAnywhere(done) : this.#book().changing(touched, done),
        );
      },
      [named('done')]: ({ argument }) => {
        const { hold, came } = SAID.done.parse(argument);
        const doing = this.#doing.get(hold);
        this.#doing.delete(hold);
        if (came === 'done') doing?.resolve();
        // Where the name was another's, or nothing was tried, a promise is taken back; else it stands.
        else doing?.reject(came === 'nothing' ? new Fault('FileExists') : FAILED);
      },
      [named('latest')]: ({ argument }) => this.#book().latestMs(SAID.latest.parse(argument).places),
      [named('holdKept')]: ({ argument }) => {
        const { id, days } = SAID.holdKept.parse(argument);
        return this.#book().hold(id, days);
      },
      [named('heldKept')]: async ({ argument }) => (await this.#book().held(SAID.heldKept.parse(argument).id)) ?? null,
      [named('settleKept')]: ({ argument }) => this.#book().settle(SAID.settleKept.parse(argument).id),
    };
  }

  /** Nobody can say how far the worker had come: what it had promised stands. */
  end(): void {
    this.#ended = true;
    for (const doing of this.#doing.values()) doing.reject(FAILED);
    this.#doing.clear();
  }

  /** Resolves when the worker may go on, and nobody stands in its way until it has told that it is done. */
  async #begin(hold: number, act: (done: () => Promise<void>) => Promise<void>): Promise<void> {
    const doing = Promise.withResolvers<void>();
    // The worker knows what it failed with.
    doing.promise.catch(() => undefined);
    this.#doing.set(hold, doing);
    const begun = Promise.withResolvers<void>();
    act(async () => {
      // Gone while it waited: nothing was tried.
      if (this.#ended) throw new Fault('FileExists');
      begun.resolve();
      await doing.promise;
    }).catch((error: unknown) => {
      this.#doing.delete(hold);
      begun.reject(error);
    });
    await begun.promise;
  }
}

const FAILED = new Error('it did not come to its end');
