/** Facts as numbers in a row. */
import type { BigIntStats } from 'node:fs';
import { constants, lstatSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { factsOf } from '../../src/storage/io.ts';
import { PackedFacts, packFacts, rowsFor } from '../../src/storage/packed-facts.ts';

const TYPES = { file: constants.S_IFREG, directory: constants.S_IFDIR, other: constants.S_IFIFO } as const;

/** What the system said of this file, with some of it changed. */
function statsWith(changes: Readonly<Record<string, bigint>>): BigIntStats {
  return Object.assign(lstatSync(import.meta.filename, { bigint: true }), changes);
}

test('a row may be of nothing, also where another one was, and that of a link says no more', () => {
  const rows = rowsFor(2, new BigInt64Array(64).fill(BigInt(constants.S_IFREG)));
  expect(rows).toHaveLength(64);
  packFacts(rows, 0, undefined);
  packFacts(rows, 1, statsWith({ mode: BigInt(constants.S_IFLNK | 0o777) }));
  const packed = new PackedFacts(rows);
  expect([packed.kind(0), packed.kind(1)]).toEqual(['nothing', 'link']);
});

test('any facts come out as they are made of what the system says', () => {
  const time = fc.bigInt(-(2n ** 50n), 2n ** 50n);
  const changes = fc.record({
    mode: fc
      .tuple(fc.constantFrom(...Object.values(TYPES)), fc.integer({ min: 0, max: 0o7777 }))
      .map(([type, bits]) => BigInt(type | bits)),
    size: fc.bigInt(0n, BigInt(Number.MAX_SAFE_INTEGER)),
    ...{ mtimeMs: time, ctimeMs: time, birthtimeMs: time },
    nlink: fc.bigInt(0n, 2n ** 32n),
    uid: fc.bigInt(0n, 2n ** 32n - 1n),
    gid: fc.bigInt(0n, 2n ** 32n - 1n),
    dev: fc.bigInt(0n, 2n ** 64n - 1n),
    ino: fc.bigInt(0n, 2n ** 64n - 1n),
  });
  fc.assert(
    fc.property(fc.array(changes, { minLength: 1, maxLength: 4 }), (all) => {
      const rows = rowsFor(all.length);
      for (const [index, each] of all.entries()) packFacts(rows, index, statsWith(each));
      const packed = new PackedFacts(rows);
      for (const [index, each] of all.entries()) {
        const facts = factsOf(statsWith(each));
        expect(packed.kind(index)).toBe(facts.kind);
        expect(packed.entry(index, 'name', facts.kind)).toEqual({ name: 'name', ...facts });
      }
    }),
  );
});
