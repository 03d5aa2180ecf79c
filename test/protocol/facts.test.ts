import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DEFAULT_FACTS,
  FACT_NAMES,
  factsFormat,
  featFactList,
  formatFacts,
  parseFactList,
  permFact,
} from '../../src/protocol/facts.ts';
import type { FileFacts } from '../../src/protocol/file-facts.ts';

const file: FileFacts = {
  kind: 'file',
  sizeBytes: 5,
  modifiedMs: Date.UTC(2026, 0, 1),
  mode: 0o644,
  linkCount: 1,
  owner: 1000,
  group: 100,
  unique: '803:1f2',
};
const directory: FileFacts = { ...file, kind: 'directory', mode: 0o1755 };
const anyFacts = fc.record({
  kind: fc.constantFrom('file', 'directory', 'other'),
  sizeBytes: fc.maxSafeNat(),
  modifiedMs: fc.double({ noNaN: true }),
  createdMs: fc.double({ noNaN: true }),
  mode: fc.nat(0o7777),
  linkCount: fc.nat(),
  owner: fc.nat(),
  group: fc.nat(),
  unique: fc.string({ unit: 'binary' }),
});

test.each([['type; size;'], ['unique type;'], [' '], ['type;\r\n'], ['type\0;']])(
  'a fact list with a space in it is refused: %j',
  (text) => {
    expect(parseFactList(text)).toBeUndefined();
  },
);

test.each([
  ['', []],
  [';', []],
  ['fish;cakes;', []],
  ['size;frogs;', ['size']],
  ['TYPE;unix.MODE;Perm;', ['type', 'perm', 'UNIX.mode']],
  ['Media-Type;CREATE;', ['create', 'media-type']],
  ['size;type', ['type', 'size']],
  ['size;size;size;', ['size']],
  ['size*;', []],
])('a fact list is read, in our order: %j', (text, expected) => {
  expect(parseFactList(text)).toEqual(expected);
});

test('FEAT marks the facts that are given', () => {
  expect(featFactList([])).toBe('type;size;modify;create;perm;unique;UNIX.mode;UNIX.owner;UNIX.group;media-type;');
  expect(featFactList(DEFAULT_FACTS)).toBe(
    'type*;size*;modify*;create;perm*;unique*;UNIX.mode;UNIX.owner;UNIX.group;media-type;',
  );
});

test('the marked facts of FEAT, sent back, ask for the same facts', () => {
  fc.assert(
    fc.property(fc.subarray([...FACT_NAMES]), (enabled) => {
      const marked = [...featFactList(enabled).matchAll(/([^;]*)\*;/g)].map((match) => `${match[1]};`).join('');
      expect(parseFactList(marked)).toEqual(enabled);
    }),
  );
});

test('no text makes the fact list throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseFactList(text);
    }),
  );
});

test('the facts of a file', () => {
  expect(formatFacts(file, { enabled: DEFAULT_FACTS, perm: 'adfrw' })).toBe(
    'type=file;size=5;modify=20260101000000;perm=adfrw;unique=803:1f2;',
  );
  expect(formatFacts(file, { enabled: ['UNIX.group', 'UNIX.mode', 'UNIX.owner'], perm: '' })).toBe(
    'UNIX.mode=0644;UNIX.owner=1000;UNIX.group=100;',
  );
  expect(formatFacts(file, { enabled: ['perm'], perm: '' })).toBe('perm=;');
  expect(formatFacts(file, { enabled: [], perm: 'r' })).toBe('');
});

test('a directory has no size, and its type says which directory it is', () => {
  const enabled = ['type', 'size', 'UNIX.mode'] as const;
  expect(formatFacts(directory, { enabled, perm: '' })).toBe('type=dir;UNIX.mode=1755;');
  expect(formatFacts(directory, { enabled, perm: '', directoryType: 'cdir' })).toBe('type=cdir;UNIX.mode=1755;');
  expect(formatFacts(directory, { enabled, perm: '', directoryType: 'pdir' })).toBe('type=pdir;UNIX.mode=1755;');
});

test('what is neither file nor directory has a type of its own and no size', () => {
  expect(formatFacts({ ...file, kind: 'other' }, { enabled: ['type', 'size'], perm: '' })).toBe(
    'type=OS.unix=special;',
  );
});

test('a creation is told only when it is known and no later than the modification', () => {
  const create = (facts: Partial<FileFacts>) => formatFacts({ ...file, ...facts }, { enabled: ['create'], perm: '' });
  expect(create({})).toBe('');
  expect(create({ createdMs: file.modifiedMs + 1 })).toBe('');
  expect(create({ createdMs: file.modifiedMs })).toBe('create=20260101000000;');
  expect(create({ createdMs: Date.UTC(2020, 1, 29) })).toBe('create=20200229000000;');
  expect(create({ kind: 'directory', createdMs: 0 })).toBe('create=19700101000000;');
});

test('a media type is told of files only, and when asked for', () => {
  const options = { enabled: ['media-type'], perm: '', mediaType: 'image/svg+xml' } as const;
  expect(formatFacts(directory, options)).toBe('');
  expect(formatFacts({ ...file, kind: 'other' }, options)).toBe('');
  expect(formatFacts(file, { ...options, mediaType: undefined })).toBe('');
  expect(formatFacts(file, { ...options, enabled: DEFAULT_FACTS })).not.toContain('media-type');
  expect(formatFacts(file, options)).toBe('media-type=image/svg+xml;');
});

test('a `unique` that could end the fact is left out', () => {
  for (const unique of ['', 'a;b', 'a b', 'a\r\nb', 'a=b', 'é']) {
    expect(formatFacts({ ...file, unique }, { enabled: ['unique'], perm: '' })).toBe('');
  }
});

test('any facts make a list without spaces, of enabled names, that can be taken apart again', () => {
  fc.assert(
    fc.property(anyFacts, fc.subarray([...FACT_NAMES]), (facts, enabled) => {
      const text = formatFacts(facts, { enabled, perm: 'r', mediaType: 'text/plain' });
      expect(text).toMatch(/^(?:[A-Za-z.-]+=[!-:<-~]*;)*$/);
      const pairs = new Map(
        text
          .split(';')
          .filter(Boolean)
          .map((fact) => [fact.slice(0, fact.indexOf('=')), fact.slice(fact.indexOf('=') + 1)]),
      );
      expect(enabled).toEqual(expect.arrayContaining([...pairs.keys()]));
      if (enabled.includes('UNIX.mode')) expect(Number.parseInt(pairs.get('UNIX.mode') ?? '', 8)).toBe(facts.mode);
      if (pairs.has('size')) expect(pairs.get('size')).toBe(`${facts.sizeBytes}`);
      expect(pairs.has('size')).toBe(enabled.includes('size') && facts.kind === 'file');
    }),
  );
});

test.each([
  ['', 'file', ''],
  ['elradfmwMT', 'file', 'adfrw'],
  ['elradfmwMT', 'directory', 'cdeflmp'],
  ['elradfmwMT', 'other', 'df'],
  ['elr', 'file', 'r'],
  ['elr', 'directory', 'el'],
  ['w', 'file', 'w'],
  ['w', 'directory', 'c'],
  ['m', 'directory', 'm'],
  ['M', 'directory', ''],
  ['d', 'directory', 'dp'],
  ['T', 'file', ''],
] as const)('the letters %j over a %s are perm %j', (letters, kind, perm) => {
  expect(permFact(new Set(letters), kind)).toBe(perm);
});

test('the facts of a file do not depend on the files in front of it', () => {
  const some = fc.record({
    modifiedMs: fc.constantFrom(-1, 0, 999, 1_000, 1_001, 1_700_000_000_000),
    sizeBytes: fc.constantFrom(0, 5),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 20 }), fc.subarray([...FACT_NAMES]), (changes, enabled) => {
      const format = factsFormat(enabled);
      for (const change of changes) {
        const facts = { ...file, ...change };
        expect(format(facts, { perm: 'r' })).toBe(formatFacts(facts, { enabled, perm: 'r' }));
      }
    }),
  );
});
