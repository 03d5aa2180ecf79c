import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldedName } from '../../src/lib/folded-name.ts';

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
