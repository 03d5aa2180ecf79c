import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globMatches, globMistake, globReachesInto } from '../../src/access/path-glob.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';

test.each([
  '',
  'in/**',
  '/in/',
  '/in/../out',
  '/in//x',
  './x',
  '/a**',
  '/in/**.csv',
  '**',
  '\\a',
  '/x\\',
  'a'.repeat(1_025),
  '/in/.',
])('%j is no pattern', (glob) => {
  expect(globMistake(glob)).toBeTypeOf('string');
});

describe('what a pattern matches', () => {
  test.each([
    ['/in', '/in', true],
    ['/in', '/in/a', false],
    ['/in', '/IN', false],
    ['/in/*', '/in/a', true],
    ['/in/*', '/in', false],
    ['/in/*', '/in/a/b', false],
    ['/in/**', '/in', true],
    ['/in/**', '/in/a', true],
    ['/in/**', '/in/a/b', true],
    ['/in/**', '/inner', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/', '/', true],
    ['/', '/a', false],
    ['/**/x', '/x', true],
    ['/**/x', '/a/b/x', true],
    ['/**/x', '/a/x/b', false],
    ['/a/**/z/*.csv', '/a/b/c/z/1.csv', true],
    ['/a/**/z/*.csv', '/a/z/1.csv', true],
    ['/a/**/z/*.csv', '/a/z/b/1.csv', false],
    ['*.exe', '/a/b/setup.exe', true],
    ['*.exe', '/SETUP.EXE', true],
    ['*.EXE', '/setup.exe', true],
    ['*.exe', '/a.exe/b', false],
    ['*.exe', '/a.exe.txt', false],
    ['a?c', '/abc', true],
    ['a?c', '/a💾c', true],
    ['a?c', '/ac', false],
    ['a*b*c', '/aXbXbXc', true],
    ['a*b*c', '/aXbX', false],
    ['\\*', '/*', true],
    ['\\*', '/a', false],
    ['\\\\\\?', '/\\?', true],
    ['.*', '/.hidden', true],
    ['*', '/.hidden', true],
  ])('%s, %s: %s', (glob, text, expected) => {
    expect(globMistake(glob)).toBeUndefined();
    expect(globMatches(glob, path(text))).toBe(expected);
  });
});

describe('which directories a pattern pins to their place', () => {
  test.each([
    ['/a/b/secret', '/a', true],
    ['/a/b/secret', '/a/b', true],
    ['/a/b/secret', '/a/b/secret', false],
    ['/a/b/secret', '/c', false],
    ['/in/**', '/in', true],
    ['/in/**', '/in/x', false],
    ['/in/*', '/in', true],
    ['/in/*', '/in/x', false],
    ['/**', '/a', false],
    ['/*/secret/**', '/a', true],
    ['*.exe', '/a', false],
  ])('%s, %s: %s', (glob, text, expected) => {
    expect(globReachesInto(glob, path(text))).toBe(expected);
  });
});

test('a pattern says what the regular expression of the same meaning says', () => {
  const part = fc.constantFrom('a', 'b', '*', '?', 'a*', '*b', '**', 'a?b');
  const name = fc.constantFrom('a', 'b', 'ab', 'axb', 'c');
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.array(name, { minLength: 1, maxLength: 4 }),
      (parts, names) => {
        const source = parts.map((one) =>
          one === '**' ? '(?:/[^/]+)*' : `/${one.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}`,
        );
        const expected = new RegExp(`^${source.join('')}$`).test(`/${names.join('/')}`);
        expect(globMatches(`/${parts.join('/')}`, path(`/${names.join('/')}`))).toBe(expected);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('no pattern takes long, however it is made', () => {
  const glob = `/${'**/'.repeat(200)}${'*a'.repeat(100)}b`;
  const started = performance.now();
  expect(globMatches(glob, path(`/${'a/'.repeat(1_000)}${'a'.repeat(200)}`))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2_000);
});

function path(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}
