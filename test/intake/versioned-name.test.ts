import fc from 'fast-check';
import { expect, test } from 'vitest';
import { versionedName } from '../../src/intake/policy/versioned-name.ts';
import { baseName, parentOf, ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';

const at = (text: string): VirtualPath => resolvePath(ROOT, text) ?? expect.unreachable(text);

test.each([
  ['/in/report.csv', 2, '/in/report~2.csv'],
  ['/report', 3, '/report~3'],
  ['/a.tar.gz', 2, '/a~2.tar.gz'],
  ['/.profile', 2, '/.profile~2'],
  ['/.profile.bak', 2, '/.profile~2.bak'],
  ['/ends.', 2, '/ends.~2'],
  ['/v1.2.csv', 10, '/v1.2~10.csv'],
])('version of %s, %i: %s', (path, n, expected) => {
  expect(versionedName(at(path), n)).toBe(expected);
});

test('a path without room for a mark has no version', () => {
  const deep = at(`${'/d'.repeat(2_047)}/a`);
  expect(versionedName(deep, 2) === undefined).toBe(true);
});

test('every version is a path of its own in the same directory, however long the name', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(name, fc.integer({ min: 2, max: 99_999 }), (text, n) => {
      const path = resolvePath(ROOT, `/in/${text.replaceAll('/', '-')}`);
      fc.pre(path !== undefined && parentOf(path) === '/in');
      const one = versionedName(path, n);
      const next = versionedName(path, n + 1);
      expect(one).toBeDefined();
      expect(one && parentOf(one)).toBe('/in');
      expect(one && resolvePath(ROOT, one)).toBe(one);
      expect(Buffer.byteLength(baseName(one ?? ROOT))).toBeLessThanOrEqual(255);
      expect(one === next || one === path).toBe(false);
    }),
  );
});
