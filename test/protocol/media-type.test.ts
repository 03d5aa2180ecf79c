import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mediaTypeOf } from '../../src/protocol/media-type.ts';

test.each([
  '',
  'file',
  '.txt',
  'file.',
  'file.dat',
  'file.constructor',
  'a.txt/file',
  '/dir.pdf/.zip',
  'a.txt ',
  'a.txt~',
])('%j has no media type: nobody guesses', (name) => {
  expect(mediaTypeOf(name)).toBeUndefined();
});

test.each([
  ['a.txt', 'text/plain'],
  ['A.CSV', 'text/csv'],
  ['/dir.d/a b.tar.gz', 'application/gzip'],
  ['.hidden.pdf', 'application/pdf'],
])('%j is %s', (name, type) => {
  expect(mediaTypeOf(name)).toBe(type);
});

test('whatever the name, a type is one that a fact can carry', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('txt', 'svg', 'epub', 'x'), (base, ending) => {
      expect(mediaTypeOf(`${base}.${ending}`) ?? 'a/b').toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
    }),
  );
});
