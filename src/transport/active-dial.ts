/** Active mode: the server connects to the client. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { firstOf } from '../lib/first-of.ts';
import { Fault } from '../spi/fault.ts';
import type { Endpoint } from '../spi/session.ts';

/**
 * Connects from `localAddress` to the client's `target`.
 *
 * @throws Fault `CannotConnect` when it is refused or takes longer than `timeoutMs`; the signal's reason.
 */
export async function dial(
  target: Endpoint,
  localAddress: string,
  options: {
    readonly timeoutMs: number;
    readonly noDelay: boolean;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Socket> {
  const socket = connect({
    host: target.address,
    port: target.port,
    localAddress,
    allowHalfOpen: true,
    noDelay: options.noDelay,
  });
  const timer = options.clock.after(options.timeoutMs, () => socket.destroy(new Error('connect timed out')));
  try {
    await firstOf(socket, ['connect'], options.signal);
    // Nothing is read before the transfer has taken the connection over.
    return socket.pause();
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    if (options.signal.aborted) throw options.signal.reason;
    throw new Fault('CannotConnect', { cause: error });
  } finally {
    timer.cancel();
  }
}
