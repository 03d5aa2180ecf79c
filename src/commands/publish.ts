/** Making a file out of others that are on the server already: everything into a staged write, then one commit. */
import type { CommandContext } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { OpenedFile, StagedWrite } from '../spi/file-system.ts';
import { Meter } from '../transfer/meter.ts';
import { uploadBytesMax } from './store.ts';

/** A staged write and what has gone into it. */
export interface Writing {
  readonly staged: StagedWrite;
  readonly meter: Meter;
}

/** What was published. */
export interface Published {
  readonly bytes: number;
  /** SHA-256 of the whole file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * Lets `fill` write, commits, and notes size and hash for the log. When anything fails the staged write is aborted and
 * leaves nothing: the client still has the files that it was to be made of.
 *
 * @throws whatever `fill` and the staged write throw.
 */
export async function publish(
  context: CommandContext,
  staged: StagedWrite,
  fill: (writing: Writing) => Promise<void>,
): Promise<Published> {
  const meter = new Meter();
  const startedMs = context.clock.now();
  try {
    for await (const buffer of staged.prefix()) await meter.update([buffer]);
    await fill({ staged, meter });
    const published = { bytes: meter.bytes, sha256: await meter.digest() };
    context.note({ ...published });
    await staged.commit({ ...published, startedMs });
    return published;
  } catch (error) {
    await staged
      .abort('remove')
      .catch((failure: unknown) => context.log.error('copy.abort_failed', { error: failure }));
    throw error;
  } finally {
    meter.close();
  }
}

/** Adds a whole file. @throws Fault `QuotaExceeded` past the largest upload; the signal's reason. */
export async function appendFile(context: CommandContext, writing: Writing, opened: OpenedFile): Promise<void> {
  for await (const piece of opened.read(0)) {
    context.signal.throwIfAborted();
    await writing.meter.update([piece]);
    refuseLarger(context, writing.meter.bytes);
    await writing.staged.write([piece]);
  }
}

/** What is put together on the server is bounded as an upload is. @throws Fault `QuotaExceeded`. */
export function refuseLarger(context: CommandContext, bytes: number): void {
  const bytesMax = uploadBytesMax(context);
  if (bytesMax > 0 && bytes > bytesMax) throw new Fault('QuotaExceeded');
}
