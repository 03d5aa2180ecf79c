/** Calls that nobody waits for, and that must not end the process by failing. */
import { isPromise } from './is-promise.ts';

/** Calls at once and waits for nothing; whatever is thrown, now or by a promise later, goes to `failed`. */
export function aside(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const answer = call();
    if (isPromise(answer)) Promise.resolve(answer).catch(failed);
  } catch (error) {
    failed(error);
  }
}
