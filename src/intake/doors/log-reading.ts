/** What the audit log says of uploads between the doors: it is the journal by which what was cut short is finished. */
import { z } from 'zod';
import { ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';
import { AUDIT_EVENTS, type AuditEventName, type AuditLog, type LoggedRecord } from '../../spi/audit.ts';
import type { HeldContent } from './same-content.ts';

/** The last that the log says of each upload, from a record on. */
export async function spokenSince(audit: AuditLog, fromIndex: number): Promise<Map<string, Spoken>> {
  const last = new Map<string, Spoken>();
  for await (const logged of audit.read(fromIndex)) {
    const spoken = spokenOf(logged);
    // An operator's release is followed by the publication; alone it has changed nothing.
    if (spoken !== undefined && spoken.event !== 'quarantine.released') last.set(spoken.upload, spoken);
  }
  return last;
}

/** What the log says of one upload, as far as it decides what is left to do. */
export interface Spoken {
  readonly event: AuditEventName;
  readonly upload: string;
  readonly index: number;
  readonly account: string | undefined;
  /** Where it was, or would have been, published. */
  readonly path: VirtualPath;
  /** What it was uploaded as. */
  readonly asked: VirtualPath;
  readonly replaced: boolean;
  /** Who may fetch its receipt. */
  readonly receipts: 'account' | 'operator';
  /** When it had arrived. */
  readonly arrivedMs: number | undefined;
  /** What its bytes were on the disk; undefined for records that do not say it. */
  readonly content: HeldContent | undefined;
  /** Until when it was promised to be kept, by the gateway's clock; undefined when it was not. */
  readonly retainUntilMs: number | undefined;
}

/** Events behind which an upload that had been recorded as published is not: it never had its name. */
export const TAKEN_BACK: ReadonlySet<AuditEventName> = new Set([
  'upload.undone',
  'upload.refused',
  'upload.quarantined',
]);

/** Reads a record of an upload; undefined for every other one. */
export function spokenOf({ index, entry }: LoggedRecord): Spoken | undefined {
  const text = entry.toString('utf8');
  // Most records are about something else, and are not taken apart.
  if (!text.includes('"upload":')) return undefined;
  const record: unknown = JSON.parse(text);
  const event = member(record, 'event');
  const object = member(record, 'object');
  const upload = member(object, 'upload');
  const path = pathIn(object, 'path');
  if (typeof upload !== 'string' || path === undefined || !isEvent(event)) return undefined;
  // What became of it afterwards, elsewhere, says nothing of it here.
  if (event.startsWith('delivery.')) return undefined;
  const account = member(member(record, 'who'), 'account');
  return {
    ...{ event, upload, index, path, asked: pathIn(object, 'asked') ?? path },
    account: typeof account === 'string' ? account : undefined,
    replaced: member(object, 'replaced') === true,
    receipts: member(object, 'receipts') === 'operator' ? 'operator' : 'account',
    ...{ arrivedMs: timeIn(object, 'arrived'), content: contentIn(object) },
    retainUntilMs: timeIn(object, 'retain_until'),
  };
}

function isEvent(name: unknown): name is AuditEventName {
  return typeof name === 'string' && Object.hasOwn(AUDIT_EVENTS, name);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function contentIn(object: unknown): HeldContent | undefined {
  const said = contentSchema.safeParse(object).data;
  if (said === undefined) return undefined;
  const { bytes, sha256, encrypted_to: encryptedTo, stored_bytes: storedBytes, stored_sha256: storedSha256 } = said;
  return { bytes, sha256, encryptedTo, storedBytes, storedSha256 };
}

const contentSchema = z.object({
  bytes: z.number(),
  sha256: z.string(),
  encrypted_to: z.array(z.string()).default([]),
  stored_bytes: z.number().optional(),
  stored_sha256: z.string().optional(),
});

function timeIn(object: unknown, name: string): number | undefined {
  const text = member(object, name);
  const timeMs = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function pathIn(object: unknown, name: string): VirtualPath | undefined {
  const text = member(object, name);
  return typeof text === 'string' ? resolvePath(ROOT, text) : undefined;
}
