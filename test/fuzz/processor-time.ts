/** How long something keeps the processor, which other programs on the machine do not change. */

const ATTEMPTS = 4;
const MICROSECONDS = 1_000;

/**
 * Milliseconds of this thread that the work takes: the least of a few attempts, for a first one may be compiled or have
 * garbage collected beside it.
 */
export async function processorMs(work: () => unknown): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = process.threadCpuUsage();
    await work();
    const { user, system } = process.threadCpuUsage(before);
    leastMs = Math.min(leastMs, (user + system) / MICROSECONDS);
    if (leastMs < 1) break;
  }
  return leastMs;
}
