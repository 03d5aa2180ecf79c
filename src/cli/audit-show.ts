/** `sallyport audit show`: records as lines that people read, one by one as they are found. */
import { printable } from '../lib/printable.ts';
import { type PlaceFlags, requireLog } from './audit-place.ts';
import { type PickedRecord, pickedRecords, textAt } from './audit-records.ts';
import { printed } from './printed.ts';
import { memberOf } from './receipt-text.ts';
import type { Terminal } from './terminal.ts';

/** What `show` was told. */
export interface ShowFlags extends PlaceFlags {
  readonly user?: string;
  readonly event?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly path?: string;
  readonly session?: string;
  readonly result?: string;
  readonly limit?: number;
  readonly json?: true;
}

/** Prints the records that the flags ask for. @throws CommandFailure. */
export async function show(flags: ShowFlags, terminal: Terminal): Promise<void> {
  const { user, event: events, since: sinceMs, until: untilMs, path, session, result, limit, json } = flags;
  const { directory } = await requireLog(flags, terminal);
  const records = pickedRecords(directory, { user, events, sinceMs, untilMs, path, session, result });
  const shown = limit === undefined ? records : newest(records, limit);
  await printed(lines(shown, json === true ? jsonLine : recordLine), terminal);
}

async function* lines(
  records: AsyncIterable<PickedRecord>,
  lineOf: (picked: PickedRecord) => string,
): AsyncGenerator<string> {
  for await (const record of records) yield `${lineOf(record)}\n`;
}

/** The last of them, in their order. */
async function* newest(records: AsyncIterable<PickedRecord>, count: number): AsyncGenerator<PickedRecord> {
  let kept: PickedRecord[] = [];
  try {
    for await (const record of records) {
      kept.push(record);
      if (kept.length >= count * 2) kept = kept.slice(-count);
    }
  } catch (error) {
    // Also in front of the damage that ends them.
    yield* kept.slice(-count);
    throw error;
  }
  yield* kept.slice(-count);
}

/** The record, its place in front. */
export function jsonLine({ index, text }: Pick<PickedRecord, 'index' | 'text'>): string {
  return text.startsWith('{"') ? `{"index":${index},${text.slice(1)}` : JSON.stringify({ index, text });
}

const INDEX_WIDTH = 7;
/** The longest name of an event. */
const EVENT_WIDTH = 20;
const RESULT_WIDTH = 7;

function recordLine({ index, record, text }: PickedRecord): string {
  const event = textAt(record, 'event');
  if (event === undefined) return `${String(index).padStart(INDEX_WIDTH)}  NO RECORD  ${printable(text.slice(0, 200))}`;
  const reason = textAt(record, 'reason');
  return [
    String(index).padStart(INDEX_WIDTH),
    column(textAt(record, 'time') ?? '-', 24),
    column(event, EVENT_WIDTH),
    column(textAt(record, 'result') ?? '-', RESULT_WIDTH),
    whoText(record),
    fromText(record),
    ...whatText(memberOf(record, 'object')),
    ...(reason === undefined ? [] : [`(${printable(reason)})`]),
  ].join('  ');
}

function whoText(record: unknown): string {
  const operator = textAt(record, 'who', 'operator');
  if (operator !== undefined) return `operator ${printable(operator)}`;
  return word(textAt(record, 'who', 'account') ?? '-');
}

function fromText(record: unknown): string {
  const address = textAt(record, 'origin', 'address');
  const port = textAt(record, 'origin', 'port');
  const session = textAt(record, 'origin', 'session');
  if (address === undefined) return word(textAt(record, 'origin', 'program') ?? '-');
  const host = address.includes(':') ? `[${address}]` : address;
  return word(`${host}${port === undefined ? '' : `:${port}`}${session === undefined ? '' : `/${session}`}`);
}

/** What is known of the object: paths first, then what is a word or a number; the rest is in the JSON. */
function whatText(object: unknown): readonly string[] {
  const [path, to] = [textAt(object, 'path'), textAt(object, 'to')];
  const moved = [path, to].filter((one) => one !== undefined).map(word);
  const others = Object.entries(typeof object === 'object' && object !== null ? object : {}).flatMap(
    ([name, value]) => {
      if (name === 'path' || name === 'to') return [];
      const isShown = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return isShown ? [`${printable(name)}=${word(String(value))}`] : [];
    },
  );
  const words = [...(moved.length === 0 ? [] : [moved.join(' -> ')]), ...others];
  return words.length === 0 ? [] : [words.join(' ')];
}

/** Text as one word that a terminal does not obey: in quotes where it is more than one, or could be mistaken for two. */
function word(text: string): string {
  const safe = printable(text);
  return /^[^\s"=]+$/.test(safe) ? safe : `"${safe.replaceAll('"', '\\"')}"`;
}

function column(text: string, width: number): string {
  return printable(text).padEnd(width);
}
