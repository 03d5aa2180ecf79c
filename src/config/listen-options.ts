/** Where the gateway listens. */
import { z } from 'zod';

/** Loopback unless the operator opens it up: nothing is reachable from outside by accident. An address, never a name. */
export const listenHost = z
  .union([z.ipv4(), z.ipv6()], { error: 'must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::' })
  .default('127.0.0.1');

/** An address and port that the gateway listens on. */
export const listenOptions = z.strictObject({
  host: listenHost,
  /** 21 or 2121 are usual, 990 for implicit TLS; 0 takes any free port. */
  port: z.int().min(0).max(65_535),
  /** `explicit` starts in clear and waits for AUTH TLS (RFC 4217); `implicit` starts with TLS, for old clients. */
  tls: z.enum(['explicit', 'implicit']).default('explicit'),
});

/** Two listeners for one address and port; any number may ask for any free port. */
export function refuseSameListener(
  listeners: readonly { host: string; port: number }[],
  context: z.RefinementCtx,
): void {
  listeners.forEach(({ host, port }, index) => {
    const twin = listeners.findIndex((other) => other.host === host && other.port === port);
    if (port === 0 || twin === index) return;
    context.addIssue({ code: 'custom', path: [index, 'port'], message: 'is in the list already with this host' });
  });
}
