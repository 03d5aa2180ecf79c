/**
 * The Merkle tree of RFC 6962 section 2.1: hashes, and proofs of inclusion and consistency, written as the definitions
 * are. Pure: where the hashes of whole subtrees come from is the caller's matter.
 */
import { hash } from 'node:crypto';

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** The hash of a tree without leaves. */
export const EMPTY_ROOT = hash('sha256', Buffer.alloc(0), 'buffer');

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** The hash of a leaf. Its prefix keeps an inner node from being passed off as an entry. */
export function leafHash(entry: Buffer): Buffer {
  return hash('sha256', Buffer.concat([LEAF, entry]), 'buffer');
}

/** The hash of an inner node. */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');
}

/** The hash over a whole subtree, from the hashes of `2 ** n` nodes of one height. */
export function foldHashes(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) above.push(nodeHash(row[i] ?? EMPTY_ROOT, row[i + 1] ?? EMPTY_ROOT));
    row = above;
  }
  return row[0] ?? EMPTY_ROOT;
}

/** Gives the hash of the whole subtree over the leaves `[index * 2 ** height, (index + 1) * 2 ** height)`. */
export type SubtreeHash = (height: number, index: number) => Promise<Buffer>;

/** The root of the first `size` leaves. */
export async function treeRoot(size: number, subtree: SubtreeHash): Promise<Buffer> {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, subtree);
}

/** The audit path of a leaf, from its sibling up to the root's child (section 2.1.1). Needs `index < size`. */
export async function inclusionProof(index: number, size: number, subtree: SubtreeHash): Promise<Buffer[]> {
  const path: Buffer[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    const inLeft = index < middle;
    path.push(inLeft ? await rangeHash(middle, end, subtree) : await rangeHash(start, middle, subtree));
    [start, end] = inLeft ? [start, middle] : [middle, end];
  }
  return path.reverse();
}

/** The proof that the first `oldSize` leaves of a tree are those of the older tree (section 2.1.2). */
export async function consistencyProof(oldSize: number, newSize: number, subtree: SubtreeHash): Promise<Buffer[]> {
  if (oldSize === 0 || oldSize === newSize) return [];
  const proof: Buffer[] = [];
  let [start, end] = [0, newSize];
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    const inLeft = oldSize <= middle;
    proof.push(inLeft ? await rangeHash(middle, end, subtree) : await rangeHash(start, middle, subtree));
    [start, end] = inLeft ? [start, middle] : [middle, end];
  }
  // The old tree itself is known to whoever verifies; a subtree at its right edge is not.
  if (start > 0) proof.push(await rangeHash(start, end, subtree));
  return proof.reverse();
}

/** The root to which an audit path leads; undefined when the path has another length than this place in the tree has. */
export function rootOfInclusion(
  leaf: Buffer,
  place: { readonly index: number; readonly size: number },
  path: readonly Buffer[],
): Buffer | undefined {
  const { index, size } = place;
  if (index >= size) return undefined;
  if (size === 1) return path.length === 0 ? leaf : undefined;
  const top = path.at(-1);
  if (top === undefined) return undefined;
  const split = splitOf(size);
  if (index < split) {
    const left = rootOfInclusion(leaf, { index, size: split }, path.slice(0, -1));
    return left && nodeHash(left, top);
  }
  const right = rootOfInclusion(leaf, { index: index - split, size: size - split }, path.slice(0, -1));
  return right && nodeHash(top, right);
}

/** A tree as a checkpoint names it. */
export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

/** Whether the proof shows that the newer tree begins with the older one. */
export function isConsistent(older: TreeHead, newer: TreeHead, proof: readonly Buffer[]): boolean {
  if (older.size > newer.size) return false;
  if (older.size === 0) return proof.length === 0 && older.root.equals(EMPTY_ROOT);
  const roots = rootsOf(older.size, newer.size, { proof, known: older.root });
  if (roots === undefined) return false;
  return roots.older.equals(older.root) && roots.newer.equals(newer.root);
}

/** Both roots that a consistency proof leads to: SUBPROOF of section 2.1.2, read backwards. */
function rootsOf(
  oldSize: number,
  newSize: number,
  { proof, known }: { readonly proof: readonly Buffer[]; readonly known: Buffer | undefined },
): { readonly older: Buffer; readonly newer: Buffer } | undefined {
  const top = proof.at(-1);
  if (oldSize === newSize) {
    if (known !== undefined) return proof.length === 0 ? { older: known, newer: known } : undefined;
    return top !== undefined && proof.length === 1 ? { older: top, newer: top } : undefined;
  }
  if (top === undefined) return undefined;
  const rest = proof.slice(0, -1);
  const split = splitOf(newSize);
  if (oldSize <= split) {
    const left = rootsOf(oldSize, split, { proof: rest, known });
    return left && { older: left.older, newer: nodeHash(left.newer, top) };
  }
  const right = rootsOf(oldSize - split, newSize - split, { proof: rest, known: undefined });
  return right && { older: nodeHash(top, right.older), newer: nodeHash(top, right.newer) };
}

/** The hash over a range that begins where a subtree of its size begins. */
async function rangeHash(start: number, end: number, subtree: SubtreeHash): Promise<Buffer> {
  const size = end - start;
  const split = splitOf(size);
  if (size === 1 || split * 2 === size) return subtree(Math.round(Math.log2(size)), start / size);
  const middle = start + split;
  return nodeHash(await rangeHash(start, middle, subtree), await rangeHash(middle, end, subtree));
}

/** The largest power of two below the size: where RFC 6962 splits a tree. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
