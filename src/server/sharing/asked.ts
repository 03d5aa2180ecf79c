/** What becomes of a question that the process above did not answer. */
import { Unanswered } from '../../lib/correspondent.ts';
import { Fault } from '../../spi/fault.ts';

/** The answer. @throws Fault `Busy` when there is none in time, or nobody to give it any more; what was thrown there. */
export async function asked(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Unanswered) throw new Fault('Busy', { cause: error });
    throw error;
  }
}
