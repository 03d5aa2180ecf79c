/** `docs/tls.md` against the profiles that it describes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TLS_PROFILE_NAMES, TLS_PROFILES, type TlsProfile } from '../../src/transport/tls-profiles.ts';

const page = readFileSync(new URL('../../docs/tls.md', import.meta.url), 'utf8');

/** The columns of both tables. */
const COLUMNS = [
  { column: 0, profile: TLS_PROFILES.modern },
  { column: 1, profile: TLS_PROFILES.intermediate },
  { column: 2, profile: TLS_PROFILES['nist-800-52r2'] },
];

/** The rows whose first cell is a name in backquotes, with their cells, of the table that begins with these words. */
function rowsOf(heading: string): string[][] {
  const table = page.slice(page.indexOf(`| ${heading}`)).split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `(\w+)`[^|]* \| (.*) \|$/gm)].map(([, name = '', cells = '']) => [
    name,
    ...cells.split(' | '),
  ]);
}

/** What a profile has in the table, from the top. */
function offered(rows: readonly (readonly string[])[], column: number): string[] {
  return rows.flatMap(([name = '', ...cells]) => (cells[column] === 'yes' ? [name] : []));
}

const hasTls12 = ({ minVersion }: TlsProfile) => minVersion === 'TLSv1.2';

test('the table of profiles has each, with its versions', () => {
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (TLS 1\.[23](?:, TLS 1\.3)?) \|/gm)];
  expect(rows.map(([, name]) => name)).toEqual(TLS_PROFILE_NAMES);
  for (const [, name, versions] of rows) {
    const profile = TLS_PROFILE_NAMES.find((one) => one === name);
    expect(versions).toBe(profile && hasTls12(TLS_PROFILES[profile]) ? 'TLS 1.2, TLS 1.3' : 'TLS 1.3');
  }
});

test.each(COLUMNS)('the suites of column $column are those of the profile, in its order', ({ column, profile }) => {
  expect(offered(rowsOf('suite'), column)).toEqual(
    profile.suites.filter((suite) => hasTls12(profile) || !suite.includes('_WITH_')),
  );
});

test.each(COLUMNS)('the groups of column $column are those of the profile, in its order', ({ column, profile }) => {
  expect(offered(rowsOf('group'), column)).toEqual([...profile.hybridGroups, ...profile.groups]);
});

test('fips offers what nist-800-52r2 does, as the tables say', () => {
  expect(TLS_PROFILES.fips).toEqual(TLS_PROFILES['nist-800-52r2']);
});
