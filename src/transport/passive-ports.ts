/** Passive listeners: one port for one data connection of one client. */
import { randomInt } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { firstOf } from '../lib/first-of.ts';
import { Fault } from '../spi/fault.ts';
import { boundTo } from './listener.ts';

/** Where passive ports come from; 0 to 0 lets the system choose any free one. */
export interface PassiveRange {
  readonly portMin: number;
  readonly portMax: number;
}

/** Where and how to listen for one data connection. */
export interface PassiveOptions {
  /** The address of this machine that the client connected to. */
  readonly address: string;
  readonly range: PassiveRange;
  /** Whether small packets leave at once (TCP_NODELAY). */
  readonly noDelay: boolean;
}

/** Ports tried before the range is called full: enough to find a free one in a range that is nine tenths taken. */
const ATTEMPTS_MAX = 64;

/**
 * Listens on a random free port of the range, so that the next port cannot be guessed and taken (VU#2558). Accepted
 * sockets are paused and are half-open by design: a client may end its data and still read ours.
 *
 * @throws Fault `PassiveFailed` when no port is free.
 */
export async function listenPassive(
  { address, range, noDelay }: PassiveOptions,
  onConnection: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly server: Server }> {
  let cause: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay }, onConnection);
    try {
      const listening = firstOf(server, ['listening']);
      server.listen({ host: address, port: randomInt(range.portMin, range.portMax + 1) });
      await listening;
      // Errors while accepting (out of file descriptors) show themselves as a client that never arrives.
      server.on('error', () => undefined);
      return { port: boundTo(server).port, server };
    } catch (error) {
      cause = error;
    }
  }
  throw new Fault('PassiveFailed', { cause });
}
