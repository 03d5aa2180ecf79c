/** Writing at the pace of who reads, which may be never. */
import type { EventEmitter } from 'node:events';
import type { Clock } from './clock.ts';
import { deadline } from './deadline.ts';
import { firstOf } from './first-of.ts';

/** What can be written to: a socket, a request, the standard input of a program. It needs an `error` listener of its own. */
export interface Sink extends EventEmitter {
  readonly destroyed: boolean;
  write(piece: Uint8Array): boolean;
}

/** How long somebody waits, and for whom. */
export interface Patience {
  readonly clock: Clock;
  /** How long nothing may be taken, in milliseconds. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/**
 * Writes one piece and waits until there is room for the next.
 *
 * @throws Error when the sink is closed or takes nothing for `idleMs`; its own error; the signal's reason.
 */
export async function put(sink: Sink, piece: Uint8Array, { clock, idleMs, signal }: Patience): Promise<void> {
  signal.throwIfAborted();
  if (sink.destroyed) throw new Error('it was closed before everything was sent');
  if (sink.write(piece)) return;
  using bounded = deadline(clock, idleMs, signal);
  if ((await firstOf(sink, ['drain', 'close'], bounded.signal)) === 'close') {
    throw new Error('it was closed before everything was sent');
  }
}
