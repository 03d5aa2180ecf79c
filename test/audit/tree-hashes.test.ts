/** A tree of three levels of tiles: its edge, its proofs from tiles, and its edge made anew from the disk. */
import { expect, test } from 'vitest';
import { isConsistent, leafHash, rootOfInclusion } from '../../src/audit/tree/merkle.ts';
import { partialTiles } from '../../src/audit/tree/tiles.ts';
import { TreeEdge } from '../../src/audit/tree/tree-edge.ts';
import { TreeHashes } from '../../src/audit/tree/tree-hashes.ts';
import { Disk } from '../../src/audit/writing/disk.ts';
import { edgeAt } from '../../src/audit/writing/load-log.ts';
import { makeDirectory } from './support.ts';

const SIZE = 70_000;
const leafAt = (index: number) => leafHash(Buffer.from(String(index)));

test('70,000 leaves: every tile that the specification names, and every proof', { timeout: 120_000 }, async () => {
  const disk = new Disk(await makeDirectory());
  await disk.make();
  await disk.clear();
  const hashes = new TreeHashes(new TreeEdge(), disk);
  const heads: { size: number; root: Buffer }[] = [];
  const kept = new Set([1, 255, 256, 257, 65_535, 65_536, 65_537, 69_888, 69_999]);
  for (let index = 0; index < SIZE; index++) {
    hashes.add(leafAt(index));
    if (kept.has(index + 1)) heads.push({ size: index + 1, root: hashes.edge.root() });
  }
  const names = hashes.waiting().map(({ name }) => name);
  expect(names).toHaveLength(273 + 1);
  expect(names).toContain('tile/1/000');
  for (const { level, index, width } of partialTiles(SIZE)) {
    if (level !== 'entries') expect(hashes.edge.unfinished(level, index)).toHaveLength(width);
  }

  // From the disk, as after a restart.
  const files = hashes.waiting();
  await disk.write(files);
  hashes.written(files);
  const root = hashes.edge.root();
  expect((await hashes.rootAt(SIZE)).equals(root)).toBe(true);
  for (const index of [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999]) {
    const proof = await hashes.inclusion(index, SIZE);
    expect(rootOfInclusion(leafAt(index), { index, size: SIZE }, proof)?.equals(root)).toBe(true);
  }
  for (const head of heads) {
    expect((await hashes.rootAt(head.size)).equals(head.root)).toBe(true);
    expect(isConsistent(head, { size: SIZE, root }, await hashes.consistency(head.size, SIZE))).toBe(true);
  }
  const again = await edgeAt(69_888, disk);
  for (let index = 69_888; index < SIZE; index++) again.add(leafAt(index));
  expect(again.root().equals(root)).toBe(true);
});
