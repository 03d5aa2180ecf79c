/** What an upload builds on: nothing, a file's or an unfinished upload's beginning (APPE, REST), or all of a file but a range (RANG). */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { CommandContext } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { OpenedFile, StagedWrite } from '../spi/file-system.ts';
import type { ByteRange } from '../spi/session.ts';
import { countAscii } from '../transfer/ascii-offset.ts';
import { readStretch } from '../transfer/read-stretch.ts';
import type { Splice } from '../transfer/receive.ts';

/** A write that is staged, and what surrounds the bytes that the client will send. */
export interface UploadBase {
  readonly staged: StagedWrite;
  readonly splice?: Splice;
  /** Whether what arrives before a break is the beginning of the file, so that an upload can go on behind it. */
  readonly resumable: boolean;
  /**
   * Whether size and hash of the whole may be told: not when it begins with what the account may not read, since its hash
   * would tell of that byte by byte.
   */
  readonly telling: boolean;
  /** Closes what `splice` reads from, when all is over. */
  close(): Promise<void>;
}

/**
 * Stages an upload as REST, RANG and the verb ask for. A REST that came before, however long ago, holds until the next
 * transfer, and so for this one; behind REST and RANG, APPE is the same as STOR.
 *
 * @throws Fault `RestartInvalid` when the file has no such position, `RangeNeedsImage`; whatever storage throws.
 */
export async function uploadBase(
  context: CommandContext,
  target: VirtualPath,
  from: 'empty' | 'append',
): Promise<UploadBase> {
  const { restartBytes, range, type, mode } = context.session;
  if (range !== undefined) return aroundRange(context, target, range);
  // An account that may not overwrite ('keep') is told so here when the file exists, and by commit when it came since.
  const { existing } = context.account();
  const files = context.files();
  if (restartBytes === 0 && from === 'empty') return alone(await files.stage(target, { from, existing }));
  // Asked first: what the write begins with is what is there now.
  const telling = await mayBeTold(context, target);
  if (restartBytes === 0) return { ...alone(await files.stage(target, { from, existing })), telling };
  if (mode !== 'S') throw new Fault('RestartInvalid', { text: 'Restarts need MODE S.' });
  if (type === 'A') return { ...alone(await behindAscii(context, target, restartBytes)), telling };
  return { ...alone(await files.stage(target, { from: 'restart', offsetBytes: restartBytes, existing })), telling };
}

/** A base with nothing behind what the write begins with. */
export function alone(staged: StagedWrite): UploadBase {
  return { staged, resumable: true, telling: true, close: async () => undefined };
}

/**
 * Refuses to put a file together out of what is stored, where that is encrypted: it would be encrypted twice in part. The write
 * is ended then. @throws Fault `RestartInvalid`.
 */
export async function refuseOpaque(staged: StagedWrite): Promise<void> {
  if (staged.opaque !== true) return;
  await staged.abort('remove');
  throw new Fault('RestartInvalid', { text: 'Files are encrypted here: send the whole file.' });
}

/** Whether the account may read the published file, or knows that there is none. */
export async function mayBeTold(context: CommandContext, target: VirtualPath): Promise<boolean> {
  const files = context.files();
  try {
    await (await files.openRead(target)).close();
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.kind === 'NoSuchFile') return true;
    if (error.kind !== 'PermissionDenied') throw error;
  }
  return files.stat(target).then(
    () => false,
    (error: unknown) => error instanceof Fault && error.kind === 'NoSuchFile',
  );
}

/**
 * REST in TYPE A counts octets as they are sent, so only the content tells which byte is meant. An upload goes on at the
 * end of what is there, the published file as SIZE has it or the unfinished upload, and nowhere else: any other position
 * is undefined (RFC 3659 section 5.3), and with bare CRs and LFs about would be a guess.
 */
async function behindAscii(context: CommandContext, target: VirtualPath, octets: number): Promise<StagedWrite> {
  const files = context.files();
  const { existing } = context.account();
  const sizes = [await publishedBytes(context, target), await files.resumableBytes(target)];
  for (const offsetBytes of new Set(sizes)) {
    if (offsetBytes === undefined || octets < offsetBytes || octets > 2 * offsetBytes) continue;
    const staged = await files.stage(target, { from: 'restart', offsetBytes, existing });
    if (await endsAt(staged, octets, context.signal)) return staged;
  }
  throw new Fault('RestartInvalid', { text: 'In TYPE A an upload goes on only at the end of what is there.' });
}

/** Whether what the write begins with has so many octets in TYPE A. If not, the write is ended and nothing is lost. */
async function endsAt(staged: StagedWrite, octets: number, signal: AbortSignal): Promise<boolean> {
  let fits = false;
  try {
    const count = await countAscii(staged.prefix(), signal);
    fits = count.exact && count.octets === octets;
    return fits;
  } finally {
    if (!fits) await staged.abort('keep');
  }
}

async function publishedBytes(context: CommandContext, target: VirtualPath): Promise<number | undefined> {
  const facts = await unlessMissing(context.files().stat(target));
  return facts?.kind === 'file' ? facts.sizeBytes : undefined;
}

/**
 * RANG: the new bytes take the place of a range, and everything else stays (draft-bryan-ftp-range-08 section 4.3). The
 * file is put together anew and published in one step, so it takes the right to read it as well as to write it. With no
 * such file yet, the range must begin where the unfinished upload ends.
 */
async function aroundRange(context: CommandContext, target: VirtualPath, range: ByteRange): Promise<UploadBase> {
  const { type, mode } = context.session;
  if (type !== 'I' || mode !== 'S') throw new Fault('RangeNeedsImage');
  const published = await unlessMissing(context.files().openRead(target));
  if (published === undefined) return { ...alone(await atEnd(context, target, range)), splice: spliced(range) };
  try {
    if (range.startBytes > published.facts.sizeBytes) throw beyond(published.facts.sizeBytes);
    const { existing } = context.account();
    const staged = await context.files().stage(target, { from: 'empty', existing });
    await refuseOpaque(staged);
    return {
      staged,
      splice: spliced(range, published),
      resumable: false,
      telling: true,
      close: () => published.close(),
    };
  } catch (error) {
    await published.close();
    throw error;
  }
}

async function atEnd(context: CommandContext, target: VirtualPath, { startBytes }: ByteRange): Promise<StagedWrite> {
  const { existing } = context.account();
  const files = context.files();
  if (startBytes === 0) return files.stage(target, { from: 'empty', existing });
  const keptBytes = (await files.resumableBytes(target)) ?? 0;
  if (keptBytes !== startBytes) throw beyond(keptBytes);
  return files.stage(target, { from: 'restart', offsetBytes: startBytes, existing });
}

function spliced({ startBytes, endBytes }: ByteRange, published?: OpenedFile): Splice {
  const behindBytes = endBytes + 1;
  const stretch = (from: number, to: number) =>
    published === undefined ? nothing() : readStretch(published, { startBytes: from, endBytes: to });
  return {
    before: stretch(0, startBytes),
    lengthBytes: behindBytes - startBytes,
    behind: stretch(behindBytes, published?.facts.sizeBytes ?? 0),
  };
}

async function* nothing(): AsyncGenerator<Buffer> {}

function beyond(sizeBytes: number): Fault {
  return new Fault('RestartInvalid', { text: `The range must begin within the ${sizeBytes} bytes that are there.` });
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'NoSuchFile') return undefined;
    throw error;
  }
}
