/** Failures that all take as long as one another, so that their time tells nothing of their reason. */
import type { Clock } from './clock.ts';

/** What `attempt` gives; what it throws is thrown no earlier than `failureMs` after the beginning. */
export async function failNotBefore<T>(clock: Clock, failureMs: number, attempt: () => Promise<T>): Promise<T> {
  const startMs = clock.monotonicMs();
  try {
    return await attempt();
  } catch (error) {
    const leftMs = startMs + failureMs - clock.monotonicMs();
    if (leftMs > 0) await new Promise<void>((resolve) => void clock.after(leftMs, resolve));
    throw error;
  }
}
