import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BUILT_IN_DIRECTIVES } from '../../src/config/built-in-directives.ts';
import { fileOptionsWith } from '../../src/config/file-options.ts';
import { describeDirective, describeOptions } from './described-options.ts';

const page = readFileSync(new URL('../../docs/defaults.md', import.meta.url), 'utf8');

/** The rows of the page: key, default, bounds, reason. */
const rows = new Map(
  [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, key = '', fallback = '', bounds = '', why = '']) => [
      key,
      { fallback: fallback.replaceAll('`', ''), bounds, why },
    ],
  ),
);

/** Those of directives, which say besides where each may be written. */
const directiveRows = new Map(
  [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, key = '', where = '', fallback = '', bounds = '', why = '']) => [
      key,
      { where, fallback: fallback.replaceAll('`', ''), bounds, why },
    ],
  ),
);

const options = describeOptions(fileOptionsWith([]));
const directives = BUILT_IN_DIRECTIVES.flatMap(describeDirective);

test('docs/defaults.md has every key once, and no other', () => {
  expect([...rows.keys()].sort()).toEqual(options.map(({ key }) => key).sort());
  expect(options.length).toBeGreaterThan(50);
});

test('docs/defaults.md has every directive once, and no other', () => {
  expect([...directiveRows.keys()].sort()).toEqual(directives.map(({ key }) => key).sort());
  expect(directives.length).toBeGreaterThan(5);
});

test.each(options)('docs/defaults.md says of $key what the program does', ({ key, default: fallback, bounds }) => {
  const row = rows.get(key);
  expect(row?.fallback).toBe(fallback);
  // Ports have a gap in their range, which the schema's bounds do not show.
  if (bounds !== undefined && !key.startsWith('passive.port')) expect(row?.bounds).toBe(bounds);
  expect(row?.why).toMatch(/^.{20,}\.$/);
});

test.each(directives)('docs/defaults.md says of the directive $key what the program does', (directive) => {
  const row = directiveRows.get(directive.key);
  expect(row).toMatchObject({ where: directive.where, fallback: directive.default });
  if (directive.bounds !== undefined) expect(row?.bounds).toBe(directive.bounds);
  expect(row?.why).toMatch(/^.{20,}\.$/);
});
