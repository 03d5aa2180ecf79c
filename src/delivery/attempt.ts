/** One attempt to hand a file on, in the time that it may take. */
import type { Clock } from '../lib/clock.ts';
import { deadline, within } from '../lib/deadline.ts';
import type { AuditLog, LoggedRecord } from '../spi/audit.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { openPublished } from './contents.ts';
import type { Pending } from './inbox.ts';
import { keyOf, sayingOf } from './published.ts';
import { Undeliverable } from './undeliverable.ts';
import type { Way } from './way.ts';

/** What an attempt stands on. */
interface AttemptParts {
  readonly way: Way;
  readonly audit: AuditLog;
  readonly clock: Clock;
  placesOf(account: string): Promise<readonly FileSystem[]>;
  /** The record of the file, as text. */
  recordOf(): Promise<string>;
}

/**
 * Hands a file on, once.
 *
 * @throws Undeliverable when no other attempt could; everything else means that one may; the signal's reason.
 */
export async function attempt(
  { way, audit, clock, placesOf, recordOf }: AttemptParts,
  pending: Pending,
  signal: AbortSignal,
): Promise<void> {
  using bounded = deadline(clock, way.timeoutMs, signal);
  const { index, upload, account } = pending;
  await within(bounded.signal, async () => {
    const record = await recordOf();
    const saying = sayingOf({ index, entry: Buffer.from(record) });
    if (saying?.said !== 'published') throw new Undeliverable(`record ${index} of the audit log cannot be understood`);
    const { published } = saying;
    const parcel = {
      ...{ key: keyOf(upload, way.name), attempt: pending.attempts + 1, published, record },
      receipt: () => receiptOf(audit, index),
      contents: async () => openPublished(await placesOf(account), published),
    };
    await way.handOn(parcel, bounded.signal);
  });
}

/** A record of the log as text. @throws Undeliverable when the log has dropped it; what the log says. */
export async function recordIn(audit: AuditLog, index: number): Promise<string> {
  const record = await firstFrom(audit, index);
  if (record?.index !== index) throw new Undeliverable(`the audit log has dropped record ${index}`);
  return record.entry.toString('utf8');
}

async function firstFrom(audit: AuditLog, index: number): Promise<LoggedRecord | undefined> {
  for await (const record of audit.read(index)) return record;
  return undefined;
}

async function receiptOf(audit: AuditLog, index: number): Promise<string> {
  try {
    return await audit.receipt(index);
  } catch (error) {
    if (error instanceof RangeError)
      throw new Undeliverable(`there is no receipt of record ${index}: ${error.message}`);
    throw error;
  }
}
