/** Promises that somebody cut out of their book, and that the audit log still knows. */
import { readFile, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { NameTurns } from '../../src/intake/doors/name-turns.ts';
import type { DiskPlace } from '../../src/intake/policy/disk-place.ts';
import { retainingFiles } from '../../src/intake/policy/retaining-files.ts';
import { RetentionBook } from '../../src/intake/policy/retention.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import { makeFolder, openDoors, settingsWith, use } from './doors.ts';
import { at, ending, upload } from './policy-parts.ts';

const DAY_MS = 86_400_000;
const books: RetentionBook[] = [];
afterEach(async () => {
  for (const book of books.splice(0)) await book.close();
});

/** Doors in front of a disk on which files are kept for three days. */
async function keeping() {
  const [home, folder] = [makeFolder(), makeFolder()];
  const clock = new FakeClock();
  const file = join(folder, 'book.jsonl');
  const open = async () => {
    const book = await RetentionBook.open(folder, clock);
    books.push(book);
    return book;
  };
  const filesWith = (book: RetentionBook, root = home, account = 'partner') =>
    retainingFiles(localFiles({ root, owner: account }), {
      ...{ account, book },
      intakeAt: async () => ({ retainDays: 3, collision: 'replace' }),
    });
  let book = await open();
  const storage = filesWith(book);
  const settings = () => settingsWith({ retainDays: 3 });
  const doors = await openDoors({ storage, clock, settings });
  const placeFor = async (name: string) => join(await realpath(home), name) as DiskPlace;
  /** As the next start: the book is read, and held against the log. */
  const restart = async () => {
    await books.pop()?.close();
    book = await open();
    return { book, restored: await doors.intake.restorePromises(book) };
  };
  /** An account's files behind the doors, with the book as it is now. */
  const behind = (root = home, account = 'partner'): FileSystem => {
    const files = filesWith(book, root, account);
    return doors.intake.files(files, use({}, files));
  };
  return { home, clock, file, doors, behind, placeFor, restart };
}

test('the record of what has to be kept says until when', async () => {
  const { doors, clock, behind } = await keeping();
  await upload(behind(), '/a', 'kept');
  const record = JSON.parse(doors.receipts.written[0]?.text.split('\n', 1)[0] ?? '');
  expect(record).toMatchObject({
    event: 'upload.published',
    object: { retain_until: new Date(clock.now() + 3 * DAY_MS).toISOString() },
  });
});

test.each([
  ['removed', ['a', 'b', 'c', 'd'], (file: string) => rm(file)],
  ['emptied', ['a', 'b', 'c', 'd'], (file: string) => truncate(file)],
  ['cut at its end', ['c', 'd'], (file: string) => rewrite(file, (lines) => lines.slice(0, indexOf(lines, '/c"')))],
  ['robbed of a line', ['b'], (file: string) => rewrite(file, (lines) => lines.toSpliced(indexOf(lines, '/b"'), 1))],
] as const)('a book that was %s is made again from the log, loudly', async (_, missing, cut) => {
  const { doors, behind, file, clock, placeFor, restart } = await keeping();
  for (const name of ['/a', '/b']) await upload(behind(), name, 'kept');
  expect((await restart()).restored).toBe(0);
  for (const name of ['/c', '/d']) await upload(behind(), name, 'kept');
  await cut(file);
  const { book, restored } = await restart();
  expect(restored).toBe(missing.length);
  for (const name of ['a', 'b', 'c', 'd']) {
    expect(book.untilMs(await placeFor(name)), name).toBe(clock.now() + 3 * DAY_MS);
  }
  const told = doors.log.entries.filter(({ event }) => event === 'retention.restored');
  expect(told.map(({ fields }) => fields.path)).toEqual(missing.map((name) => `/${name}`));
  expect((await restart()).restored).toBe(0);
});

test('what was taken back, and what need not be kept any more, is not promised again', async () => {
  const { behind, clock, file, placeFor, restart } = await keeping();
  await upload(behind(), '/a', 'kept');
  expect(await ending(upload(behind(), '/a', 'refused'))).toBe('Retained');
  clock.advance(3 * DAY_MS);
  await upload(behind(), '/b', 'kept');
  await rm(file);
  const { book, restored } = await restart();
  expect(restored).toBe(1);
  expect(book.untilMs(await placeFor('a'))).toBeUndefined();
});

test('the log is not read again from its beginning', async () => {
  const { doors, behind, restart } = await keeping();
  await upload(behind(), '/a', 'kept');
  const { book } = await restart();
  expect(book.knownTo).toBe(doors.audit.size);
});

test('two accounts that come to one name by a link have one turn, and no receipt is for what is gone', async () => {
  const { home, doors, behind } = await keeping();
  const alias = join(dirname(home), `${Date.now()}-alias`);
  await symlink(home, alias);
  try {
    const endings = await Promise.all([
      ending(upload(behind(), '/a', 'first')),
      ending(upload(behind(alias, 'second'), '/a', 'second')),
    ]);
    expect(endings.toSorted()).toEqual(['Retained', 'done']);
    expect(doors.receipts.written).toHaveLength(1);
    expect(await readFile(join(home, 'a'), 'utf8')).toBe(endings[0] === 'done' ? 'first' : 'second');
  } finally {
    await rm(alias);
  }
});

test('a name that is chosen through one home waits for who has chosen it through another', async () => {
  const home = makeFolder();
  const alias = `${home}-alias`;
  await symlink(home, alias);
  try {
    const turns = new NameTurns();
    const choose = (root: string) =>
      turns.choose(localFiles({ root, owner: root }), { account: root, path: at('/a'), collision: 'version' });
    using first = await choose(home);
    using second = await choose(alias);
    expect([first.path, second.path]).toEqual(['/a', '/a~2']);
  } finally {
    await rm(alias);
  }
});

async function rewrite(file: string, choose: (lines: readonly string[]) => readonly string[]): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    file,
    choose(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** The line of a promise: what is held before it has its own. */
function indexOf(lines: readonly string[], text: string): number {
  return lines.findIndex((line) => line.startsWith('{"place"') && line.includes(text));
}
