import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import {
  formatListLine,
  formatNlstLine,
  listedName,
  listLineFormat,
  parseListArgument,
} from '../../src/protocol/listing.ts';

const NOW_MS = Date.UTC(2026, 5, 15, 12);
const HOUR_MS = 3_600_000;
const entry: DirectoryEntry = {
  name: 'name',
  kind: 'file',
  sizeBytes: 1234,
  modifiedMs: Date.UTC(2026, 0, 2, 15, 4),
  mode: 0o644,
  linkCount: 1,
  owner: 1000,
  group: 1000,
  unique: '1',
};

test('a name cannot forge a line', () => {
  const name = 'a\r\n-rw-r--r-- 1 0 0 0 Jan 01 00:00 b\0\x1b[2J\u0085\u2028';
  const line = formatListLine({ ...entry, name }, NOW_MS);
  expect(line.endsWith(' a??-rw-r--r-- 1 0 0 0 Jan 01 00:00 b??[2J??\r\n')).toBe(true);
  expect(formatNlstLine('a\r\nb')).toBe('a??b\r\n');
});

test('a file and a directory look as in `ls -l`', () => {
  expect(formatListLine(entry, NOW_MS)).toBe('-rw-r--r--   1 1000     1000         1234 Jan 02 15:04 name\r\n');
  expect(formatListLine({ ...entry, kind: 'directory', mode: 0o1755, linkCount: 12, sizeBytes: 4096 }, NOW_MS)).toBe(
    'drwxr-xr-x  12 1000     1000         4096 Jan 02 15:04 name\r\n',
  );
  expect(formatListLine({ ...entry, kind: 'other', mode: 0 }, NOW_MS)).toMatch(/^---------- {3}1 /);
});

test('large numbers push the columns apart rather than run into each other', () => {
  const large = {
    ...entry,
    linkCount: 12_345,
    owner: 1_234_567_890,
    group: 1_234_567_890,
    sizeBytes: 9_007_199_254_740_991,
  };
  expect(formatListLine(large, NOW_MS)).toBe(
    '-rw-r--r-- 12345 1234567890 1234567890 9007199254740991 Jan 02 15:04 name\r\n',
  );
});

test.each([
  ['now', 0, 'Jun 15 12:00'],
  ['23 hours ahead, from a clock that runs fast', 23 * HOUR_MS, 'Jun 16 11:00'],
  ['two days ahead', 48 * HOUR_MS, 'Jun 17  2026'],
  ['five months back', -150 * 24 * HOUR_MS, 'Jan 16 12:00'],
  ['seven months back', -210 * 24 * HOUR_MS, 'Nov 17  2025'],
  ['before all years', Number.NEGATIVE_INFINITY, 'Jan 01  0000'],
  ['after all years', Number.POSITIVE_INFINITY, 'Dec 31  9999'],
])('the time of a file from %s', (_, agoMs, expected) => {
  expect(formatListLine({ ...entry, modifiedMs: NOW_MS + agoMs }, NOW_MS)).toContain(` ${expected} name\r\n`);
});

test('any entry makes one line that a client can take apart', () => {
  const anyEntry = fc.record({
    name: fc.string({ unit: 'binary', minLength: 1 }),
    kind: fc.constantFrom('file', 'directory', 'other'),
    sizeBytes: fc.maxSafeNat(),
    modifiedMs: fc.double({ noNaN: true }),
    mode: fc.nat(0o7777),
    linkCount: fc.nat(),
    owner: fc.nat(),
    group: fc.nat(),
    unique: fc.string(),
  });
  fc.assert(
    fc.property(anyEntry, fc.maxSafeNat(), (any, nowMs) => {
      const line = formatListLine(any, nowMs);
      const fields =
        /^([d-][rwx-]{9}) +(\d+) (\d+) +(\d+) +(\d+) [A-Z][a-z]{2} \d\d (?:\d\d:\d\d| \d{4}) (.+)\r\n$/.exec(line);
      expect(fields?.slice(2, 7)).toEqual([
        `${any.linkCount}`,
        `${any.owner}`,
        `${any.group}`,
        `${any.sizeBytes}`,
        listedName(any.name),
      ]);
    }),
  );
});

test('no listed name holds a control character, and plain names stay as they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(listedName(name)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(listedName(name)).toHaveLength(name.length);
    }),
  );
  expect(listedName(' é 日本 😀 ')).toBe(' é 日本 😀 ');
});

test.each([
  ['', { path: '', all: false }],
  ['-a', { path: '', all: true }],
  ['-l', { path: '', all: false }],
  ['-la', { path: '', all: true }],
  ['-A', { path: '', all: true }],
  ['-l -a path', { path: 'path', all: true }],
  ['-al /in coming/a b', { path: '/in coming/a b', all: true }],
  ['path with spaces', { path: 'path with spaces', all: false }],
  [' leading', { path: ' leading', all: false }],
  ['path -a', { path: 'path -a', all: false }],
  ['-- -file', { path: '-file', all: false }],
  ['-a -- -file', { path: '-file', all: true }],
  ['--', { path: '', all: false }],
  ['-', { path: '-', all: false }],
  ['./-name', { path: './-name', all: false }],
  ['-report.csv', { path: '-report.csv', all: false }],
  ['--all', { path: '--all', all: false }],
])('the argument of LIST is taken apart: %j', (text, expected) => {
  expect(parseListArgument(text)).toEqual(expected);
});

test('no text makes the argument parser throw, every path is the end of what was typed, and `--` protects any path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(text.endsWith(parseListArgument(text).path)).toBe(true);
      expect(parseListArgument(`-- ${text}`)).toEqual({ path: text, all: false });
    }),
  );
});

test('a line of a long listing does not depend on the lines in front of it', () => {
  // Few of each, so that lines in a row often have something in common, at the edges of what is recent too.
  const some = fc.record({
    name: fc.constant('name'),
    kind: fc.constantFrom('file', 'directory', 'other'),
    mode: fc.constantFrom(0o644, 0o755),
    linkCount: fc.constantFrom(1, 2),
    owner: fc.constantFrom(0, 1000),
    group: fc.constantFrom(0, 1000),
    sizeBytes: fc.constantFrom(0, 5),
    unique: fc.constant('1'),
    modifiedMs: fc
      .tuple(
        fc.constantFrom(0, NOW_MS, NOW_MS - 15_778_476_000, NOW_MS + 86_400_000),
        fc.constantFrom(-1, 0, 1, 60_000),
      )
      .map(([timeMs, moreMs]) => timeMs + moreMs),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 20 }), fc.constantFrom('utc', 'local'), (entries, times) => {
      const line = listLineFormat(NOW_MS, times);
      expect(entries.map(line)).toEqual(entries.map((entry) => formatListLine(entry, NOW_MS, times)));
    }),
  );
});
