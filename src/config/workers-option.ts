/** `workers`: how many processes are asked for. */
import { z } from 'zod';

/** More would be a slip: each is a Node of its own. */
export const WORKERS_MAX = 256;

/** The option. `auto` is one process for each core that this one may use. */
export const workersOption = z.union([z.literal('auto'), z.int().min(1).max(WORKERS_MAX)], {
  error: `must be auto, or a number from 1 to ${WORKERS_MAX}`,
});
