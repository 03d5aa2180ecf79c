/** The tree against a model that is nothing but the definitions of RFC 6962 section 2.1. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Frontier } from '../../src/audit/tree/frontier.ts';
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  isConsistent,
  leafHash,
  nodeHash,
  rootOfInclusion,
  type SubtreeHash,
  treeRoot,
} from '../../src/audit/tree/merkle.ts';

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** MTH(D[n]). */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0] ?? Buffer.alloc(0));
  const k = split(leaves.length);
  return sha256(Buffer.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

/** PATH(m, D[n]). */
function path(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}

/** SUBPROOF(m, D[n], b). */
function subproof(m: number, leaves: readonly Buffer[], b: boolean): Buffer[] {
  const n = leaves.length;
  if (m === n) return b ? [] : [mth(leaves)];
  const k = split(n);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), b), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`));
const subtreesOf =
  (leaves: readonly Buffer[]): SubtreeHash =>
  async (height, index) =>
    mth(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height));

const SIZE_MAX = 40;
const LEAVES = leavesOf(SIZE_MAX);

describe('what is known', () => {
  test('the empty tree is the hash of nothing', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  test('an empty leaf is the hash of one zero byte', () => {
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  test('a node is the hash of a one and its children', () => {
    const [left, right] = [sha256(Buffer.from('l')), sha256(Buffer.from('r'))];
    expect(nodeHash(left, right)).toEqual(sha256(Buffer.of(1), left, right));
  });

  test('the example of RFC 6962 section 2.1.3: a tree of seven has these paths', async () => {
    const seven = LEAVES.slice(0, 7);
    const [a, b, c, d, e, f, j] = seven.map(leafHash) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    const [g, h, i] = [nodeHash(a, b), nodeHash(c, d), nodeHash(e, f)];
    const [k, l] = [nodeHash(g, h), nodeHash(i, j)];
    const subtree = subtreesOf(seven);
    expect(await inclusionProof(0, 7, subtree)).toEqual([b, h, l]);
    expect(await inclusionProof(3, 7, subtree)).toEqual([c, g, l]);
    expect(await inclusionProof(4, 7, subtree)).toEqual([f, j, k]);
    expect(await inclusionProof(6, 7, subtree)).toEqual([i, k]);
    expect(await consistencyProof(3, 7, subtree)).toEqual([c, d, g, l]);
    expect(await consistencyProof(4, 7, subtree)).toEqual([l]);
    expect(await consistencyProof(6, 7, subtree)).toEqual([i, j, k]);
  });
});

describe('against the model', () => {
  test('roots, and what grows a leaf at a time', async () => {
    const frontier = new Frontier();
    for (let size = 0; size <= SIZE_MAX; size++) {
      const leaves = LEAVES.slice(0, size);
      expect(await treeRoot(size, subtreesOf(leaves))).toEqual(mth(leaves));
      expect(frontier.root()).toEqual(mth(leaves));
      if (size < SIZE_MAX) frontier.add(leafHash(LEAVES[size] ?? Buffer.alloc(0)));
    }
  });

  test('every path in every tree', async () => {
    for (let size = 1; size <= SIZE_MAX; size++) {
      const leaves = LEAVES.slice(0, size);
      const root = mth(leaves);
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, subtreesOf(leaves));
        expect(proof).toEqual(path(index, leaves));
        const proven = rootOfInclusion(leafHash(leaves[index] ?? Buffer.alloc(0)), { index, size }, proof);
        expect(proven?.equals(root)).toBe(true);
      }
    }
  });

  test('every pair of sizes', async () => {
    const roots = Array.from({ length: SIZE_MAX + 1 }, (_, size) => mth(LEAVES.slice(0, size)));
    const head = (size: number) => ({ size, root: roots[size] ?? EMPTY_ROOT });
    for (let newSize = 1; newSize <= SIZE_MAX; newSize++) {
      const leaves = LEAVES.slice(0, newSize);
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const proof = await consistencyProof(oldSize, newSize, subtreesOf(leaves));
        expect(proof).toEqual(subproof(oldSize, leaves, true));
        expect(isConsistent(head(oldSize), head(newSize), proof)).toBe(true);
        expect(isConsistent(head(oldSize), head(newSize), [...proof, EMPTY_ROOT])).toBe(false);
      }
      expect(isConsistent(head(0), head(newSize), [])).toBe(true);
    }
  });
});

describe('a proof of something else is refused', () => {
  test('of another leaf, place, size, order or length', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: SIZE_MAX })
          .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1), fc.nat(63))),
        ([size, index, at]) => {
          const leaves = LEAVES.slice(0, size);
          const root = mth(leaves);
          const proof = path(index, leaves);
          const leaf = leafHash(leaves[index] ?? Buffer.alloc(0));
          const holds = (l: Buffer, place: { index: number; size: number }, p: Buffer[]) =>
            rootOfInclusion(l, place, p)?.equals(root) === true;
          expect(holds(leaf, { index, size }, proof)).toBe(true);
          expect(holds(leafHash(Buffer.from('other')), { index, size }, proof)).toBe(false);
          expect(holds(leaf, { index: (index + 1) % size, size }, proof)).toBe(false);
          expect(holds(leaf, { index: index + size, size }, proof)).toBe(false);
          expect(holds(leaf, { index, size }, [...proof, root])).toBe(false);
          expect(holds(leaf, { index, size }, proof.slice(1))).toBe(false);
          const flipped = proof.map((hash) => Buffer.from(hash));
          const one = flipped[at % flipped.length];
          if (one !== undefined) one[at % 32] = (one[at % 32] ?? 0) ^ 1;
          expect(holds(leaf, { index, size }, flipped)).toBe(false);
        },
      ),
    );
  });

  test('of a tree that was changed behind its old end, or before it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SIZE_MAX - 1 }), fc.nat(SIZE_MAX - 1), (oldSize, changed) => {
        const others = LEAVES.map((leaf, i) => (i === changed ? Buffer.from('changed') : leaf));
        const older = { size: oldSize, root: mth(LEAVES.slice(0, oldSize)) };
        const newer = { size: SIZE_MAX, root: mth(others) };
        const proof = subproof(oldSize, others, true);
        expect(isConsistent(older, newer, proof)).toBe(changed >= oldSize);
      }),
    );
  });

  test('an older tree is not newer', () => {
    const head = (size: number) => ({ size, root: mth(LEAVES.slice(0, size)) });
    expect(isConsistent(head(5), head(4), [])).toBe(false);
    expect(isConsistent(head(0), head(4), [EMPTY_ROOT])).toBe(false);
    expect(isConsistent({ size: 0, root: head(1).root }, head(4), [])).toBe(false);
  });
});
