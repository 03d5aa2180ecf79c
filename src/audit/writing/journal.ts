/**
 * The journal's format: groups of records, each with the checkpoint that was signed over them and a digest, so that a
 * group that was cut short is told from one that was altered.
 */
import { createHash, hash } from 'node:crypto';
import { LogDamaged } from '../damage.ts';
import { ENTRY_BYTES_MAX } from '../tree/tiles.ts';

/** The journal's name in the log's directory. */
export const JOURNAL = 'journal';

const MAGIC = Buffer.from('SPaudit1');
/** Magic, index of the first record (u64), count (u32), bytes of the records (u32). */
const HEAD_BYTES = 24;
/** In front of each record: the beginning of its leaf hash, which finds the one that was altered, and its length (u16). */
const MARK_BYTES = 8;
const RECORD_HEAD_BYTES = MARK_BYTES + 2;
const DIGEST_BYTES = 32;
const NOTE_BYTES_MAX = 1_000_000;

/** A group of records that came to last together. */
export interface JournalGroup {
  readonly first: number;
  readonly entries: readonly Buffer[];
  /** The checkpoint over the log up to the last of them. */
  readonly note: string;
}

/** What a journal holds. */
export interface JournalContent {
  readonly groups: readonly JournalGroup[];
  /** Bytes at the end that are the beginning of a group. */
  readonly tornBytes: number;
  /** What is wrong with the torn group, for the case that it should have been whole. */
  readonly torn: { readonly index: number; readonly why: string } | undefined;
}

/** A group up to where its checkpoint goes. */
export function groupBody(first: number, entries: readonly Buffer[], leaves: readonly Buffer[]): Buffer {
  const parts = entries.flatMap((entry, i) => {
    const head = Buffer.alloc(RECORD_HEAD_BYTES);
    leaves[i]?.copy(head, 0, 0, MARK_BYTES);
    head.writeUInt16BE(entry.length, MARK_BYTES);
    return [head, entry];
  });
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeBigUInt64BE(BigInt(first), 8);
  head.writeUInt32BE(entries.length, 16);
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    20,
  );
  return Buffer.concat([head, ...parts]);
}

/** The rest of a group: its checkpoint, and the digest over all of it. */
export function groupSeal(body: Buffer, note: string): Buffer {
  const text = Buffer.from(note);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, createHash('sha256').update(body).update(length).update(text).digest()]);
}

/**
 * Reads a journal. Its first group was in place, synced, before the file had its name, and a group is written only when
 * the one before it lasts: anything else than a torn end is damage. @throws LogDamaged
 */
export function readJournal(bytes: Buffer): JournalContent {
  const groups: JournalGroup[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const whole = groupAt(bytes, offset);
    if (whole === undefined) break;
    groups.push(whole.group);
    offset = whole.end;
  }
  if (offset === bytes.length && groups.length > 0) return { groups, tornBytes: 0, torn: undefined };
  const last = groups.at(-1);
  const torn = faultAt(bytes, offset, last === undefined ? undefined : last.first + last.entries.length);
  if (last === undefined || hasGroupBehind(bytes, offset)) throw new LogDamaged({ file: JOURNAL, ...torn });
  return { groups, tornBytes: bytes.length - offset, torn };
}

function groupAt(bytes: Buffer, offset: number): { readonly group: JournalGroup; readonly end: number } | undefined {
  const head = headAt(bytes, offset);
  if (head === undefined) return undefined;
  const noteAt = offset + HEAD_BYTES + head.bytes;
  if (noteAt + 4 > bytes.length) return undefined;
  const noteBytes = bytes.readUInt32BE(noteAt);
  const digestAt = noteAt + 4 + noteBytes;
  if (noteBytes > NOTE_BYTES_MAX || digestAt + DIGEST_BYTES > bytes.length) return undefined;
  const end = digestAt + DIGEST_BYTES;
  const digest = hash('sha256', bytes.subarray(offset, digestAt), 'buffer');
  if (!digest.equals(bytes.subarray(digestAt, end))) return undefined;
  const entries = recordsIn(bytes.subarray(offset + HEAD_BYTES, noteAt)).map(({ entry }) => entry);
  if (entries.length !== head.count) return undefined;
  const note = bytes.subarray(noteAt + 4, digestAt).toString('utf8');
  return { group: { first: head.first, entries, note }, end };
}

function headAt(bytes: Buffer, offset: number) {
  if (offset + HEAD_BYTES > bytes.length || !bytes.subarray(offset, offset + MAGIC.length).equals(MAGIC))
    return undefined;
  const first = Number(bytes.readBigUInt64BE(offset + 8));
  return { first, count: bytes.readUInt32BE(offset + 16), bytes: bytes.readUInt32BE(offset + 20) };
}

/** The records of a group, up to where they cannot be read. */
function recordsIn(bytes: Buffer): { readonly mark: Buffer; readonly entry: Buffer }[] {
  const records: { mark: Buffer; entry: Buffer }[] = [];
  let offset = 0;
  while (offset + RECORD_HEAD_BYTES <= bytes.length) {
    const end = offset + RECORD_HEAD_BYTES + bytes.readUInt16BE(offset + MARK_BYTES);
    if (end > bytes.length || end - offset - RECORD_HEAD_BYTES > ENTRY_BYTES_MAX) break;
    records.push({
      mark: bytes.subarray(offset, offset + MARK_BYTES),
      entry: bytes.subarray(offset + RECORD_HEAD_BYTES, end),
    });
    offset = end;
  }
  return records;
}

/** The first record of a group that is not whole that has other bytes than it had. */
function faultAt(
  bytes: Buffer,
  offset: number,
  next: number | undefined,
): { readonly index: number; readonly why: string } {
  if (bytes.length === 0) return { index: next ?? 0, why: 'it is empty' };
  const head = headAt(bytes, offset);
  const first = next ?? head?.first ?? 0;
  if (head === undefined || head.first !== first)
    return { index: first, why: 'a group of records has no proper beginning' };
  const end = Math.min(offset + HEAD_BYTES + head.bytes, bytes.length);
  const records = recordsIn(bytes.subarray(offset + HEAD_BYTES, end)).slice(0, head.count);
  const bad = records.findIndex(({ mark, entry }) => !leafMark(entry).equals(mark));
  if (bad >= 0) return { index: first + bad, why: 'the record does not have the hash that stands before it' };
  if (records.length < head.count) return { index: first + records.length, why: 'the record is cut short' };
  return { index: first, why: 'the group that begins with this record does not have the digest that stands behind it' };
}

function leafMark(entry: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(0), entry]), 'buffer').subarray(0, MARK_BYTES);
}

function hasGroupBehind(bytes: Buffer, offset: number): boolean {
  for (let at = bytes.indexOf(MAGIC, offset + 1); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    if (groupAt(bytes, at) !== undefined) return true;
  }
  return false;
}
