/** Reading a stretch of an open file in large pieces. */
import { type Clock, systemClock } from '../lib/clock.ts';
import { PIECE_BYTES, takePiece } from '../lib/pieces.ts';
import { Fault } from '../spi/fault.ts';
import type { ReadHandle } from './plain-handle.ts';

/** Below it memory of its own costs less than a piece. */
const SMALL_BYTES_MAX = 16_384;
/** Pieces read in one go for consumers that are quick: each way to the disk's threads and back costs as much as a third of a piece. */
const PIECES_MAX = 16;
/** As many for each at least, however many there are; then one of them reads while another is busy, and longer stretches cost caches. */
const PIECES_MIN = 4;
/** A consumer that takes a piece in this time is quick: 25 MiB/s. A slow one has no more memory than it needs. */
const QUICK_MS = 10;

/** Stretches of files that are being read: of the process, whose pieces and threads they share. */
let readers = 0;

/**
 * Yields the bytes from `startBytes` up to `endBytes`, reading ahead of the consumer: one piece, or a few while it takes them quickly.
 * Every piece is the consumer's own, and may be given back (`lib/pieces.ts`).
 *
 * @throws Fault `Local` when the file ends before `endBytes`; the handle's own errors.
 */
export async function* readBytes(
  handle: ReadHandle,
  startBytes: number,
  endBytes: number,
  clock: Clock = systemClock,
): AsyncGenerator<Buffer> {
  let positionBytes = startBytes;
  let atOnce = 1;
  let ahead = readAhead(handle, { startBytes, endBytes, pieces: atOnce });
  readers += 1;
  try {
    while (positionBytes < endBytes) {
      const pieces = await ahead;
      if (pieces.length === 0) throw new Fault('Local', { cause: new Error(`file ended at ${positionBytes} bytes`) });
      for (const { length } of pieces) positionBytes += length;
      ahead = readAhead(handle, { startBytes: positionBytes, endBytes, pieces: atOnce });
      const givenMs = clock.monotonicMs();
      yield* pieces;
      const isQuick = clock.monotonicMs() - givenMs < QUICK_MS * pieces.length;
      atOnce = isQuick ? Math.min(Math.max(PIECES_MIN, Math.floor(PIECES_MAX / readers)), atOnce * 2) : 1;
    }
  } finally {
    readers -= 1;
    // A consumer that stops early closes the handle next, which must not happen under a running read.
    await ahead.catch(() => undefined);
  }
}

interface Stretch {
  readonly startBytes: number;
  readonly endBytes: number;
  /** How many it is read into at most. */
  readonly pieces: number;
}

function readAhead(handle: ReadHandle, stretch: Stretch): Promise<readonly Buffer[]> {
  const reading = readPieces(handle, stretch);
  // It may fail while the consumer is busy with what came before; whoever awaits it later still sees the failure.
  reading.catch(() => undefined);
  return reading;
}

/** Nothing at the end of the file. */
async function readPieces(handle: ReadHandle, { startBytes, endBytes, pieces }: Stretch): Promise<readonly Buffer[]> {
  const lengthBytes = Math.min(pieces * PIECE_BYTES, endBytes - startBytes);
  if (lengthBytes <= 0) return [];
  const memory = memoryFor(lengthBytes);
  const { bytesRead } = await handle.readv(memory, startBytes);
  const read: Buffer[] = [];
  let leftBytes = bytesRead;
  for (const piece of memory) {
    if (leftBytes === 0) break;
    read.push(piece.subarray(0, leftBytes));
    leftBytes -= Math.min(leftBytes, piece.length);
  }
  return read;
}

/** As much as is to be read, to the byte: what lies behind the end may be somebody else's. */
function memoryFor(lengthBytes: number): readonly Buffer[] {
  if (lengthBytes <= SMALL_BYTES_MAX) return [Buffer.allocUnsafe(lengthBytes)];
  const pieces: Buffer[] = [];
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    const piece = takePiece();
    pieces.push(lengthBytes - at < PIECE_BYTES ? piece.subarray(0, lengthBytes - at) : piece);
  }
  return pieces;
}
