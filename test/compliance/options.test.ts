/** What may stand under `compliance`, and where a mistake is told. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { selfSigned, temporaryFolder } from '../config/temporary-folder.ts';

const day = 86_400_000;
const { certificate, key } = selfSigned(new Date(Date.now() - day), new Date(Date.now() + 90 * day));

/** The lines that are told of a configuration with these lines. */
async function told(...lines: readonly string[]): Promise<readonly string[]> {
  const yaml = ['listen: [{ port: 2121 }]', 'tls: { certificate_file: c, key_file: k }', 'compliance:', ...lines];
  const folder = await temporaryFolder({ c: certificate, k: key, 'sallyport.yaml': `${yaml.join('\n')}\n` });
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'));
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  return problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

test.each([
  [
    'item: nist-800-53-au-10-receipts, control: Yes.',
    'date: 2026-02-30',
    '4:88 compliance[0].date: must be a day, such as 2026-03-01',
  ],
  [
    'item: nist-800-53-au-10-receipts, control: Yes.',
    'date: 1.3.2026',
    '4:88 compliance[0].date: must be a day, such as 2026-03-01',
  ],
  [
    'item: nist-800-53-au-10-receipts, control: Yes.',
    'date: 2026-02-01, expires: 2026-01-31',
    '4:109 compliance[0].expires: is before date',
  ],
  [
    'item: nist-800-53-au-10-receipts, control: " "',
    'date: 2026-02-01',
    '4:49 compliance[0].control: must have at least 1 characters',
  ],
  [
    'item: AU-10, control: Yes.',
    'date: 2026-02-01',
    '4:11 compliance[0].item: must be the id of an item, as the report shows it',
  ],
  [
    'item: nist-800-53-au-10-receipts, controls: Yes.',
    'date: 2026-02-01',
    '4:40 compliance[0].controls: is not a known key; did you mean control?',
  ],
])('refused is %s %s', async (start, end, problem) => {
  const lines = await told(`  - { ${start}, author: "A. Auditor, Inc.", ${end} }`);
  expect(lines.map((line) => line.replace(/^4:\d+/, '4'))).toContain(problem.replace(/^4:\d+/, '4'));
});

test('one item has one control', async () => {
  const one = '  - { item: nist-800-53-au-10-receipts, control: Yes., author: A, date: 2026-02-01 }';
  expect(await told(one, one)).toEqual(['5:13 compliance[1].item: has a control already']);
});

test('an item that there is not is warned of where it stands, and nothing is refused for it', async () => {
  const lines = await told('  - { item: nist-800-53-au-10-receipt, control: Yes., author: A, date: 2026-02-01 }');
  expect(lines).toEqual([
    '4:13 compliance[0].item: warning: there is no item nist-800-53-au-10-receipt; did you mean nist-800-53-au-10-receipts?',
  ]);
});

test('a text of several lines is taken', async () => {
  const text = ['    control: >', '      What is done', '      instead.'];
  expect(await told('  - item: nist-800-53-au-10-receipts', ...text, '    author: A', '    date: 2026-02-01')).toEqual(
    [],
  );
});
