/** A receipt made from a log's files, beside its gateway or without one: with the words of witnesses that came since. */

import { LogDamaged } from '../damage.ts';
import { COSIGNED } from '../notes/cosigned.ts';
import { formatNote } from '../notes/signed-note.ts';
import { Bundles } from '../tree/bundles.ts';
import { leafHash, rootOfInclusion } from '../tree/merkle.ts';
import { type AuditIo, Disk, nodeIo } from '../writing/disk.ts';
import { loadLog, readCheckpoint } from '../writing/load-log.ts';
import { LogReader } from '../writing/log-reader.ts';
import { formatReceipt } from './receipt.ts';

/**
 * The receipt of a record: over the checkpoint that witnesses have cosigned where that has the record, else over the newest.
 * Keys are vkeys, or public keys as PEM.
 *
 * @throws RangeError for a record that is not there, or was dropped by retention; LogDamaged when it would not verify.
 */
export async function receiptFromLog(
  directory: string,
  index: number,
  { keys, io = nodeIo }: { readonly keys: readonly string[]; readonly io?: AuditIo | undefined },
): Promise<string> {
  const disk = new Disk(directory, io);
  const loaded = await loadLog(disk, keys);
  if (loaded === undefined || index >= loaded.newest.size) throw new RangeError(`the audit log has no record ${index}`);
  const { tail, newest } = loaded;
  const cosigned = await readCheckpoint(disk, COSIGNED, keys);
  // What was cosigned is no newer than what was loaded, unless it was put there in between.
  const isCosigned = cosigned !== undefined && index < cosigned.size && cosigned.size <= newest.size;
  const { size, root, parsed } = isCosigned ? cosigned : newest;
  const bundles = new Bundles(disk);
  await bundles.find(tail.start);
  const entry = await new LogReader(tail, bundles).entry(index);
  const hashes = await tail.hashes.inclusion(index, size);
  if (rootOfInclusion(leafHash(entry), { index, size }, hashes)?.equals(root) !== true) {
    throw new LogDamaged({ index, file: 'tile', why: 'the record or its hashes are not what was signed' });
  }
  const checkpoint = formatNote(
    parsed.text,
    parsed.signatures.map(({ line }) => line),
  );
  return formatReceipt(entry, { index, hashes, checkpoint });
}
