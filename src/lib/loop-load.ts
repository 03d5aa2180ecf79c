/** How busy this thread's event loop is: what one that is shared by everybody has left for newcomers. */
import { performance } from 'node:perf_hooks';
import type { Clock } from './clock.ts';

/** What is known of it. */
export interface LoopLoad {
  /** The share of time, from 0 to 1, for which the loop had something to do of late. */
  share(): number;
  /** Processor time that this thread has used, in milliseconds. On a machine that others use as well it passes more slowly than time. */
  cpuMs(): number;
}

/** Begins to watch the loop of this thread. The share is up to `WINDOW_MS` old, and of the time since it was asked for before that. */
export function watchLoop(clock: Clock): LoopLoad {
  let last = performance.eventLoopUtilization();
  let lastMs = clock.monotonicMs();
  let share = 0;
  return {
    share() {
      if (clock.monotonicMs() - lastMs < WINDOW_MS) return share;
      const now = performance.eventLoopUtilization();
      share = performance.eventLoopUtilization(now, last).utilization;
      last = now;
      lastMs = clock.monotonicMs();
      return share;
    },
    cpuMs() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
  };
}

/** Long enough that one handshake more or less does not decide, short enough to see a flood at once. */
const WINDOW_MS = 100;
