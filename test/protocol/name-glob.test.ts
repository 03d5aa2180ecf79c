import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameGlobMistake, nameMatches, nameMatchesAnyCase } from '../../src/protocol/name-glob.ts';

test.each(['', 'in/*.csv', '\\a', 'a\\', 'a'.repeat(1_025)])('%j is no pattern of a name', (glob) => {
  expect(nameGlobMistake(glob)).toBeTypeOf('string');
});

test.each([
  ['*.edi', 'a.edi', true],
  ['*.edi', 'A.EDI', true],
  ['*.edi', 'a.edi.exe', false],
  ['*.edi', '.edi', true],
  ['?.x', 'ä.x', true],
  ['\\*.x', 'a.x', false],
  ['\\*.x', '*.x', true],
  ['a*b*c', 'a-b-b-c', true],
  ['ORDER-??.csv', 'order-12.csv', true],
  ['ORDER-??.csv', 'order-123.csv', false],
] as const)('%s and %s: %s', (glob, name, matches) => {
  expect(nameGlobMistake(glob)).toBeUndefined();
  expect(nameMatchesAnyCase(glob, name)).toBe(matches);
});

test('a pattern matches what a regular expression made of it matches', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(pattern, letters, (glob, name) => {
      const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      expect(nameMatches(glob, name)).toBe(new RegExp(`^${source}$`).test(name));
    }),
  );
});
