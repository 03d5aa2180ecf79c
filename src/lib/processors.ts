/** How many processors this process may keep busy, which decides whether work is worth a thread of its own. */
import { availableParallelism } from 'node:os';

let sharing = 1;

/** Says how many processes share the machine's processors, this one among them: each keeps one busy. `auto`: one for each. */
export function shareProcessors(processes: number | 'auto'): void {
  sharing = processes === 'auto' ? availableParallelism() : processes;
}

/** Processors that no event loop of ours needs, for this process's threads; 0 when there is none. */
export function spareProcessors(): number {
  return Math.max(0, Math.floor(availableParallelism() / sharing) - 1);
}
