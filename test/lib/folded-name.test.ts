import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldedName, foldsTo } from '../../src/lib/folded-name.ts';

test.each([
  ['.FTPACCESS', '.ftpaccess'],
  ['.ftpaccess. .', '.ftpaccess'],
  ['\uff0eftpaccess', '.ftpaccess'],
  ['.ftp\u200baccess', '.ftpaccess'],
  ['.ftpacce\u017fs', '.ftpaccess'],
  ['\u212a', 'k'],
])('%j is taken for %j', (name, folded) => {
  expect(foldedName(name)).toBe(folded);
});

test('a name in ASCII alone is folded as it is behind a letter that is not', () => {
  const character = fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(fc.array(fc.oneof(character, fc.constantFrom('.', ' ')), { maxLength: 20 }), (characters) => {
      const name = characters.join('');
      expect(foldedName(`\u00e9${name}`)).toBe(`\u00e9${foldedName(name)}`);
    }),
  );
});

test('asking whether a name folds to another is folding and comparing', () => {
  const character = fc.oneof(
    fc.constantFrom(...'.aAkKsS ', '\uff0e', '\u212a', '\u017f', '\u200b', '\u0301', '\u0000', '[', '{'),
    fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)),
  );
  const name = fc.array(character, { maxLength: 4 }).map((characters) => characters.join(''));
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(foldsTo(foldedName(one), one)).toBe(true);
      expect(foldsTo(foldedName(one), other)).toBe(foldedName(other) === foldedName(one));
    }),
    { numRuns: 2_000 },
  );
});
