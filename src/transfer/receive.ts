/** Moving an upload from the data connection into storage: the place that decides whether a file arrived whole. */
import { giveBack } from '../lib/pieces.ts';
import type { Requirement } from '../spi/authenticator.ts';
import type { DataEnd } from '../spi/data-end.ts';
import type { DataConnection } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { StagedWrite } from '../spi/file-system.ts';
import type { TransferType } from '../spi/session.ts';
import { CrlfToLf } from './ascii.ts';
import { Meter } from './meter.ts';

/** What surrounds an upload that takes the place of a range (RANG). */
export interface Splice {
  /** The bytes before the range, behind those that the staged write began with, in pieces that are the reader's own. */
  readonly before: AsyncIterable<Buffer>;
  /** Bytes that must come, neither more nor fewer. */
  readonly lengthBytes: number;
  /** The bytes behind the range, likewise. */
  readonly behind: AsyncIterable<Buffer>;
}

/** An upload that is about to be moved. */
export interface Upload {
  readonly connection: DataConnection;
  readonly staged: StagedWrite;
  readonly type: TransferType;
  /** With it, the type is image. */
  readonly splice?: Splice | undefined;
  /** Largest size of the whole file, the bytes it began with included; 0 means no bound but the disk's. */
  readonly bytesMax: number;
  readonly closeNotify: Requirement;
  readonly signal: AbortSignal;
}

/** What became of an upload that arrived whole. */
export interface Received {
  /** Size of the whole file as it is stored. */
  readonly bytes: number;
  /** Bytes that came over the data connection, before any conversion. */
  readonly receivedBytes: number;
  /** SHA-256 of the whole file as it is stored, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly end: DataEnd;
}

/**
 * Moves an upload into its staged write: hash what it began with, then decode, count and hash, store; then judge how
 * the data ended and close the connection. A splice puts what surrounds a range before and behind what arrives. While one batch is being written the next is being read.
 * It neither commits nor aborts: that is for whoever staged the write, also when this throws.
 *
 * @throws Fault `QuotaExceeded` as soon as `bytesMax` is passed; `Truncated` when the data ended without close_notify
 *   and that is required; `RestartInvalid` when a range is not filled exactly; whatever the connection or the staged write throws; the signal's reason.
 *   No write is under way any more when it throws.
 */
export async function receive(upload: Upload): Promise<Received> {
  const meter = new Meter();
  try {
    return await moveAndJudge(upload, meter);
  } finally {
    meter.close();
  }
}

async function moveAndJudge(upload: Upload, meter: Meter): Promise<Received> {
  const { connection, staged, splice, signal } = upload;
  for await (const buffer of staged.prefix()) {
    signal.throwIfAborted();
    await meter.update([buffer]);
  }
  checkSize(meter, upload);
  if (splice !== undefined) await copy(splice.before, upload, meter);
  const receivedBytes = await moveBatches(upload, meter);
  checkEnd(upload);
  if (splice !== undefined) {
    if (receivedBytes < splice.lengthBytes) throw notFilled(splice, `${receivedBytes}`);
    await copy(splice.behind, upload, meter);
  }
  const [sha256] = await Promise.all([meter.digest(), hangUp(connection)]);
  signal.throwIfAborted();
  return { bytes: meter.bytes, receivedBytes, sha256, end: connection.end };
}

/** Adds bytes that are here already. */
async function copy(pieces: AsyncIterable<Buffer>, upload: Upload, meter: Meter): Promise<void> {
  for await (const piece of pieces) {
    upload.signal.throwIfAborted();
    await meter.update([piece]);
    checkSize(meter, upload);
    await upload.staged.write([piece]);
  }
}

/** Reads, decodes, counts and writes until the end of data. @returns the bytes that came over the connection. */
async function moveBatches(upload: Upload, meter: Meter): Promise<number> {
  const { connection, staged, splice, signal } = upload;
  const ascii = upload.type === 'A' ? new CrlfToLf() : undefined;
  let receivedBytes = 0;
  let writing = Promise.resolve();
  let hashing: Promise<void> | undefined;
  let written: readonly Buffer[] = [];
  try {
    for (;;) {
      // Both at once, and the first failure counts: a full disk is heard of even while the client says nothing.
      const [batch] = await Promise.all([connection.read(), writing, hashing]);
      signal.throwIfAborted();
      written.forEach(giveBack);
      written = batch ?? [];
      const bytes = decoded(ascii, batch);
      receivedBytes += byteCount(batch ?? []);
      if (splice !== undefined && receivedBytes > splice.lengthBytes) throw notFilled(splice, 'more');
      hashing = meter.update(bytes);
      checkSize(meter, upload);
      if (byteCount(bytes) > 0) writing = staged.write(bytes);
      if (batch === undefined) break;
    }
    await Promise.all([writing, hashing]);
    return receivedBytes;
  } finally {
    // Whoever aborts the staged write next must not meet one of our writes. Its failure, if any, was heard of above.
    await Promise.allSettled([writing, hashing]);
  }
}

function notFilled({ lengthBytes }: Splice, came: string): Fault {
  const text = `The range has ${lengthBytes} bytes and ${came} came; nothing was published.`;
  return new Fault('RestartInvalid', { text });
}

function checkSize(meter: Meter, { bytesMax }: Upload): void {
  if (bytesMax > 0 && meter.bytes > bytesMax) throw new Fault('QuotaExceeded');
}

/** In clear there is no close_notify to ask for; whether clear is allowed was decided before the transfer. */
function checkEnd({ connection, closeNotify }: Upload): void {
  if (closeNotify !== 'required' || connection.tls === undefined) return;
  if (connection.end !== 'authenticated') throw new Fault('Truncated');
}

/** Says goodbye, since some clients wait for our close_notify. One who is gone already takes nothing from a whole file. */
async function hangUp(connection: DataConnection): Promise<void> {
  await connection.finish().catch(() => connection.destroy());
}

/** The batch as it is stored; at the end of data, what the decoder still held. */
function decoded(ascii: CrlfToLf | undefined, batch: readonly Buffer[] | undefined): readonly Buffer[] {
  if (ascii === undefined) return batch ?? [];
  return batch === undefined ? ascii.end() : batch.flatMap((buffer) => ascii.push(buffer));
}

function byteCount(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}
