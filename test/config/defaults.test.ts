import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { describeOptions } from './described-options.ts';

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

const options = describeOptions(gatewayOptions);

test('docs/defaults.md has every key once, and no other', () => {
  expect([...rows.keys()].sort()).toEqual(options.map(({ key }) => key).sort());
  expect(options.length).toBeGreaterThan(50);
});

test.each(options)('docs/defaults.md says of $key what the program does', ({ key, default: fallback, bounds }) => {
  const row = rows.get(key);
  expect(row?.fallback).toBe(fallback);
  // Ports have a gap in their range, which the schema's bounds do not show.
  if (bounds !== undefined && !key.startsWith('passive.port')) expect(row?.bounds).toBe(bounds);
  expect(row?.why).toMatch(/^.{20,}\.$/);
});
