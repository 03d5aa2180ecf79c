/**
 * The audit log on the disk: a Merkle tree of records in the format of C2SP tlog-tiles, with a journal in front of it.
 * Opening it repairs what a crash left, and refuses what a crash cannot have left.
 */
import { LogDamaged } from './damage.ts';
import { formatCheckpoint } from './notes/checkpoint.ts';
import { witnessKey } from './notes/cosignature.ts';
import { Cosigned } from './notes/cosigned.ts';
import { signNote } from './notes/log-key.ts';
import type { AuditLogParts, OpenAuditLog } from './open-log.ts';
import { Bundles } from './tree/bundles.ts';
import { EMPTY_ROOT } from './tree/merkle.ts';
import { TILE_WIDTH } from './tree/tiles.ts';
import { TreeEdge } from './tree/tree-edge.ts';
import { Disk, nodeIo } from './writing/disk.ts';
import { DiskLog } from './writing/disk-log.ts';
import { loadLog } from './writing/load-log.ts';
import { takeLock } from './writing/lock.ts';
import type { SignedTree } from './writing/log-writer.ts';
import { readRecord } from './writing/record-text.ts';
import { Tail } from './writing/tail.ts';

/**
 * Opens the log of a directory, which is made when it is missing, for the one writer that it may have.
 *
 * @throws LogLocked when another process has it open; LogDamaged when its files contradict each other or the key; a
 *   TypeError when the signer is not the origin's; whatever the file system throws.
 */
export async function openAuditLog(parts: AuditLogParts): Promise<OpenAuditLog> {
  const { directory, origin, signer, io = nodeIo } = parts;
  if (signer.name !== origin) throw new TypeError(`the log ${origin} cannot be signed by ${signer.name}`);
  const witnesses = (parts.witnesses ?? []).map(witnessKey);
  const disk = new Disk(directory, io);
  await disk.make();
  const lock = await takeLock(directory, io);
  try {
    await disk.clear();
    const { tail, newest, publishedSize } = await loadOrStart(disk, parts);
    const bundles = new Bundles(disk);
    await bundles.find(tail.start);
    const cosigned = new Cosigned({ disk, hashes: tail.hashes, vkey: signer.vkey, witnesses, clock: parts.clock });
    await cosigned.load(newest.size);
    const lastMs = await lastTime(tail, bundles);
    const log = new DiskLog({ ...parts, disk, lock, tail, newest, publishedSize, bundles, cosigned, lastMs });
    await log.begin();
    return log;
  } catch (error) {
    await lock.release().catch(() => undefined);
    throw error;
  }
}

async function loadOrStart(
  disk: Disk,
  { origin, signer, log }: AuditLogParts,
): Promise<{ readonly tail: Tail; readonly newest: SignedTree; readonly publishedSize: number | undefined }> {
  const loaded = await loadLog(disk, [signer.vkey]);
  if (loaded === undefined) {
    const note = signNote(formatCheckpoint({ origin, size: 0, root: EMPTY_ROOT }), signer);
    const newest = { size: 0, root: EMPTY_ROOT, note };
    return { tail: new Tail(0, new TreeEdge(), disk), newest, publishedSize: undefined };
  }
  const { tail, newest, published, tornBytes } = loaded;
  if (tornBytes > 0) log.warn('audit.tail_cut', { bytes: tornBytes, size: tail.size });
  // Its own signature alone: cosignatures are kept elsewhere.
  return { tail, newest, publishedSize: published?.size };
}

/** The time of the newest record; the beginning of time for an empty log. */
async function lastTime(tail: Tail, bundles: Bundles): Promise<number> {
  if (tail.size === 0) return 0;
  const last = tail.entry(tail.size - 1) ?? (await bundles.read(tail.start / TILE_WIDTH - 1)).at(-1);
  const record = last && readRecord(last);
  if (record !== undefined) return record.timeMs;
  throw new LogDamaged({ index: tail.size - 1, file: 'journal', why: 'the last record has no time' });
}
