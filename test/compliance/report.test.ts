/** Compensating controls, what is warned of, and what the report never says. */
import { describe, expect, test } from 'vitest';
import { FRAMEWORKS } from '../../src/compliance/frameworks.ts';
import { complianceReport, VERDICTS } from '../../src/compliance/report.ts';
import { complianceHtml } from '../../src/compliance/report-html.ts';
import { complianceJson, complianceText } from '../../src/compliance/report-text.ts';
import { CASES } from './cases.ts';
import { evaluated } from './evaluate.ts';

const ITEM = 'pci-dss-8.2.8-idle-sessions';
const DAY_MS = 86_400_000;
const day = (offset: number) => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10);

/** The report of a gateway whose sessions idle too long, with controls. */
function idling(...compliance: readonly Readonly<Record<string, unknown>>[]) {
  return evaluated({ config: { limits: { idle_timeout_ms: 3_600_000 }, compliance } });
}

function control(more: Readonly<Record<string, unknown>> = {}) {
  return { item: ITEM, control: 'Sessions end at the proxy.', author: 'A. Auditor', date: day(-10), ...more };
}

describe('a compensating control', () => {
  test.each([
    ['of tomorrow', { date: day(2) }, 'its date is in the future'],
    ['that has expired', { date: day(-10), expires: day(-2) }, 'it expired on'],
  ])('%s leaves the item failing, and says so', async (_what, more, why) => {
    const { verdictOf, report } = await idling(control(more));
    expect(verdictOf(ITEM)).toBe('fail');
    expect(report.warnings).toEqual([
      expect.stringContaining(`the compensating control for ${ITEM} does not count: ${why}`),
    ]);
    const shown = report.frameworks[0]?.items.find(({ id }) => id === ITEM)?.control;
    expect(shown).toMatchObject({ author: 'A. Auditor', refused: expect.stringContaining(why) });
  });

  test('for an item that passes, is not applicable or was not decided is warned of', async () => {
    const { report, verdictOf } = await evaluated({
      config: {
        compliance: [
          control(),
          control({ item: 'pci-dss-2.2.5-metrics' }),
          control({ item: 'pci-dss-10.3.4-log-verifies' }),
        ],
      },
    });
    expect(verdictOf(ITEM)).toBe('pass');
    expect(report.warnings).toEqual([
      `the compensating control for pci-dss-2.2.5-metrics is of no use: the item is not applicable`,
      `the compensating control for ${ITEM} is of no use: the item passes`,
      'the compensating control for pci-dss-10.3.4-log-verifies is of no use: the item was not decided here',
    ]);
  });

  test('for an item that there is not is warned of, when it is loaded and in the report', async () => {
    const { report, warnings } = await idling(control({ item: 'pci-dss-8.2.8-idle-session' }));
    expect(warnings).toContain(`warning: there is no item pci-dss-8.2.8-idle-session; did you mean ${ITEM}?`);
    expect(report.warnings).toEqual([expect.stringContaining('there is no item pci-dss-8.2.8-idle-session')]);
  });

  test('takes the place of the failure, with its author and date, and of no other one', async () => {
    const { report, verdictOf } = await idling(control({ date: day(0), expires: day(0) }));
    expect(verdictOf(ITEM)).toBe('compensating');
    expect(verdictOf('nist-800-53-ac-12-idle-sessions')).toBe('fail');
    const item = report.frameworks[0]?.items.find(({ id }) => id === ITEM);
    expect(item?.control).toEqual({
      control: 'Sessions end at the proxy.',
      author: 'A. Auditor',
      date: day(0),
      expires: day(0),
      refused: null,
    });
    expect(item?.evidence).toEqual([{ option: 'limits.idle_timeout_ms', value: 3_600_000 }]);
    expect(report.counts.compensating).toBe(1);
    const text = complianceText(report, { columns: 100, colour: false });
    expect(text).toMatch(/COMPENSATING +8\.2\.8/);
    expect(text).toContain(`Sessions end at the proxy. -- A. Auditor, ${day(0)}, until ${day(0)}`);
  });
});

describe('the report', () => {
  test('counts what it lists, and all frameworks together', async () => {
    const { report } = await idling();
    const total = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
    for (const { items, undecided, counts } of report.frameworks) {
      const found = Object.fromEntries(
        VERDICTS.map((verdict) => [verdict, items.filter((item) => item.verdict === verdict).length]),
      );
      expect(counts).toEqual({ ...found, not_decided: undecided.length });
      for (const verdict of VERDICTS) total[verdict] = (total[verdict] ?? 0) + counts[verdict];
    }
    expect(report.counts).toEqual(total);
    expect(total.fail).toBeGreaterThan(2);
  });

  test('says of every framework that its numbers have to be compared, and of one that its text was not at hand', async () => {
    const { report } = await idling();
    for (const { caution } of report.frameworks) expect(caution).toMatch(/[Cc]ompare/);
    expect(report.frameworks.find(({ id }) => id === 'nist-800-52')?.caution).toContain('not at hand');
  });

  test('is the same for the same facts', async () => {
    const { facts } = await idling();
    const parts = {
      facts,
      frameworks: FRAMEWORKS,
      version: '1',
      configuration: { file: 'a', digest: 'b', files: [{ file: 'a', sha256: 'c' }], running: RUNNING },
    };
    expect(complianceReport(parts)).toEqual(complianceReport(parts));
  });

  test.each(Object.keys(CASES))('draws no conclusion, whatever comes to pass: %s', async (question) => {
    for (const side of [CASES[question]?.passes ?? {}, CASES[question]?.fails ?? {}]) {
      const { report } = await evaluated(side);
      const style = { columns: 80, colour: false };
      const all = [complianceText(report, style), complianceJson(report), complianceHtml(report)].join('\n');
      expect(all).not.toMatch(
        /\b(?:non-?)?compliant\b|\bcertified\b|\bcertification\b|\bconforms?\b|\battest|\bguarantee/i,
      );
      expect(complianceText(report, style)).toContain('Not looked at');
    }
  });

  test('fits into 80 columns, and into any other number', async () => {
    const { report } = await evaluated(CASES['malware-gates']?.fails ?? {});
    for (const columns of [60, 80, 100]) {
      const lines = complianceText(report, { columns, colour: false }).split('\n');
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
    }
    const coloured = complianceText(report, { columns: 80, colour: true });
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(complianceText(report, { columns: 80, colour: false }));
    expect(coloured).toContain('\x1b[');
  });
});

describe('the JSON', () => {
  test('has the members that docs/compliance.md describes, and no other', async () => {
    const { report } = await idling(control());
    const read: unknown = JSON.parse(complianceJson(report));
    expect(shapeOf(read)).toEqual({
      schema: 'number',
      createdAt: 'string',
      version: 'string',
      configuration: {
        ...{ file: 'string', digest: 'string', files: [{ file: 'string', sha256: 'string' }] },
        running: { gateway: 'string', loaded: 'string', loadedAt: 'object', digest: 'object' },
      },
      scope: ['string'],
      notLookedAt: ['string'],
      counts: COUNTS,
      frameworks: [
        {
          ...{ id: 'string', name: 'string', caution: 'string', counts: COUNTS },
          items: [
            {
              ...{ id: 'string', paragraph: 'string', title: 'string', verdict: 'string', options: ['string'] },
              evidence: [{ option: 'string', value: expect.any(String) }],
              control: 'object',
            },
          ],
          undecided: [expect.objectContaining({ id: 'string', paragraph: 'string', title: 'string', who: 'string' })],
        },
      ],
      notes: [expect.objectContaining({ id: 'string', title: 'string' })],
      warnings: [],
    });
  });
});

const RUNNING = { gateway: 'none', loaded: 'not_found', loadedAt: null, digest: null } as const;

const COUNTS = {
  pass: 'number',
  fail: 'number',
  compensating: 'number',
  not_applicable: 'number',
  not_decided: 'number',
};

/** The types of a value's members; of a list those of its first. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
