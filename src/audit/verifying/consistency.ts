/** Shows from a log's directory that a newer checkpoint goes on where an older one ended. */
import { openCheckpoint } from '../notes/checkpoint.ts';
import { NoteRefused } from '../notes/signed-note.ts';
import { isConsistent, type TreeHead } from '../tree/merkle.ts';
import { type AuditIo, Disk, nodeIo } from '../writing/disk.ts';
import { loadLog } from '../writing/load-log.ts';

/** What came of comparing two checkpoints. */
export interface ConsistencyVerdict {
  readonly consistent: boolean;
  /** Why they are not; undefined when they are. */
  readonly why: string | undefined;
  readonly older: TreeHead;
  readonly newer: TreeHead;
  /** The proof of RFC 6962 section 2.1.2, with which anybody can verify it without the log. */
  readonly proof: readonly Buffer[];
}

/**
 * Compares two checkpoints of the log in a directory. Keys are vkeys, or public keys as PEM.
 *
 * @throws NoteRefused when one of them is not a checkpoint under the keys, when they are of different logs, or when the
 *   directory holds no log; LogDamaged when its end contradicts itself.
 */
export async function consistency(
  directory: string,
  oldNote: string,
  newNote: string,
  { keys, io = nodeIo }: { readonly keys: readonly string[]; readonly io?: AuditIo | undefined },
): Promise<ConsistencyVerdict> {
  const [older, newer] = [openCheckpoint(oldNote, keys), openCheckpoint(newNote, keys)];
  if (older.origin !== newer.origin) throw new NoteRefused('the two checkpoints are of different logs');
  const heads = { older: { size: older.size, root: older.root }, newer: { size: newer.size, root: newer.root } };
  const inconsistent = (why: string) => ({ consistent: false, why, proof: [], ...heads });
  if (older.size > newer.size)
    return inconsistent(`the older one has ${older.size} records, the newer one ${newer.size}`);
  const loaded = await loadLog(new Disk(directory, io), keys);
  if (loaded === undefined) throw new NoteRefused(`there is no audit log in ${directory}`);
  const { size, hashes } = loaded.tail;
  if (newer.size > size) return inconsistent(`the log has ${size} records, the newer checkpoint ${newer.size}`);
  const proof = await hashes.consistency(older.size, newer.size);
  if (isConsistent(older, newer, proof)) return { consistent: true, why: undefined, proof, ...heads };
  const olderIsOurs = older.root.equals(await hashes.rootAt(older.size));
  return inconsistent(`the ${olderIsOurs ? 'newer' : 'older'} checkpoint is not of the records that this log holds`);
}
