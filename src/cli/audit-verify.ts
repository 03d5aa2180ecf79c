/** `sallyport audit verify` and `consistency`: whether the log is what was signed, offline. */

import { LogDamaged } from '../audit/damage.ts';
import { parseCheckpoint } from '../audit/notes/checkpoint.ts';
import { NoteRefused, parseNote, parseVkey } from '../audit/notes/signed-note.ts';
import { consistency } from '../audit/verifying/consistency.ts';
import { type LogVerdict, verifyLog } from '../audit/verifying/verify-log.ts';
import { type PlaceFlags, requireLog, type VerifyingKeys, verifyingKeys } from './audit-place.ts';
import { CommandFailure } from './command-failure.ts';
import { keysFrom, textOf } from './log-keys.ts';
import { line } from './receipt-text.ts';
import type { Terminal } from './terminal.ts';

/** What `verify` was told. */
export interface VerifyFlags extends PlaceFlags {
  readonly key?: readonly string[];
  readonly witness?: readonly string[];
  readonly since?: string;
  readonly json?: true;
}

/** Verifies a log and says what came of it. @throws CommandFailure when it is not sound, or for wrong use. */
export async function verify(flags: VerifyFlags, terminal: Terminal): Promise<void> {
  const { key = [], witness = [], since, json } = flags;
  const place = await requireLog(flags, terminal);
  const held = await verifyingKeys(key, place);
  const witnesses = (await Promise.all(witness.map(keysFrom))).flat();
  const older = since === undefined ? undefined : await checkpointText(since);
  const verdict = await verified(place.directory, { ...held, witnesses, older });
  const asked: Asked = {
    ...held,
    witnesses,
    older: older === undefined ? undefined : { file: since ?? '', size: sizeOf(older) },
  };
  const why = faultOf(verdict, asked);
  if (json) terminal.stdout.write(`${JSON.stringify(asJson(verdict, asked, why), null, 2)}\n`);
  else if (why === undefined) terminal.stdout.write(soundText(place.directory, verdict, asked));
  if (why !== undefined) throw new CommandFailure('failure', `${place.directory} is NOT sound: ${why}`);
}

interface Asked extends VerifyingKeys {
  readonly witnesses: readonly string[];
  readonly older: { readonly file: string; readonly size: number } | undefined;
}

async function verified(
  directory: string,
  { keys, witnesses, older }: { keys: readonly string[]; witnesses: readonly string[]; older: string | undefined },
): Promise<LogVerdict> {
  try {
    return await verifyLog(directory, { keys, witnesses, older: older === undefined ? [] : [older] });
  } catch (error) {
    // What the log itself has wrong is in the verdict: this is of the keys.
    if (error instanceof NoteRefused) throw new CommandFailure('wrongUse', `${error.message}.`, { cause: error });
    throw error;
  }
}

/** What is not as it should be; undefined when nothing is. */
function faultOf({ problem, cosigned }: LogVerdict, { witnesses }: Asked): string | undefined {
  if (problem !== undefined) {
    const { index, file, why } = problem;
    return `${index === undefined ? file : `record ${index} (${file})`}: ${why}`;
  }
  for (const wanted of witnesses) {
    const { name } = parseVkey(wanted);
    if (!cosigned?.cosigners.some((one) => one.name === name)) return `the witness ${name} has not vouched for it`;
  }
  return undefined;
}

function soundText(directory: string, verdict: LogVerdict, asked: Asked): string {
  const { origin, size, minimumIndex, publishedSize, cosigned } = verdict;
  const witnesses = (cosigned?.cosigners ?? []).map(({ name, seconds }) =>
    line('witness', [name, timeOf(seconds), `(${cosigned?.size} records)`].filter(Boolean).join(' ')),
  );
  return [
    `${directory}: sound\n`,
    line('log', origin ?? ''),
    line('records', minimumIndex === 0 ? String(size) : `${size}, of which ${minimumIndex} were dropped by retention`),
    line('published', publishedSize === undefined ? 'nothing yet' : `a checkpoint of ${publishedSize} records`),
    line('key', asked.beside === undefined ? 'as given' : `${asked.beside}, beside the log`),
    ...(asked.older === undefined
      ? []
      : [line('begins with', `the ${asked.older.size} records that ${asked.older.file} names`)]),
    ...witnesses,
    'Not checked:\n',
    ...notChecked(verdict, asked).map((text) => `  - ${text}\n`),
  ].join('');
}

/** What no verdict of ours covers, said so that nobody believes more. */
function notChecked({ minimumIndex, tornBytes }: LogVerdict, { beside, witnesses, older }: Asked): readonly string[] {
  const texts = [
    "whether what the records say is true: whoever holds the log's key can sign what is false",
    beside !== undefined &&
      'whether the key is the right one: it was taken from beside the log, where whoever can alter the log may also put ' +
        'another key. Keep the output of `sallyport audit key` elsewhere, and give it with --key',
    older === undefined &&
      'whether the log was cut at its end, or written anew under its key: keep checkpoints elsewhere (`sallyport audit ' +
        'checkpoint`), and give one with --since',
    witnesses.length === 0 && 'whether everybody is shown the same log: no --witness was asked for',
    minimumIndex > 0 && `the text of the first ${minimumIndex} records, which retention dropped; their hashes were`,
    tornBytes > 0 &&
      `${tornBytes} bytes at the end that belong to no record yet, as a gateway that writes or was cut short leaves them`,
  ];
  return texts.filter((text) => text !== false);
}

function asJson(verdict: LogVerdict, asked: Asked, why: string | undefined): object {
  const { problem, origin, size, minimumIndex, newest, publishedSize, cosigned, tornBytes } = verdict;
  const cosigners = cosigned?.cosigners.map(({ name, seconds }) => ({ name, time: timeOf(seconds) })) ?? [];
  return {
    sound: why === undefined,
    ...(why !== undefined && { why }),
    ...(problem !== undefined && { problem }),
    ...{ origin, size, minimumIndex, publishedSize, tornBytes, checkpoint: newest },
    key: asked.beside === undefined ? 'given' : 'beside the log',
    ...(asked.older !== undefined && { since: asked.older }),
    ...(cosigned !== undefined && { cosigned: { size: cosigned.size, witnesses: cosigners } }),
    notChecked: notChecked(verdict, asked),
  };
}

/** What `consistency` was told. */
export interface ConsistencyFlags extends PlaceFlags {
  readonly key?: readonly string[];
  readonly json?: true;
}

/** Says whether one checkpoint continues another. @throws CommandFailure when it does not, or for wrong use. */
export async function compareCheckpoints(
  files: { readonly older: string; readonly newer: string },
  flags: ConsistencyFlags,
  terminal: Terminal,
): Promise<void> {
  const place = await requireLog(flags, terminal);
  const { keys } = await verifyingKeys(flags.key ?? [], place);
  const [older, newer] = [await checkpointText(files.older), await checkpointText(files.newer)];
  const verdict = await compared(place.directory, { older, newer, keys });
  const { consistent, why, proof } = verdict;
  if (flags.json) {
    const heads = { older: headOf(verdict.older), newer: headOf(verdict.newer) };
    const hashes = proof.map((hash) => hash.toString('base64'));
    terminal.stdout.write(`${JSON.stringify({ consistent, why, ...heads, proof: hashes }, null, 2)}\n`);
  }
  if (!consistent) throw new CommandFailure('failure', `NOT consistent: ${why}`);
  if (flags.json) return;
  terminal.stdout.write(
    `consistent: the ${verdict.older.size} records of ${files.older} are the beginning of the ${verdict.newer.size} of ${files.newer}\n`,
  );
}

async function compared(
  directory: string,
  { older, newer, keys }: { readonly older: string; readonly newer: string; readonly keys: readonly string[] },
) {
  try {
    return await consistency(directory, older, newer, { keys });
  } catch (error) {
    if (!(error instanceof NoteRefused || error instanceof LogDamaged)) throw error;
    throw new CommandFailure('failure', `NOT consistent: ${error.message}`, { cause: error });
  }
}

function headOf({ size, root }: { readonly size: number; readonly root: Buffer }): object {
  return { size, root: root.toString('base64') };
}

/** The text of a file with a checkpoint. @throws CommandFailure (wrong use) when it is none. */
async function checkpointText(file: string): Promise<string> {
  const text = await textOf(file);
  try {
    sizeOf(text);
    return text;
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error;
    throw new CommandFailure('wrongUse', `${file} is no checkpoint: ${error.message}.`, { cause: error });
  }
}

function sizeOf(checkpoint: string): number {
  return parseCheckpoint(parseNote(checkpoint).text).size;
}

function timeOf(seconds: bigint | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1_000).toISOString();
}
