/** Records of the audit log as commands pick them out: by who, what, when and where. */
import { InvalidArgumentError } from 'commander';
import { globMatches, globMistake } from '../access/path-glob.ts';
import { LogDamaged } from '../audit/damage.ts';
import { readLog } from '../audit/verifying/read-log.ts';
import { ROOT, resolvePath } from '../protocol/virtual-path.ts';
import { AUDIT_EVENTS } from '../spi/audit.ts';
import { CommandFailure } from './command-failure.ts';
import { memberOf } from './receipt-text.ts';

/** A record as it was read; what is in it was chosen by others, and is looked at member by member. */
export interface PickedRecord {
  readonly index: number;
  /** Its exact bytes, as text. */
  readonly text: string;
  readonly record: unknown;
}

/** Which records are wanted. What is undefined is no condition. */
export interface RecordFilter {
  readonly fromIndex?: number | undefined;
  /** Milliseconds since 1970 (UTC), inclusive. */
  readonly sinceMs?: number | undefined;
  /** The same, exclusive. */
  readonly untilMs?: number | undefined;
  /** The account, or the operator. */
  readonly user?: string | undefined;
  /** One of these; a name that ends with `.` stands for all that begin with it. */
  readonly events?: readonly string[] | undefined;
  /** A pattern of rules: of the path, or of where it went. */
  readonly path?: string | undefined;
  readonly session?: string | undefined;
  readonly result?: string | undefined;
}

/**
 * The records that a filter lets pass, in their order. @throws CommandFailure where the log is damaged, behind what could be
 * read before.
 */
export async function* pickedRecords(directory: string, filter: RecordFilter): AsyncGenerator<PickedRecord> {
  const { fromIndex = 0, sinceMs, untilMs } = filter;
  try {
    for await (const { index, entry } of readLog(directory, { index: fromIndex, sinceMs })) {
      const text = entry.toString('utf8');
      const record = parsed(text);
      const timeMs = Date.parse(textOr(record, 'time', ''));
      // Times never go back: whatever follows is later still.
      if (untilMs !== undefined && timeMs >= untilMs) return;
      if (sinceMs !== undefined && timeMs < sinceMs) continue;
      if (index >= fromIndex && matches(record, filter)) yield { index, text, record };
    }
  } catch (error) {
    if (!(error instanceof LogDamaged)) throw error;
    const advice = '`sallyport audit verify` says more';
    throw new CommandFailure('failure', `${error.message}; ${advice}.`, { cause: error });
  }
}

/** A member of a record, or of a member of it, as text; undefined when it is neither text nor a number. */
export function textAt(record: unknown, ...names: readonly string[]): string | undefined {
  const value = names.reduce(memberOf, record);
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : undefined;
}

function textOr(record: unknown, name: string, otherwise: string): string {
  return textAt(record, name) ?? otherwise;
}

function matches(record: unknown, { user, events, path, session, result }: RecordFilter): boolean {
  const who = [textAt(record, 'who', 'account'), textAt(record, 'who', 'operator')];
  if (user !== undefined && !who.includes(user)) return false;
  if (events !== undefined && !events.some((event) => isEvent(event, textOr(record, 'event', '')))) return false;
  if (session !== undefined && textAt(record, 'origin', 'session') !== session) return false;
  if (result !== undefined && textAt(record, 'result') !== result) return false;
  if (path === undefined) return true;
  return ['path', 'to', 'asked'].some((name) => isPath(path, textAt(record, 'object', name)));
}

function isEvent(wanted: string, event: string): boolean {
  return wanted.endsWith('.') ? event.startsWith(wanted) : event === wanted;
}

function isPath(pattern: string, text: string | undefined): boolean {
  const path = text === undefined ? undefined : resolvePath(ROOT, text);
  return path !== undefined && globMatches(pattern, path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Shown for what it is; `audit verify` says what is wrong with it.
    return {};
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** RFC 3339, with a date alone taken for its beginning in UTC. */
const RFC_3339 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** A time as people write it: RFC 3339, a date, or how long ago (`2h`, `7d`). @throws InvalidArgumentError for anything else. */
export function timeArgument(nowMs: () => number): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^([0-9]{1,6})([smhdw])$/.exec(text) ?? [];
    if (count !== undefined) return nowMs() - Number(count) * (UNITS_MS[unit] ?? 0);
    const ms = RFC_3339.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
    if (Number.isNaN(ms)) {
      throw new InvalidArgumentError(
        "It must be a time as in 2026-03-01T12:00:00Z, a date, or how long ago: '2h', '7d'.",
      );
    }
    return ms;
  };
}

/** An event of the table, or a family of them. @throws InvalidArgumentError for anything else. */
export function eventArgument(text: string, before: readonly string[] = []): readonly string[] {
  const wanted = text.endsWith('.*') ? text.slice(0, -1) : text;
  if (!Object.keys(AUDIT_EVENTS).some((event) => isEvent(wanted, event))) {
    const families = new Set(Object.keys(AUDIT_EVENTS).map((event) => `${event.split('.')[0]}.*`));
    throw new InvalidArgumentError(`It is no event; there are ${[...families].join(', ')}.`);
  }
  return [...before, wanted];
}

/** A pattern of paths. @throws InvalidArgumentError for what is none. */
export function pathArgument(text: string): string {
  const mistake = globMistake(text);
  if (mistake !== undefined) throw new InvalidArgumentError(`It ${mistake}.`);
  return text;
}

/** A number of records. @throws InvalidArgumentError below `min`, and above a billion. */
export function countArgument(min: number): (text: string) => number {
  return (text) => {
    const count = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(count >= min && count <= 1_000_000_000)) throw new InvalidArgumentError(`It must be ${min} to 1000000000.`);
    return count;
  };
}
