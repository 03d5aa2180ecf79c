/** Work that signals ask for: one after the other, and one waits at most, since whatever has changed until it begins is read by it. */

import { oneAtATime } from '../lib/one-at-a-time.ts';

/** Does not run beside itself. @param work never throws. @returns asks for the work once more. */
export function coalesced(work: () => Promise<void>): () => void {
  const turn = oneAtATime();
  let waiting = false;
  return () => {
    // A second one in the queue would find nothing new.
    if (waiting) return;
    waiting = true;
    void turn(() => {
      waiting = false;
      return work();
    });
  };
}
