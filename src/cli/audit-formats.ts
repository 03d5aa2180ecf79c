/** The forms in which records leave the log for other programs: one record a line in each of them. */
import { printable } from '../lib/printable.ts';
import { type PickedRecord, textAt } from './audit-records.ts';
import { jsonLine } from './audit-show.ts';
import { memberOf } from './receipt-text.ts';

/** A form: what stands in front of the records, and the line of each, with its end. */
export interface ExportFormat {
  readonly head: string;
  line(record: PickedRecord): string;
}

/** What syslog needs beside the records. */
export interface SyslogOptions {
  /** Who the records are of: the log's name. */
  readonly origin: string;
  /** The private enterprise number behind the name of the structured data (RFC 5424 section 7.2.2). */
  readonly enterprise: number;
}

/** JSON lines: the record byte by byte, with its place in front of its first member. */
export const JSON_LINES: ExportFormat = { head: '', line: (record) => `${jsonLine(record)}\n` };

/** The columns behind `index`, with where each is in a record. */
const COLUMNS: readonly (readonly [string, ...string[]])[] = [
  ['time'],
  ['event'],
  ['result'],
  ['account', 'who', 'account'],
  ['certificate', 'who', 'certificate'],
  ['operator', 'who', 'operator'],
  ['address', 'origin', 'address'],
  ['port', 'origin', 'port'],
  ['session', 'origin', 'session'],
  ['host', 'origin', 'host'],
  ['client', 'origin', 'client'],
  ['program', 'origin', 'program'],
  ['path', 'object', 'path'],
  ['object'],
  ['reason'],
];

/** What a spreadsheet takes for the beginning of a formula, the full-width forms included; spaces in front are passed over. */
const FORMULA = /^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/;

/** CSV of RFC 4180 with a header, in which no cell is a formula to a spreadsheet. */
export const CSV: ExportFormat = {
  head: `${['index', ...COLUMNS.map(([name]) => name)].map(cell).join(',')}\r\n`,
  line({ index, record }) {
    const values = COLUMNS.map(([name, ...at]) => {
      const value = name === 'object' ? memberOf(record, 'object') : undefined;
      return value === undefined ? (textAt(record, ...(at.length === 0 ? [name] : at)) ?? '') : JSON.stringify(value);
    });
    return `${[String(index), ...values].map(cell).join(',')}\r\n`;
  },
};

function cell(text: string): string {
  // Control characters first: a tab or a line's end in front of a formula hides it.
  const safe = printable(text);
  return `"${(FORMULA.test(safe) ? `'${safe}` : safe).replaceAll('"', '""')}"`;
}

/** Facility 13, the log audit, with the severities informational and warning (RFC 5424 section 6.2.1). */
const PRIORITY_SUCCESS = 13 * 8 + 6;
const PRIORITY_FAILURE = 13 * 8 + 4;

const HOSTNAME_MAX = 255;
const MSGID_MAX = 32;

/** The parameters of the structured data, with where each is in a record. */
const PARAMETERS: readonly (readonly [string, ...string[]])[] = COLUMNS.filter(
  ([name]) => name !== 'time' && name !== 'event' && name !== 'object',
);

/** Syslog of RFC 5424. The message is the record as JSON in ASCII, so that no reader has to guess its charset. */
export function syslog({ origin, enterprise }: SyslogOptions): ExportFormat {
  const host = headerText(origin.split('/')[0] ?? '', HOSTNAME_MAX);
  return {
    head: '',
    line({ index, text, record }) {
      const priority = textAt(record, 'result') === 'failure' ? PRIORITY_FAILURE : PRIORITY_SUCCESS;
      const event = headerText(textAt(record, 'event') ?? '', MSGID_MAX);
      const parameters = PARAMETERS.flatMap(([name, ...at]) => {
        const value = textAt(record, ...(at.length === 0 ? [name] : at));
        return value === undefined ? [] : [` ${name}="${parameterText(value)}"`];
      }).join('');
      const data = `[sallyport@${enterprise} index="${index}"${parameters}]`;
      return `<${priority}>1 ${timeOf(record)} ${host} sallyport - ${event} ${data} ${ascii(text)}\n`;
    },
  };
}

/** Printable US-ASCII without spaces, or the nil value. */
function headerText(text: string, max: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, max) || '-';
}

/** RFC 5424 section 6.3.3: these three are escaped, and nothing else. */
function parameterText(text: string): string {
  return printable(text).replace(/["\\\]]/g, '\\$&');
}

/** A record that has no time of that form has the nil value. */
function timeOf(record: unknown): string {
  const time = textAt(record, 'time') ?? '';
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time) ? time : '-';
}

/** JSON says the same with every other character escaped. */
function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
