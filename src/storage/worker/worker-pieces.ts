/** Bytes that a worker reads: asked for piece by piece, so that no more of them is on the way than the consumer takes. */
import { Fault } from '../../spi/fault.ts';
import { ANSWERS, type WorkerQuestion } from './messages.ts';
import type { Lease } from './workers.ts';

/** The pieces of a stream, with one asked for while the consumer is busy with the one before. */
export async function* pieces({ connection }: Lease, question: WorkerQuestion): AsyncGenerator<Buffer> {
  const { ok } = await connection.ask(question, ANSWERS.stream);
  const next = () => {
    const asked = connection.ask({ op: 'nextPiece', handle: ok.handle }, ANSWERS.piece);
    // Whoever awaits it later still sees the failure.
    asked.catch(() => undefined);
    return asked;
  };
  try {
    for (let ahead = next(); ; ) {
      const piece = await ahead;
      if (piece.ok.done) return;
      if (piece.body.length === 0) throw new Fault('Local', { cause: new Error('the worker sent an empty piece') });
      ahead = next();
      yield piece.body;
    }
  } finally {
    await endStream(connection, ok.handle);
  }
}

/** Lets the worker forget a stream that its consumer has left. */
export async function endStream(connection: Lease['connection'], handle: number): Promise<void> {
  // One that has ended, or whose worker was lost, needs no end.
  await connection.ask({ op: 'end', handle }, ANSWERS.nothing).catch(() => undefined);
}
