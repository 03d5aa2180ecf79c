import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  baseName,
  isWithin,
  parentOf,
  pathParts,
  quotePath,
  ROOT,
  resolvePath,
  type VirtualPath,
} from '../../src/protocol/virtual-path.ts';

/** A path that the test knows to be one. */
function path(text: string): VirtualPath {
  const resolved = resolvePath(ROOT, text);
  if (resolved === undefined) throw new Error(`not a path: ${text}`);
  return resolved;
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom('/', '..', '.', 'a', ' ', '\\', 'é', '...')).map((parts) => parts.join('')),
);
const anyPath = fc
  .array(fc.stringMatching(/^[^\0\r\n/]{1,12}$/).filter((n) => n !== '.' && n !== '..'))
  .map((p) => path(p.join('/')));
const anyQuotes = fc.string({ unit: fc.constantFrom('"', '/', 'a', ' ') }).map(path);

test.each([['a\0b'], ['a\rb'], ['a\nb'], ['x'.repeat(256)], [`a/${'é'.repeat(128)}`], ['a/'.repeat(2_049)]])(
  'what cannot be a path is refused: %j',
  (text) => {
    expect(resolvePath(ROOT, text)).toBeUndefined();
  },
);

test.each([
  ['/', '', '/'],
  ['/a/b', '', '/a/b'],
  ['/a/b', '.', '/a/b'],
  ['/a/b', '..', '/a'],
  ['/a/b', '../../..', '/'],
  ['/a/b', '/../../etc/passwd', '/etc/passwd'],
  ['/a/b', 'c', '/a/b/c'],
  ['/a/b', '/c', '/c'],
  ['/a/b', '//c///d/', '/c/d'],
  ['/a/b', 'c/./../d', '/a/b/d'],
  ['/', '...', '/...'],
  ['/', '..\\..', '/..\\..'],
  ['/', ' ', '/ '],
  ['/', '~root', '/~root'],
  ['/', 'x'.repeat(255), `/${'x'.repeat(255)}`],
])('from %j, %j is %j', (from, text, expected) => {
  expect(resolvePath(path(from), text)).toBe(expected);
});

test('whatever is typed, the result is canonical: absolute, without empty parts, dots and control characters', () => {
  fc.assert(
    fc.property(anyPath, anyText, (from, text) => {
      const resolved = resolvePath(from, text);
      if (resolved === undefined) return;
      expect(resolved.startsWith('/')).toBe(true);
      expect(resolved).not.toMatch(/[\0\r\n]/);
      const parts = resolved.slice(1).split('/');
      if (resolved !== '/') for (const part of parts) expect(['', '.', '..']).not.toContain(part);
      expect(resolvePath(ROOT, resolved)).toBe(resolved);
    }),
  );
});

test('a path is its parent and its name', () => {
  expect([parentOf(ROOT), baseName(ROOT), pathParts(ROOT)]).toEqual(['/', '', []]);
  expect([parentOf(path('/a')), baseName(path('/a'))]).toEqual(['/', 'a']);
  fc.assert(
    fc.property(anyPath, (any) => {
      expect(resolvePath(parentOf(any), baseName(any))).toBe(any);
      expect(pathParts(any)).toEqual(any === '/' ? [] : [...pathParts(parentOf(any)), baseName(any)]);
    }),
  );
});

test('a path lies within itself and its ancestors, and not in a sibling whose name begins like its own', () => {
  expect(isWithin(path('/ab'), path('/a'))).toBe(false);
  expect(isWithin(path('/a'), path('/a/b'))).toBe(false);
  expect(isWithin(path('/a'), path('/a'))).toBe(true);
  expect(isWithin(path('/a/b'), path('/a'))).toBe(true);
  expect(isWithin(path('/a'), ROOT)).toBe(true);
});

test('a quoted path ends with its last quote, holds no single one, and can be unquoted', () => {
  expect(quotePath(path('/say "hi"'))).toBe('"/say ""hi"""');
  fc.assert(
    fc.property(fc.oneof(anyPath, anyQuotes), (any) => {
      const quoted = quotePath(any);
      expect([quoted.at(0), quoted.at(-1)]).toEqual(['"', '"']);
      expect(quoted.slice(1, -1).replaceAll('""', '')).not.toContain('"');
      expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(any);
    }),
  );
});
