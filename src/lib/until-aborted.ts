/** Reading from others who may not listen to a signal. */
import { within } from './deadline.ts';

/**
 * The same pieces, until the signal aborts. What is read from is told when nobody reads on, and is not waited for: it may
 * hang in the very read that was given up.
 *
 * @throws the signal's reason; whatever the source throws.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, void> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await within(signal, () => iterator.next());
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // What goes wrong in leaving changes nothing for who has left.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
