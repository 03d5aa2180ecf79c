/** `docs/compliance.md` against the tables that it describes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FRAMEWORKS } from '../../src/compliance/frameworks.ts';
import { VERDICTS } from '../../src/compliance/report.ts';
import { CASES } from './cases.ts';

const page = readFileSync(new URL('../../docs/compliance.md', import.meta.url), 'utf8');

test.each(FRAMEWORKS)('the page lists the items of $name, and what is not decided', ({ name, items, undecided }) => {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? '';
  const rows = [...section.matchAll(/^\| (.+) \| (.+) \| `(.+)` \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(items.map(({ paragraph, title, id }) => [paragraph, title, id]));
  for (const { paragraph, title } of undecided) expect(section).toContain(`${title.slice(1)} (${paragraph})`);
});

test('the page explains every question once, and every verdict', () => {
  const section = page.split(/^## /m).find((text) => text.startsWith('What each item asks')) ?? '';
  const rows = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, question]) => question);
  expect(rows.sort()).toEqual(Object.keys(CASES).sort());
  for (const verdict of VERDICTS) expect(page).toContain(`| \`${verdict}\` |`);
});

test('the page says what nobody has compared, and claims nothing', () => {
  expect(page).toContain('Paragraph numbers were written down from memory');
  expect(page).toContain('NIST SP 800-52 Revision 2 was not at hand');
  expect(page).not.toMatch(/\bcompliant\b|\bcertified\b/i);
});
