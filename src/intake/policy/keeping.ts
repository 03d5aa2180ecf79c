/** What has to be kept, as storage asks of it: of the book in this process, or of the one that several processes share. */
import type { DiskPlace } from './disk-place.ts';

/** How long something is kept. */
export interface Keeping {
  readonly days: number;
  /** The upload that is held, when it is published from there. */
  readonly id?: string | undefined;
  /** What publication takes the place of: nothing there may have to be kept. */
  readonly replaces?: readonly DiskPlace[] | undefined;
}

/** What is known of an upload that is held. */
export interface HeldPromise {
  readonly days: number;
  /** Where it was about to be published: there it may go on, for the promise that stands in its way is its own. */
  readonly at: DiskPlace | undefined;
}

/** What a change touches. */
export interface Touched {
  readonly places: readonly DiskPlace[];
  /** Where a link of that name leads: touched too when something there has to be kept. */
  readonly behind?: readonly DiskPlace[] | undefined;
}

/** The promises, and what must not get in their way. */
export interface Promises {
  /** Whether nothing has to be kept anywhere, nor is about to be, so that no place need be looked up. */
  readonly empty: boolean;
  /** Says that a promise is to come, so that changes are followed from now on. */
  expect(): void;
  /** Until when one of the files at these places has to be kept; 0 when none has. */
  latestMs(places: readonly DiskPlace[]): Promise<number> | number;
  /**
   * Promises to keep what will be at a place for so many days from now on, waits until that lasts, and publishes. When
   * the name is another's, or nothing was tried, the promise is taken back.
   *
   * @throws Fault `Retained` when it would replace what has to be kept; what `publish` throws; Fault `Local` when nothing
   *   can be promised, `Busy` when nobody answers, `FileBusy` where others would not know of it. Then nothing is published.
   */
  keep<Result>(place: DiskPlace, keeping: Keeping, publish: () => Promise<Result>): Promise<Result>;
  /**
   * Changes something, unless what is there has to be kept. A directory has to be kept as long as what it holds.
   * @throws Fault `Retained`; what `change` throws.
   */
  changing<Result>(touched: Touched, change: () => Promise<Result>): Promise<Result>;
  /** Changes something while nothing has to be kept anywhere: what is promised meanwhile waits for it. */
  changeAnywhere<Result>(change: () => Promise<Result>): Promise<Result>;
  /** Remembers for how many days an upload that is held is to be kept from its publication on, also behind a restart. */
  hold(id: string, days: number): Promise<void>;
  /** What was said of an upload that is held; undefined when it need not be kept. */
  held(id: string): Promise<HeldPromise | undefined> | HeldPromise | undefined;
  /** Forgets a held upload: it is published or destroyed. Nothing depends on that being on the disk. */
  settle(id: string): Promise<void>;
}
