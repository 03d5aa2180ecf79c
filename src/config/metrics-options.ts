/** Where numbers for monitoring can be read. */
import { z } from 'zod';
import { listenHost } from './listen-options.ts';

/** The address and port of `GET /metrics`. It is plain HTTP and asks nobody for a password: reaching it is reading it. */
export const metricsOptions = z.strictObject({
  /** Loopback: who comes when and how much is nobody else's business. */
  host: listenHost,
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535),
});
