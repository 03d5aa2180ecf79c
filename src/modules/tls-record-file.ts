/** The file that keeps the record of TLS over restarts: read once, written whole, never a reason not to start. */
import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hasCode } from '../lib/error-code.ts';
import { type TlsRecordData, tlsRecordData } from './tls-record.ts';

/** Twice what the fullest record needs; a file that is larger is none of ours. */
const FILE_BYTES_MAX = 268_435_456;

/** What reading came to: the record, none yet, or a file that is no record. */
export type RecordRead =
  | { readonly kind: 'record'; readonly data: TlsRecordData }
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly why: string };

/** Reads a record. @throws the system's error when there is a file that cannot be read. */
export async function readRecord(path: string): Promise<RecordRead> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) return { kind: 'broken', why: `it has ${size} bytes` };
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'absent' };
    throw error;
  }
  try {
    const parsed = tlsRecordData.safeParse(JSON.parse(text));
    if (parsed.success) return { kind: 'record', data: parsed.data };
    const issue = parsed.error.issues[0];
    return { kind: 'broken', why: `${issue?.path.join('.')}: ${issue?.message}` };
  } catch (error) {
    return { kind: 'broken', why: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Writes a record beside its place, with mode 0600, and moves it there in one step. It is not synced: after a power cut
 * the file may be an earlier one, which costs some counts and nothing else.
 *
 * @throws the system's error; the file is then as it was.
 */
export async function writeRecord(path: string, lines: Iterable<string>): Promise<void> {
  // A link stays one, wherever it leads.
  const target = await realpath(path).catch(() => path);
  const draft = `${target}.tmp`;
  try {
    // What a crash left behind. Made anew, it cannot be somebody else's file.
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await writeFile(file, batches(lines));
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Puts a file that is no record out of the way. @returns where it is now. @throws the system's error. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.broken`;
  await rename(path, aside);
  return aside;
}

const BATCH_CHARACTERS = 65_536;

/** The same text in fewer pieces: each is a call of the system. */
function* batches(lines: Iterable<string>): Generator<string> {
  let batch = '';
  for (const line of lines) {
    batch += line;
    if (batch.length < BATCH_CHARACTERS) continue;
    yield batch;
    batch = '';
  }
  yield batch;
}
