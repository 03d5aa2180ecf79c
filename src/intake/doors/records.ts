/** What is written into the audit log of uploads between the doors. */
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { AuditEventName, AuditRecord, AuditValue } from '../../spi/audit.ts';
import type { GateOutcome } from '../../spi/gate.ts';
import type { Upload } from './upload.ts';

/** What a record says beside what is known of the upload. */
export interface RecordFacts {
  /** Where it is published, when that is not where it was uploaded to. */
  readonly path?: VirtualPath;
  readonly reason?: string | undefined;
  readonly outcomes?: readonly GateOutcome[];
  readonly replaced?: boolean;
  /** Until when it has to be kept. */
  readonly retainUntilMs?: number | undefined;
}

type UploadEvent = Extract<AuditEventName, `upload.${string}`>;

const SUCCESSES: ReadonlySet<AuditEventName> = new Set(['upload.accepted', 'upload.published']);

/** The record of what became of an upload. */
export function uploadRecord(upload: Upload, event: UploadEvent, facts: RecordFacts = {}): AuditRecord {
  const { id, path: asked, bytes, sha256, startedMs, arrivedMs, verb, channels, encryptedTo, storedBytes } = upload;
  const { storedSha256, deliver, inbox, receipts } = upload;
  const isForOthers = event === 'upload.published' && deliver.length > 0;
  const { path = asked, reason, outcomes = [], replaced = false, retainUntilMs } = facts;
  const { end, data_tls, control_tls } = channels;
  return {
    event,
    result: SUCCESSES.has(event) ? 'success' : 'failure',
    who: upload.who,
    origin: upload.origin,
    object: {
      ...{ upload: id, path, asked: path === asked ? undefined : asked, bytes, sha256 },
      ...{ started: rfc3339(startedMs), arrived: rfc3339(arrivedMs), verb, end, data_tls, control_tls },
      gates: outcomes.length === 0 ? undefined : outcomes.map(outcomeWords),
      encrypted_to: encryptedTo.length === 0 ? undefined : encryptedTo,
      ...{ stored_bytes: storedBytes, stored_sha256: storedSha256 },
      replaced: replaced || undefined,
      retain_until: retainUntilMs === undefined ? undefined : rfc3339(retainUntilMs),
      receipts: receipts === 'operator' ? receipts : undefined,
      ...(isForOthers && { deliver, inbox }),
    },
    reason,
  };
}

/** Who gave an order, and what they said of it. */
export interface OperatorOrder {
  readonly operator: string;
  /** Why, in the operator's words. */
  readonly reason?: string | undefined;
  /** The way by which the order came. */
  readonly through?: string | undefined;
}

/** The record of what an operator did with an upload that was held back. */
export function quarantineRecord(
  upload: Upload,
  event: Extract<AuditEventName, `quarantine.${string}`>,
  order: OperatorOrder,
): AuditRecord {
  const { id, path, account, bytes, sha256 } = upload;
  return {
    ...{ event, result: 'success', who: { operator: order.operator }, origin: { program: 'cli' } },
    object: { upload: id, path, account, bytes, sha256, through: order.through },
    reason: order.reason,
  };
}

/** What a gate said, as records, logs and notes have it. */
export function outcomeWords({ gate, verdict, detail, durationMs }: GateOutcome): {
  readonly [key: string]: AuditValue;
} {
  return { gate, verdict, detail, ms: Math.round(durationMs) };
}

function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
