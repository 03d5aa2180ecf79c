/** What a receipt says, for people. Everything in it was chosen by somebody else, so it is escaped. */
import { printable } from '../lib/printable.ts';

/** A record, taken out of a receipt. */
export type ReceiptRecord = Readonly<Record<string, unknown>>;

/** One line for each thing that the record knows, the name of the thing in front. */
export function recordText(record: ReceiptRecord): string {
  const object = memberOf(record, 'object');
  const who = memberOf(record, 'who');
  const origin = memberOf(record, 'origin');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['account', text(who, 'account')],
    ['certificate', text(who, 'certificate')],
    ['path', text(object, 'path')],
    ['sent as', text(object, 'asked')],
    ['bytes', text(object, 'bytes')],
    ['SHA-256', text(object, 'sha256')],
    ['begun', text(object, 'started')],
    ['arrived', text(object, 'arrived')],
    ['recorded', text(record, 'time')],
    ['command', text(object, 'verb')],
    ['from', joined(' port ', text(origin, 'address'), text(origin, 'port'))],
    ['host', text(origin, 'host')],
    ['control TLS', tlsText(object, 'control_tls')],
    ['data TLS', tlsText(object, 'data_tls')],
    ['end of data', endText(text(object, 'end'))],
    ['gates', gatesText(object)],
    ['encrypted to', listOf(object, 'encrypted_to')?.map(String).join(', ')],
    ['replaced', text(object, 'replaced') && 'another file of that name'],
    ['upload', text(object, 'upload')],
  ];
  return rows.map(([name, value]) => (value === undefined ? '' : line(name, value))).join('');
}

/** One of the lines. */
export function line(name: string, value: string): string {
  return `  ${name.padEnd(13)} ${printable(value)}\n`;
}

/** A member of what may be anything. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function text(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === 'string' || typeof member === 'number' || member === true ? `${member}` : undefined;
}

function listOf(value: unknown, name: string): readonly unknown[] | undefined {
  const member = memberOf(value, name);
  return Array.isArray(member) ? member : undefined;
}

function joined(between: string, ...parts: readonly (string | undefined)[]): string | undefined {
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? undefined : known.join(between);
}

function tlsText(object: unknown, name: string): string | undefined {
  const tls = memberOf(object, name);
  if (tls === undefined) return undefined;
  const resumed = memberOf(tls, 'resumed') === true ? 'resumed' : undefined;
  return joined(', ', text(tls, 'version'), text(tls, 'suite'), text(tls, 'group'), resumed);
}

function endText(end: string | undefined): string | undefined {
  if (end === 'authenticated') return 'authenticated by close_notify';
  return end === 'unauthenticated' ? 'NOT authenticated: no close_notify' : end;
}

function gatesText(object: unknown): string | undefined {
  const outcomes = listOf(object, 'gates')?.map((outcome) => {
    const detail = text(outcome, 'detail');
    const verdict = `${text(outcome, 'gate') ?? '?'}: ${text(outcome, 'verdict') ?? '?'}`;
    return detail === undefined ? verdict : `${verdict} (${detail})`;
  });
  return outcomes === undefined || outcomes.length === 0 ? undefined : outcomes.join(', ');
}
