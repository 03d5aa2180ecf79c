/** What the audit log says of published files that are to be handed on, and what is written into it of their delivery. */
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import type { AuditEventName, AuditRecord, LoggedRecord } from '../spi/audit.ts';

/** A published file, as its record has it. */
export interface Published {
  /** The place of its record in the log. */
  readonly index: number;
  readonly upload: string;
  readonly account: string;
  readonly path: VirtualPath;
  /** The directory at which its intake is set: files of one inbox are handed on in their order. */
  readonly inbox: string;
  /** Size and SHA-256 of what was sent. */
  readonly bytes: number;
  readonly sha256: string;
  /** Size and SHA-256 of what lies in storage: other than what was sent when it was encrypted. */
  readonly storedBytes: number;
  readonly storedSha256: string;
  /** When it was recorded: milliseconds since 1970 (UTC). */
  readonly timeMs: number;
  /** The deliveries that it is for. */
  readonly deliver: readonly string[];
}

/** What a receiver tells repeats by, and an operator a file that was not handed on. */
export function keyOf(upload: string, delivery: string): string {
  return `${upload}.${delivery}`;
}

/** What a record means for deliveries. */
export type Saying =
  | { readonly said: 'published'; readonly published: Published }
  /** The upload was taken back, behind a record that says it was published. */
  | { readonly said: 'taken back'; readonly upload: string };

/** Events behind which an upload that was recorded as published is none. */
const TAKEN_BACK: ReadonlySet<string> = new Set<AuditEventName>([
  'upload.refused',
  'upload.undone',
  'upload.incomplete',
  'upload.quarantined',
  'quarantine.destroyed',
]);

/** Names files and folders, so that it must be nothing else than a name. */
const UPLOAD = /^[A-Za-z0-9_-]{1,64}$/;

/** Reads a record; undefined for every one that is of no concern. */
export function sayingOf({ index, entry }: LoggedRecord): Saying | undefined {
  const text = entry.toString('utf8');
  // Most records are about something else, and are not taken apart.
  if (!text.includes('"upload":')) return undefined;
  const record = parsed(text);
  const event = member(record, 'event');
  const object = member(record, 'object');
  const upload = member(object, 'upload');
  if (typeof event !== 'string' || typeof upload !== 'string' || !UPLOAD.test(upload)) return undefined;
  if (TAKEN_BACK.has(event)) return { said: 'taken back', upload };
  if (event !== 'upload.published') return undefined;
  const deliver = member(object, 'deliver');
  const names = Array.isArray(deliver) ? deliver.filter((name) => typeof name === 'string') : [];
  if (names.length === 0) return undefined;
  return publishedOf(record, { index, upload, deliver: names });
}

function publishedOf(
  record: unknown,
  known: Pick<Published, 'index' | 'upload' | 'deliver'>,
): { said: 'published'; published: Published } | undefined {
  const object = member(record, 'object');
  const [account, text] = [member(member(record, 'who'), 'account'), member(object, 'path')];
  const [bytes, sha256] = [member(object, 'bytes'), member(object, 'sha256')];
  const path = typeof text === 'string' ? resolvePath(ROOT, text) : undefined;
  const timeMs = Date.parse(String(member(record, 'time')));
  if (typeof account !== 'string' || path === undefined || Number.isNaN(timeMs)) return undefined;
  if (typeof bytes !== 'number' || typeof sha256 !== 'string') return undefined;
  const inbox = member(object, 'inbox');
  const [storedBytes, storedSha256] = [member(object, 'stored_bytes'), member(object, 'stored_sha256')];
  const published = {
    ...known,
    ...{ account, path, bytes, sha256, timeMs },
    inbox: typeof inbox === 'string' ? inbox : ROOT,
    storedBytes: typeof storedBytes === 'number' ? storedBytes : bytes,
    storedSha256: typeof storedSha256 === 'string' ? storedSha256 : sha256,
  };
  return { said: 'published', published };
}

/** What a delivery came to, in the words of its record. */
export interface DeliveryFacts {
  readonly delivery: string;
  readonly kind: string;
  readonly key: string;
  readonly attempts: number;
  readonly published: Pick<Published, 'upload' | 'account' | 'path' | 'bytes' | 'sha256' | 'index'>;
}

/** The record of a delivery; without a reason it was made. */
export function deliveryRecord(facts: DeliveryFacts, reason?: string): AuditRecord {
  const event = reason === undefined ? 'delivery.made' : 'delivery.failed';
  return {
    ...{ event, result: reason === undefined ? 'success' : 'failure', who: {}, origin: { program: 'gateway' } },
    ...{ object: objectOf(facts), reason },
  };
}

/** What an operator said of an order, and the way by which it came. */
export interface OperatorSaid {
  readonly reason?: string | undefined;
  readonly through?: string | undefined;
}

/** The record of what an operator did with a dead letter. */
export function operatorRecord(
  facts: DeliveryFacts,
  event: 'delivery.retried' | 'delivery.discarded',
  { operator, through, reason }: OperatorSaid & { readonly operator: string },
): AuditRecord {
  const object = { ...objectOf(facts), through };
  return { event, result: 'success', who: { operator }, origin: { program: 'cli' }, object, reason };
}

function objectOf({ delivery, kind, key, attempts, published }: DeliveryFacts): AuditRecord['object'] {
  const { upload, account, path, bytes, sha256, index } = published;
  return { delivery, kind, key, upload, account, path, bytes, sha256, record: index, attempts };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no record, and keeps nobody from reading on.
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
