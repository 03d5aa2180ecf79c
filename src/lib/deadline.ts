/** Work that must be over by some time: a signal that aborts when it is late, or when its caller gives up before. */
import type { Clock } from './clock.ts';

/** A signal with a time at which it aborts. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborts after `delayMs`, or with `outer`, whichever comes first. Dispose of it when the work is done. */
export function deadline(clock: Clock, delayMs: number, outer: AbortSignal): Deadline {
  const late = new AbortController();
  const timer = clock.after(delayMs, () => late.abort(new Error(`no answer within ${delayMs} ms`)));
  return { signal: AbortSignal.any([outer, late.signal]), [Symbol.dispose]: () => timer.cancel() };
}

/**
 * What `call` comes to, or the signal's reason as soon as it aborts, for work of others who may not listen to it; what
 * comes later is dropped.
 *
 * @throws what `call` throws, or the signal's reason.
 */
export async function within<T>(signal: AbortSignal, call: () => T | PromiseLike<T>): Promise<T> {
  signal.throwIfAborted();
  const over = Promise.withResolvers<never>();
  // Nobody listens any more when `call` itself aborted the signal and then threw.
  over.promise.catch(() => undefined);
  const leave = () => over.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([call(), over.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
