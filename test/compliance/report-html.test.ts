/** The HTML report: nothing in it runs or comes from elsewhere, whoever wrote the texts, and it can be read by everybody. */
import { describe, expect, test } from 'vitest';
import { complianceHtml, escaped } from '../../src/compliance/report-html.ts';
import { STYLE } from '../../src/compliance/report-style.ts';
import { evaluated } from './evaluate.ts';

const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert(2)">'"&`;

async function page(more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const compliance = [
    {
      item: 'pci-dss-8.2.8-idle-sessions',
      control: `${HOSTILE}\nA second line.`,
      author: HOSTILE,
      date: '2026-01-01',
    },
  ];
  // A state directory may have a short path only.
  const config = { limits: { idle_timeout_ms: 3_600_000 }, compliance, state_directory: `<b>"'&`, ...more };
  const { report } = await evaluated({ config });
  return complianceHtml({
    ...report,
    configuration: {
      ...{ file: `/etc/${HOSTILE}.yaml`, digest: HOSTILE, files: [{ file: HOSTILE, sha256: HOSTILE }] },
      running: { gateway: 'runs', loaded: 'differs', loadedAt: HOSTILE, digest: HOSTILE },
    },
    warnings: [HOSTILE],
  });
}

describe('the page', () => {
  test('holds no text of others that is anything but text', async () => {
    const html = await page();
    expect(html).not.toMatch(/<script|<img|onerror="|alert\(2\)"/i);
    expect(html).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(html).toContain('A second line.');
    expect(html).toContain('Compensating control');
  });

  test('runs nothing, loads nothing and links to nothing but itself', async () => {
    const html = await page();
    const tags = new Set([...html.matchAll(/<([a-z][a-z0-9]*)/g)].map(([, tag]) => tag));
    expect(
      [...tags].filter((tag) => /^(?:script|img|link|iframe|object|embed|form|input|base|svg|video)$/.test(tag ?? '')),
    ).toEqual([]);
    expect(html).not.toMatch(/<[^<>]*\s(?:src|on[a-z]+|style|srcset|action)=/);
    expect([...html.matchAll(/href="([^"]*)"/g)].map(([, to]) => to?.[0])).toEqual(['#', '#', '#', '#']);
    expect(STYLE).not.toMatch(/url\(|@import|expression/);
    expect(html).toContain(`default-src 'none'; style-src 'unsafe-inline'`);
    for (const [, id] of html.matchAll(/(?:href="#|aria-labelledby=")([^"]+)"/g)) expect(html).toContain(`id="${id}"`);
  });

  test('closes what it opens, in order', async () => {
    const html = (await page()).replace(/<style>[\s\S]*?<\/style>/, '');
    const open: string[] = [];
    for (const [, slash, tag = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
      if (['meta', 'br'].includes(tag)) continue;
      if (slash === '') open.push(tag);
      else expect(open.pop()).toBe(tag);
    }
    expect(open).toEqual([]);
  });

  test('has a language, one first heading, no heading left out, and headers of rows and columns', async () => {
    const html = await page();
    expect(html).toMatch(/^<!DOCTYPE html>\n<html lang="en">/);
    const levels = [...html.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, index) => {
      expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
    });
    const headers = [...html.matchAll(/<th\b([^>]*)>/g)].map(([, attributes]) => attributes);
    expect(headers.length).toBeGreaterThan(50);
    expect(headers.filter((attributes) => !/scope="(?:row|col)"/.test(attributes ?? ''))).toEqual([]);
    expect(html.match(/<table>\n?<caption>/g)?.length).toBe(html.match(/<table>/g)?.length);
  });
});

test('no colour of text is too close to what lies behind it', () => {
  const colours = new Map(
    [...STYLE.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map(([, name = '', hex = '']) => [name, hex]),
  );
  const pairs = [
    ...['pass', 'fail', 'comp', 'none'].map((name) => [colours.get(name), colours.get(`${name}-back`)]),
    ...['ink', 'soft', 'fail'].map((name) => [colours.get(name), colours.get('page')]),
    [colours.get('soft'), colours.get('comp-back')],
    [colours.get('fail'), colours.get('comp-back')],
  ];
  for (const [ink = '', back = ''] of pairs) expect(contrast(ink, back)).toBeGreaterThanOrEqual(4.5);
  expect(contrast('#777777', '#ffffff')).toBeLessThan(4.5);
});

test('escaped text shows controls, and stands in elements and attributes', () => {
  expect(escaped(`a&b<c>"d"'e'\u0007\u202e`)).toBe('a&#38;b&#60;c&#62;&#34;d&#34;&#39;e&#39;\\u0007\\u202e');
});

/** As WCAG 2 defines it, from 1 to 21. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
