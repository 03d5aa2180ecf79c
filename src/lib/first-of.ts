/** Waiting for one of several Node events without leaving listeners behind. */
import type { EventEmitter } from 'node:events';

/**
 * Resolves with the name of the first of `events` that `emitter` emits and removes every listener it added.
 * Racing several `once()` promises instead leaks a listener for each loser.
 *
 * @throws the event's argument when `error` is emitted; the signal's reason when `signal` aborts.
 */
export function firstOf<Name extends string>(
  emitter: EventEmitter,
  events: readonly Name[],
  signal?: AbortSignal,
): Promise<Name> {
  return new Promise((resolve, reject) => {
    const listeners = new Map<string, (argument: unknown) => void>();
    const settle = (act: () => void) => {
      for (const [name, listener] of listeners) emitter.off(name, listener);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = () => settle(() => reject(signal?.reason));
    for (const name of events) listeners.set(name, () => settle(() => resolve(name)));
    listeners.set('error', (error) => settle(() => reject(error)));
    if (signal?.aborted) return reject(signal.reason);
    for (const [name, listener] of listeners) emitter.on(name, listener);
    signal?.addEventListener('abort', onAbort);
  });
}
