/** Where numbers for monitoring can be read. */
import { z } from 'zod';
import { parseIpv4, parseIpv6 } from '../protocol/ip-address.ts';
import { listenHost } from './listen-options.ts';

/** The address and port of `GET /metrics`. It is plain HTTP and asks nobody for a password: reaching it is reading it. */
export const metricsOptions = z.strictObject({
  /** Loopback: who comes when and how much is nobody else's business. */
  host: listenHost,
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535),
});

/** An address and port. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/** Two servers cannot have one address and port: without this the start would fail (EADDRINUSE). */
export function refuseMetricsAtListener(
  { listen, metrics }: { readonly listen?: readonly Place[]; readonly metrics?: Place | undefined },
  context: z.RefinementCtx,
): void {
  if (metrics === undefined || metrics.port === 0) return;
  if (listen?.some(({ host, port }) => port === metrics.port && overlap(host, metrics.host)) !== true) return;
  context.addIssue({ code: 'custom', path: ['metrics', 'port'], message: 'is taken by an entry of listen' });
}

/** Whether a server at one address keeps another from the other: `0.0.0.0` has every IPv4 address, `::` has all there are. */
function overlap(one: string, other: string): boolean {
  const [left, right] = [parseIpv6(one) ?? one, parseIpv6(other) ?? other];
  if (left === right || left === '::' || right === '::') return true;
  return [left, right].includes('0.0.0.0') && parseIpv4(left) !== undefined && parseIpv4(right) !== undefined;
}
