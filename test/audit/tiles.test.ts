/** Names and widths of tiles, and bundles, as C2SP tlog-tiles gives them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBundle, encodeBundle, partialTiles, tileName } from '../../src/audit/tree/tiles.ts';

test('names are those of the specification', () => {
  expect(tileName({ level: 0, index: 1_234_067 })).toBe('tile/0/x001/x234/067');
  expect(tileName({ level: 0, index: 0 })).toBe('tile/0/000');
  expect(tileName({ level: 3, index: 999 })).toBe('tile/3/999');
  expect(tileName({ level: 'entries', index: 1000, width: 17 })).toBe('tile/entries/x001/000.p/17');
  expect(tileName({ level: 1, index: 5, width: 256 })).toBe('tile/1/005');
});

test('a tree of 70,000 and one of 256 have the partial tiles of the specification', () => {
  expect(partialTiles(70_000)).toEqual([
    { level: 0, index: 273, width: 112 },
    { level: 'entries', index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  expect(partialTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
  expect(partialTiles(0)).toEqual([]);
});

test('a bundle holds what it says, and nothing else', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
  fc.assert(
    fc.property(entries, (list) => {
      const bundle = encodeBundle(list);
      expect(decodeBundle(bundle, list.length)).toEqual(list);
      expect(decodeBundle(bundle, list.length + 1)).toBeUndefined();
      expect(decodeBundle(Buffer.concat([bundle, Buffer.of(0)]), list.length)).toBeUndefined();
      if (bundle.length > 0) expect(decodeBundle(bundle.subarray(0, -1), list.length)).toBeUndefined();
    }),
  );
});
