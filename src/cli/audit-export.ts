/** `sallyport audit export`: records for other programs, to standard output or into a file that is there whole or not at all. */
import { newestCheckpoint, originOf } from '../audit/verifying/read-log.ts';
import { errorCode } from '../lib/error-code.ts';
import { CSV, type ExportFormat, JSON_LINES, syslog } from './audit-formats.ts';
import { type LogPlace, type PlaceFlags, requireLog } from './audit-place.ts';
import { type PickedRecord, pickedRecords } from './audit-records.ts';
import { CommandFailure } from './command-failure.ts';
import { inPieces, printed } from './printed.ts';
import type { Terminal } from './terminal.ts';
import { writeWholeFile } from './whole-file.ts';

/** The names of the forms. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'syslog'] as const;

/** What `export` was told. */
export interface ExportFlags extends PlaceFlags {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly since?: number;
  readonly until?: number;
  readonly from?: number;
  readonly enterprise: number;
  readonly output?: string;
}

/** Writes the records of a range. @throws CommandFailure. */
export async function exportRecords(flags: ExportFlags, terminal: Terminal): Promise<void> {
  const place = await requireLog(flags, terminal);
  const format = await formatOf(flags, place);
  const { from: fromIndex, since: sinceMs, until: untilMs, output } = flags;
  const records = pickedRecords(place.directory, { fromIndex, sinceMs, untilMs });
  const texts = inPieces(formatted(records, format));
  if (output === undefined) {
    await printed(texts, terminal);
    return;
  }
  try {
    await writeWholeFile(output, texts, { mode: 0o600, existing: 'replace' });
  } catch (error) {
    if (error instanceof CommandFailure || errorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('failure', `${output} cannot be written: ${why}`, { cause: error });
  }
}

async function* formatted(records: AsyncIterable<PickedRecord>, format: ExportFormat): AsyncGenerator<string> {
  yield format.head;
  for await (const record of records) yield format.line(record);
}

async function formatOf({ format, enterprise }: ExportFlags, place: LogPlace): Promise<ExportFormat> {
  if (format === 'jsonl') return JSON_LINES;
  if (format === 'csv') return CSV;
  const checkpoint = await newestCheckpoint(place.directory).catch(() => undefined);
  return syslog({ origin: checkpoint === undefined ? (place.origin ?? '') : originOf(checkpoint), enterprise });
}
