/** What ends a run before its time: Ctrl-C, or whoever started it. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs it with a signal that is aborted when the process is asked to end, so that servers are stopped and folders removed by who began
 * them; asked twice, the process ends at once. The exit status is then the one of that signal, and undefined is returned.
 */
export async function untilAsked<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const asked = new AbortController();
  const listeners = SIGNALS.map((name) => {
    const listener = () => {
      process.exitCode = 128 + constants.signals[name];
      asked.abort(new Error(`stopped by ${name}`));
    };
    process.once(name, listener);
    return { name, listener };
  });
  try {
    return await act(asked.signal);
  } catch (error) {
    if (error !== asked.signal.reason) throw error;
    process.stderr.write(`${asked.signal.reason.message}; nothing was written\n`);
    return undefined;
  } finally {
    for (const { name, listener } of listeners) process.off(name, listener);
  }
}
