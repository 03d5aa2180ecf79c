/** Reading a stretch of an open file in large pieces. */
import { PIECE_BYTES, takePiece } from '../lib/pieces.ts';
import { Fault } from '../spi/fault.ts';
import type { ReadHandle } from './plain-handle.ts';

/** Below it memory of its own costs less than a piece. */
const SMALL_BYTES_MAX = 16_384;

/**
 * Yields the bytes from `startBytes` up to `endBytes`, reading one piece ahead of the consumer. Every piece is the
 * consumer's own, and may be given back (`lib/pieces.ts`).
 *
 * @throws Fault `Local` when the file ends before `endBytes`; the handle's own errors.
 */
export async function* readBytes(handle: ReadHandle, startBytes: number, endBytes: number): AsyncGenerator<Buffer> {
  let ahead = readAhead(handle, startBytes, endBytes);
  let positionBytes = startBytes;
  try {
    while (positionBytes < endBytes) {
      const piece = await ahead;
      if (piece.length === 0) throw new Fault('Local', { cause: new Error(`file ended at ${positionBytes} bytes`) });
      positionBytes += piece.length;
      ahead = readAhead(handle, positionBytes, endBytes);
      yield piece;
    }
  } finally {
    // A consumer that stops early closes the handle next, which must not happen under a running read.
    await ahead.catch(() => undefined);
  }
}

function readAhead(handle: ReadHandle, startBytes: number, endBytes: number): Promise<Buffer> {
  const reading = readPiece(handle, startBytes, endBytes);
  // It may fail while the consumer is busy with the piece before; whoever awaits it later still sees the failure.
  reading.catch(() => undefined);
  return reading;
}

async function readPiece(handle: ReadHandle, startBytes: number, endBytes: number): Promise<Buffer> {
  const lengthBytes = Math.min(PIECE_BYTES, endBytes - startBytes);
  if (lengthBytes <= 0) return Buffer.alloc(0);
  const memory = lengthBytes <= SMALL_BYTES_MAX ? Buffer.allocUnsafe(lengthBytes) : takePiece();
  const { buffer, bytesRead } = await handle.read(memory, 0, lengthBytes, startBytes);
  return buffer.subarray(0, bytesRead);
}
