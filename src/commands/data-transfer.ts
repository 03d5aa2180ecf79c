/** What every transfer does with its data channel: ask first, then say 150, open, move, and never leave it open. */
import type { Reply } from '../protocol/reply.ts';
import type { CommandContext } from '../spi/command.ts';
import type { DataConnection, Direction } from '../spi/data-port.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import { deflating, inflating } from '../transfer/deflate.ts';

/** Call it before anything is touched for a transfer. @throws Fault `NoDataConnection` when none has been arranged. */
export function requireArranged({ data }: CommandContext): void {
  if (!data.arranged) throw new Fault('NoDataConnection');
}

/**
 * Sends `mark`, opens the data channel and lets `move` work with it. The mark goes first because many clients wait for
 * it before they connect or begin TLS. In MODE Z `move` sees the bytes of MODE S.
 *
 * @throws whatever opening and `move` throw; the connection has been dropped then. A `move` that succeeds has ended it.
 */
export async function overData<T>(
  context: CommandContext,
  direction: Direction,
  mark: Reply,
  move: (connection: DataConnection) => Promise<T>,
): Promise<T> {
  const startMs = context.clock.monotonicMs();
  let connection: DataConnection | undefined;
  try {
    context.mark(mark);
    connection = inMode(context, direction, await context.data.open(direction, context.signal));
    return await move(connection);
  } catch (error) {
    // A receiver must not take what it has for the whole; a sender must be able to read why it was refused.
    if (direction === 'send') connection?.destroy();
    else connection?.refuse();
    throw direction === 'send' ? aboutSending(error) : error;
  } finally {
    const transferMs = Math.round(context.clock.monotonicMs() - startMs);
    context.note({ transferMs, dataBytes: connection?.bytesMoved ?? 0 });
    // Of a connection that was refused the notes may know more.
    if (connection !== undefined) context.note({ dataTls: connection.tls ?? 'none' });
  }
}

function inMode({ session, limits }: CommandContext, direction: Direction, connection: DataConnection): DataConnection {
  if (session.mode === 'S') return connection;
  if (direction === 'send') return deflating(connection, session.deflateLevel);
  return inflating(connection, limits.inflateRatioMax);
}

/** The faults' own words are about uploads. */
const SENDING: Partial<Record<FaultKind, string>> = {
  Aborted: 'Transfer aborted.',
  ConnectionLost: 'The data connection was lost before everything was sent.',
  Stalled: 'The data connection stood still for too long.',
};

function aboutSending(error: unknown): unknown {
  const text = error instanceof Fault ? SENDING[error.kind] : undefined;
  return error instanceof Fault && text !== undefined ? new Fault(error.kind, { cause: error, text }) : error;
}
