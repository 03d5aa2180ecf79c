/** A record as JSON: the exact bytes that are hashed, signed and shown. */
import type { AuditRecord } from '../../spi/audit.ts';

/**
 * What JSON leaves as it is and a terminal might obey or a reader misread: DEL and C1 controls, line separators, and
 * signs that turn the direction of text around. File names come from clients.
 */
const TREACHEROUS = /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * The bytes of a record. Members stand in the order of the contract, whatever the order they were given in. @throws
 * TypeError for what JSON cannot write.
 */
export function recordText(record: AuditRecord, timeMs: number): Buffer {
  const { event, result, object, reason } = record;
  const { account, certificate, operator } = record.who;
  const { address, port, session, host, client, program } = record.origin;
  const json = JSON.stringify({
    time: new Date(timeMs).toISOString(),
    event,
    result,
    who: { account, certificate, operator },
    origin: { address, port, session, host, client, program },
    object,
    reason,
  });
  return Buffer.from(json.replace(TREACHEROUS, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** What a record says of itself; undefined when the bytes are no record. */
export interface ReadRecord {
  readonly timeMs: number;
  readonly event: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** Reads what the log itself needs of a record; undefined when the bytes are none. */
export function readRecord(entry: Buffer): ReadRecord | undefined {
  const record = parsed(entry);
  if (record === undefined) return undefined;
  const { time, event, object } = record;
  if (typeof time !== 'string' || typeof event !== 'string') return undefined;
  const timeMs = Date.parse(time);
  if (Number.isNaN(timeMs) || new Date(timeMs).toISOString() !== time) return undefined;
  return { timeMs, event, object: isObject(object) ? object : {} };
}

function parsed(entry: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(entry.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    // What is no JSON is no record; who asks says so.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
