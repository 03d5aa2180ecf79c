/** `docs/intake.md` is taken at its word: its examples are right, and the first one does what the table says. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { allowWarnings } from '../../src/config/allow-warnings.ts';
import { PROFILE_NAMES } from '../../src/intake/intake-directive.ts';
import { resolvedIntake } from '../../src/intake/policy/profiles.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { blocksOf, configured } from '../fixtures/page-examples.ts';
import { rowsOf, textOf } from './tables.ts';

const page = textOf('docs/intake.md');

/** What is said where no account stands, is said of all that is there. */
const examples = blocksOf(page, 'yaml');

test('every example is right, and gives no letter in vain', () => {
  expect(examples).toHaveLength(5);
  for (const example of examples) expect(allowWarnings(configured(example).source), example).toEqual([]);
});

test('the table of the profiles says what they choose', () => {
  const rows = new Map(rowsOf(page, 6).map(([name = '', ...cells]) => [name, cells]));
  for (const [index, profile] of PROFILE_NAMES.entries()) {
    const intake = resolvedIntake({ profile });
    const cell = (name: string) => rows.get(name)?.[index];
    expect(cell('`collision`'), profile).toBe(intake.collision);
    expect(cell('`on_incomplete`'), profile).toBe(intake.onIncomplete ?? 'as the account');
    expect(cell('`receipts`'), profile).toBe(intake.receipts);
    expect(cell('`receipt_in_reply`'), profile).toBe(intake.receiptInReply);
    const left = cell('letters that it leaves')?.replace(/[` ]/g, '');
    expect([...(left === 'all' ? 'elradfmwMT' : (left ?? ''))].sort(), profile).toEqual(
      [...(intake.left ?? [])].sort(),
    );
  }
});

test('the account of the first example hands in, fetches and deletes what it has fetched, and nothing else', async () => {
  const [account] = configured(examples[0] ?? '').options.users ?? [];
  const { name: _name, home: _home, passwordHash: _hash, ...said } = account ?? expect.unreachable('no account');
  const gateway = await startGateway({ stateDirectory: join(await temporaryFolder(), 'state') }, said);
  for (const folder of ['in', 'out']) await mkdir(join(gateway.home, folder));
  await writeFile(join(gateway.home, 'out', 'invoice.csv'), 'invoice');
  const client = await RawClient.login(gateway);
  onTestFinished(() => client.close());
  expect(await client.upload('STOR /in/a.csv', 'a,b')).toMatch(/^553/);
  expect(await client.upload('STOR /in/a.xml', 'a,b')).toMatch(/550/);
  expect(await client.upload('STOR /in/a.xml', '<?xml version="1.0"?><a/>')).toMatch(/226/);
  expect(await client.upload('STOR /in/a.xml', '<?xml version="1.0"?><b/>')).toMatch(/553/);
  for (const line of ['DELE /in/a.xml', 'SIZE /in/a.xml']) expect(await client.send(line), line).toMatch(/^550/);
  expect((await client.download('LIST /in')).reply).toMatch(/550/);
  expect(await client.upload('STOR /out/mine.csv', 'x')).toMatch(/^550/);
  expect((await client.download('RETR /out/invoice.csv')).data.toString()).toBe('invoice');
  expect(await client.send('DELE /out/invoice.csv')).toMatch(/^250/);
});
