/**
 * What has to be kept, once more from the audit log: who cuts the book of promises, or removes it, would otherwise free
 * every file unseen. Only records are read that came since the book was last known to be complete.
 */
import type { Clock } from '../../lib/clock.ts';
import type { AuditLog } from '../../spi/audit.ts';
import type { FileSystem } from '../../spi/file-system.ts';
import type { Log } from '../../spi/log.ts';
import { placeOf } from '../policy/disk-place.ts';
import type { RetentionBook } from '../policy/retention.ts';
import { type Spoken, spokenOf, TAKEN_BACK } from './log-reading.ts';

/** What is read, and what is mended. */
export interface PromiseParts {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Log;
  /** The files of an account; undefined when they cannot be reached. */
  filesOf(account: string): Promise<FileSystem | undefined>;
}

/**
 * Makes again the promises that the log says were made and the book has not. To be called before uploads are taken, and
 * behind the recovery of those that a crash cut short. @returns how many were made again.
 * @throws what the log says, and Fault `Local` when the book cannot be written.
 */
export async function restorePromises(book: RetentionBook, parts: PromiseParts): Promise<number> {
  const { audit, clock, log } = parts;
  const end = audit.size;
  // A book that knows of more than there is was kept beside another log.
  const from = book.knownTo <= end ? book.knownTo : 0;
  const reached = new Map<string, FileSystem | undefined>();
  const filesOf = async (account: string) => {
    if (!reached.has(account)) reached.set(account, await reach(account, parts));
    return reached.get(account);
  };
  let restored = 0;
  let knownTo = end;
  for (const promised of await promisedSince(audit, from, clock.now())) {
    const { account, path, index, retainUntilMs } = promised;
    const files = await filesOf(account);
    if (files === undefined) {
      // Looked for again at the next start.
      knownTo = Math.min(knownTo, index);
      continue;
    }
    const place = await placeOf(files, account, path);
    if ((book.untilMs(place) ?? 0) >= retainUntilMs) continue;
    await book.restore(place, retainUntilMs);
    restored += 1;
    log.warn('retention.restored', { account, path, record: index, until: new Date(retainUntilMs).toISOString() });
  }
  await book.know(knownTo);
  return restored;
}

type Promised = Spoken & { readonly account: string; readonly retainUntilMs: number };

/** The uploads that were published since, and not taken back behind that, as long as they have to be kept. */
async function promisedSince(audit: AuditLog, from: number, nowMs: number): Promise<Iterable<Promised>> {
  const promised = new Map<string, Promised>();
  for await (const record of audit.read(from)) {
    const spoken = spokenOf(record);
    if (spoken === undefined) continue;
    const { account, retainUntilMs, event, upload } = spoken;
    if (TAKEN_BACK.has(event)) promised.delete(upload);
    if (event !== 'upload.published' || account === undefined || retainUntilMs === undefined) continue;
    if (retainUntilMs > nowMs) promised.set(upload, { ...spoken, account, retainUntilMs });
  }
  return promised.values();
}

async function reach(account: string, { filesOf, log }: PromiseParts): Promise<FileSystem | undefined> {
  try {
    const files = await filesOf(account);
    if (files === undefined) log.error('retention.unreachable', { account });
    return files;
  } catch (error) {
    log.error('retention.unreachable', { account, error });
    return undefined;
  }
}
