/** What has to be kept: promises that last, and every way round them on a real disk. */
import { appendFile, mkdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DiskPlace } from '../../src/intake/policy/disk-place.ts';
import { retainingFiles } from '../../src/intake/policy/retaining-files.ts';
import { RetentionBook } from '../../src/intake/policy/retention.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { makeFolder } from './doors.ts';
import { at, ending, upload } from './policy-parts.ts';

const DAY_MS = 86_400_000;

const books: RetentionBook[] = [];
afterEach(async () => {
  for (const book of books.splice(0)) await book.close();
});

/** A book that is closed behind the test. */
async function openBook(directory: string, clock: FakeClock): Promise<RetentionBook> {
  const book = await RetentionBook.open(directory, clock);
  books.push(book);
  return book;
}
const place = (text: string) => text as DiskPlace;

describe('the book', () => {
  test('without a folder nothing can be promised, and so nothing is published', async () => {
    const book = RetentionBook.without(new FakeClock());
    let published = false;
    const attempt = book.keep(place('/a'), { days: 1 }, async () => {
      published = true;
    });
    await expect(attempt).rejects.toMatchObject({
      kind: 'Local',
      cause: { message: expect.stringContaining('state_directory') },
    });
    expect(published).toBe(false);
    expect(book.untilMs(place('/a'))).toBeUndefined();
  });

  test('where others go by what was promised until now, nothing more is, and what was still holds', async () => {
    const directory = makeFolder();
    const clock = new FakeClock();
    const book = await openBook(directory, clock);
    await book.keep(place('/in/a'), { days: 2 }, async () => undefined);
    const reader = await RetentionBook.reading(directory, clock);
    book.seal();
    let published = false;
    const attempt = book.keep(place('/in/b'), { days: 1 }, async () => {
      published = true;
    });
    await expect(attempt).rejects.toMatchObject({ kind: 'FileBusy' });
    expect(published).toBe(false);
    for (const one of [book, reader]) {
      expect(one.untilMs(place('/in/a'))).toBe(clock.now() + 2 * DAY_MS);
      expect(one.untilMs(place('/in/b'))).toBeUndefined();
    }
    await expect(reader.keep(place('/in/c'), { days: 1 }, async () => undefined)).rejects.toMatchObject({
      kind: 'Local',
    });
    await expect(reader.change([place('/in/a')], async () => undefined)).rejects.toMatchObject({ kind: 'Retained' });
  });

  test('a promise is on the disk before anything is published', async () => {
    const directory = makeFolder();
    const clock = new FakeClock();
    const book = await openBook(directory, clock);
    await book.keep(place('/in/a'), { days: 2 }, async () => {
      const written = await readFile(join(directory, 'book.jsonl'), 'utf8');
      expect(JSON.parse(written)).toEqual({ place: '/in/a', until: clock.now() + 2 * DAY_MS });
    });
    expect((await stat(join(directory, 'book.jsonl'))).mode & 0o777).toBe(0o600);
    await book.close();
  });

  test('it stands behind a restart, and ends in its time', async () => {
    const directory = makeFolder();
    const clock = new FakeClock();
    const first = await openBook(directory, clock);
    await first.keep(place('/in/deep/a'), { days: 2 }, async () => undefined);
    await first.close();
    const second = await openBook(directory, clock);
    expect(second.untilMs(place('/in/deep/a'))).toBe(clock.now() + 2 * DAY_MS);
    expect(second.untilMs(place('/in/deep/b'))).toBeUndefined();
    for (const around of ['/', '/in', '/in/deep']) expect(second.untilWithinMs(place(around))).toBeDefined();
    expect(second.untilWithinMs(place('/out'))).toBeUndefined();
    clock.advance(2 * DAY_MS);
    expect(second.untilMs(place('/in/deep/a'))).toBeUndefined();
    expect(second.untilWithinMs(place('/in'))).toBeUndefined();
    await second.close();
    const third = await openBook(directory, clock);
    expect(third.empty).toBe(true);
    expect(await readFile(join(directory, 'book.jsonl'), 'utf8')).toBe('');
    await third.close();
  });

  test('a promise is never made shorter', async () => {
    const clock = new FakeClock();
    const book = await openBook(makeFolder(), clock);
    await book.keep(place('/a'), { days: 10 }, async () => undefined);
    await book.keep(place('/a'), { days: 1 }, async () => undefined);
    expect(book.untilMs(place('/a'))).toBe(clock.now() + 10 * DAY_MS);
    await book.close();
  });

  test('what was not published is not kept, unless another was of that name', async () => {
    const directory = makeFolder();
    const book = await openBook(directory, new FakeClock());
    const failing = (name: string) =>
      book.keep(place(name), { days: 1 }, async () => {
        throw new Fault('FileExists');
      });
    expect(await ending(failing('/a'))).toBe('FileExists');
    expect(book.untilMs(place('/a'))).toBeUndefined();
    const both = [book.keep(place('/b'), { days: 1 }, async () => undefined), ending(failing('/b'))];
    await Promise.all(both);
    expect(book.untilMs(place('/b'))).toBeDefined();
    await book.close();
    const again = await openBook(directory, new FakeClock());
    expect([again.untilMs(place('/a')), again.untilMs(place('/b'))]).toEqual([undefined, expect.any(Number)]);
    await again.close();
  });

  test('a promise stands when nobody can say whether the file has its name', async () => {
    const book = await openBook(makeFolder(), new FakeClock());
    const attempt = book.keep(place('/a'), { days: 1 }, async () => {
      throw new Fault('Local');
    });
    expect(await ending(attempt)).toBe('Local');
    expect(book.untilMs(place('/a'))).toBeDefined();
  });

  test('a line that a crash cut short is no promise; any other that is wrong stops the start', async () => {
    const directory = makeFolder();
    const clock = new FakeClock();
    const book = await openBook(directory, clock);
    await book.keep(place('/a'), { days: 1 }, async () => undefined);
    await book.close();
    await appendFile(join(directory, 'book.jsonl'), '{"place":"/b","unt');
    const again = await openBook(directory, clock);
    expect([again.untilMs(place('/a')), again.untilMs(place('/b'))]).toEqual([expect.any(Number), undefined]);
    await again.close();
    await appendFile(join(directory, 'book.jsonl'), 'not ours\n');
    await expect(RetentionBook.open(directory, clock)).rejects.toThrow('book.jsonl:2 ');
  });

  test('a change that began before a promise is over before the file is published', async () => {
    const book = await openBook(makeFolder(), new FakeClock());
    const { promise, resolve } = Promise.withResolvers<void>();
    const order: string[] = [];
    const change = book.change([place('/in')], () => promise.then(() => void order.push('changed')));
    const publication = book.keep(place('/in/a'), { days: 1 }, async () => void order.push('published'));
    expect(await ending(book.change([place('/in')], async () => void order.push('late')))).toBe('Retained');
    resolve();
    await Promise.all([change, publication]);
    expect(order).toEqual(['changed', 'published']);
    await book.close();
  });

  test('whatever is promised in whatever order, a restart knows the same', async () => {
    const names = fc.constantFrom('/a', '/in/a', '/in/b', '/in/deep/c', '//memory/in/a');
    const promises = fc.array(fc.tuple(names, fc.integer({ min: 1, max: 5 }), fc.boolean()), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(promises, async (all) => {
        const directory = makeFolder();
        const clock = new FakeClock();
        const book = await openBook(directory, clock);
        await Promise.allSettled(
          all.map(([name, days, ok]) =>
            book.keep(place(name), { days }, async () => {
              if (!ok) throw new Fault('FileExists');
            }),
          ),
        );
        const places = ['/a', '/in/a', '/in/b', '/in/deep/c', '//memory/in/a', '/', '/in', '/in/deep', '//memory'];
        const known = (one: RetentionBook) =>
          places.map((text) => [one.untilMs(place(text)), one.untilWithinMs(place(text))]);
        const before = known(book);
        await book.close();
        const again = await openBook(directory, clock);
        expect(known(again)).toEqual(before);
        await again.close();
      }),
      { numRuns: 30 },
    );
  });
});

interface Kept {
  readonly home: string;
  readonly clock: FakeClock;
  readonly book: RetentionBook;
  /** The files of an account whose home this is. */
  filesIn(home: string, days?: number, collision?: 'replace' | 'version', account?: string): FileSystem;
}

async function kept(): Promise<Kept> {
  const home = join(makeFolder(), 'home');
  await mkdir(join(home, 'in'), { recursive: true });
  const clock = new FakeClock();
  const book = await openBook(makeFolder(), clock);
  return {
    home,
    clock,
    book,
    filesIn: (root, days, collision = 'replace', account = 'partner') =>
      retainingFiles(localFiles({ root, owner: account }), {
        account,
        book,
        intakeAt: async () => ({ retainDays: days, collision }),
      }),
  };
}

const REPLACE = { from: 'empty', existing: 'replace' } as const;

/** Everything that takes a file away or changes it, through files that begin at `/` of the home. */
const WAYS: Readonly<Record<string, (files: FileSystem, below: string) => Promise<unknown> | undefined>> = {
  'delete it': (files, below) => files.removeFile(at(`${below}/a`)),
  'overwrite it': (files, below) => upload(files, `${below}/a`, 'new'),
  'append to it': (files, below) => upload(files, `${below}/a`, 'new', { from: 'append', existing: 'replace' }),
  'go on behind its beginning': (files, below) =>
    upload(files, `${below}/a`, 'new', { from: 'restart', offsetBytes: 1, existing: 'replace' }),
  'rename it': (files, below) => files.rename(at(`${below}/a`), at(`${below}/b`), 'keep'),
  'rename another over it': async (files, below) => {
    await upload(files, '/other', 'other');
    await files.rename(at('/other'), at(`${below}/a`), 'replace');
  },
  'change its bits': (files, below) => files.setMode(at(`${below}/a`), 0o777),
  'change its time': (files, below) => files.setModified(at(`${below}/a`), 0),
  'remove its directory with it': (files, below) => files.removeTree?.(at(below), 100),
  'rename its directory': (files, below) => files.rename(at(below), at('/elsewhere'), 'keep'),
};

describe('a file that has to be kept', () => {
  test.each(Object.entries(WAYS))('nobody may %s, until its time', async (_, way) => {
    const { home, clock, filesIn } = await kept();
    await upload(filesIn(home, 3), '/in/a', 'kept');
    // What the configuration says by now does not matter.
    const files = filesIn(home);
    await expect(way(files, '/in')).rejects.toMatchObject({
      kind: 'Retained',
      text: 'What is there has to be kept until 2026-01-04T00:00:00Z and may not be changed before.',
    });
    clock.advance(3 * DAY_MS - 1);
    expect(await ending(Promise.resolve(way(files, '/in')))).toBe('Retained');
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('kept');
    clock.advance(1);
    expect(await ending(Promise.resolve(way(files, '/in')))).toBe('done');
  });

  test.each(Object.entries(WAYS))('an account whose home overlaps may not %s', async (_, way) => {
    const { home, filesIn } = await kept();
    await upload(filesIn(home, 3), '/in/a', 'kept');
    expect(await ending(Promise.resolve(way(filesIn(join(home, '..')), '/home/in')))).toBe('Retained');
    await symlink(home, join(home, '../alias'));
    expect(await ending(Promise.resolve(way(filesIn(join(home, '../alias')), '/in')))).toBe('Retained');
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('kept');
  });

  test.each(['delete it', 'overwrite it', 'append to it', 'rename it', 'change its bits', 'change its time'])(
    'nobody may %s through a link to its directory',
    async (name) => {
      const { home, filesIn } = await kept();
      await upload(filesIn(home, 3), '/in/a', 'kept');
      await symlink(join(home, 'in'), join(home, 'link'));
      expect(await ending(Promise.resolve(WAYS[name]?.(filesIn(home), '/link')))).toBe('Retained');
    },
  );

  test('a link to it changes nothing of it, and may go away itself', async () => {
    const { home, filesIn } = await kept();
    await upload(filesIn(home, 3), '/in/a', 'kept');
    await symlink(join(home, 'in/a'), join(home, 'link'));
    const files = filesIn(home);
    expect(await ending(files.setModified(at('/link'), 0))).toBe('Retained');
    expect(await ending(files.setMode(at('/link'), 0o777))).toBe('Retained');
    expect(await ending(upload(files, '/link', 'new'))).toBe('Retained');
    expect(await ending(files.removeFile(at('/link')))).toBe('done');
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('kept');
  });

  test('what lies beside it is nobody’s business, and versions may come', async () => {
    const { home, filesIn } = await kept();
    await upload(filesIn(home, 3), '/in/a', 'kept');
    const files = filesIn(home);
    await upload(files, '/in/b', 'other');
    await files.rename(at('/in/b'), at('/in/c'), 'keep');
    await files.removeFile(at('/in/c'));
    const staged = await filesIn(home, 3, 'version').stage(at('/in/a'), REPLACE);
    await staged.write([Buffer.from('second')]);
    await staged.hold?.('0123456789abcdef01234567');
    const held = await filesIn(home, 3, 'version').held?.(at('/in/a'), '0123456789abcdef01234567');
    expect(await ending(held?.publish(at('/in/a'), 'replace') ?? Promise.reject())).toBe('Retained');
    await held?.publish(at('/in/a~2'), 'keep');
    await held?.close();
    expect(await ending(files.removeFile(at('/in/a~2')))).toBe('Retained');
  });

  test('a file that was there before it was asked for is not kept, and what takes its place is', async () => {
    const { home, filesIn } = await kept();
    await writeFile(join(home, 'in/a'), 'old');
    const files = filesIn(home, 1);
    await upload(files, '/in/a', 'new');
    expect(await ending(upload(files, '/in/a', 'newer'))).toBe('Retained');
  });

  test('storage without a disk is told apart by account', async () => {
    const { book } = await kept();
    const memory = new MemoryFiles();
    const filesOf = (account: string, days?: number) =>
      retainingFiles(memory, { account, book, intakeAt: async () => ({ retainDays: days, collision: 'replace' }) });
    await upload(filesOf('alice', 1), '/a', 'kept');
    expect(await ending(filesOf('alice').removeFile(at('/a')))).toBe('Retained');
  });
});

describe('a file that is held before it is published', () => {
  const ID = '0123456789abcdef01234567';
  const hold = async (files: FileSystem) => {
    const staged = await files.stage(at('/in/a'), REPLACE);
    await staged.write([Buffer.from('held')]);
    await staged.hold?.(ID);
  };

  test('is kept from its publication on, also when a later process publishes it', async () => {
    const { home } = await kept();
    const folder = makeFolder();
    const clock = new FakeClock();
    const first = await openBook(folder, clock);
    const parts = { account: 'partner', intakeAt: async () => ({ retainDays: 2, collision: 'refuse' as const }) };
    await hold(retainingFiles(localFiles({ root: home, owner: 'partner' }), { ...parts, book: first }));
    await first.close();
    clock.advance(5 * DAY_MS);
    const book = await openBook(folder, clock);
    const later = retainingFiles(localFiles({ root: home, owner: 'partner' }), { account: 'partner', book });
    const held = await later.held?.(at('/in/a'), ID);
    await held?.publish(at('/in/a'), 'keep');
    await held?.close();
    expect(book.untilMs(place(join(await realpath(home), 'in/a')))).toBe(clock.now() + 2 * DAY_MS);
    expect(book.held(ID)).toBeUndefined();
    expect(await ending(later.removeFile(at('/in/a')))).toBe('Retained');
    await book.close();
  });

  test('may go on where its own promise stands, when a crash came between promise and name', async () => {
    const { home, book, filesIn } = await kept();
    await writeFile(join(home, 'in/a'), 'old');
    await hold(filesIn(home, 2));
    const target = place(join(await realpath(home), 'in/a'));
    // As a crash leaves it: promised, and not renamed.
    await book.keep(target, { days: 2, id: ID }, async () => undefined);
    const held = await filesIn(home, 2).held?.(at('/in/a'), ID);
    await held?.publish(at('/in/a'), 'replace');
    await held?.close();
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('held');
    expect(await ending(upload(filesIn(home), '/in/a', 'new'))).toBe('Retained');
  });

  test('is forgotten when it is destroyed', async () => {
    const { home, book, filesIn } = await kept();
    await hold(filesIn(home, 2));
    expect(book.held(ID)?.days).toBe(2);
    const held = await filesIn(home).held?.(at('/in/a'), ID);
    await held?.destroy();
    await held?.close();
    expect(book.held(ID)).toBeUndefined();
  });
});

test('a promise without a file keeps nothing from being uploaded', async () => {
  const { home, filesIn } = await kept();
  await upload(filesIn(home, 2), '/in/a', 'kept');
  await rm(join(home, 'in/a'));
  await upload(filesIn(home), '/in/a', 'new');
  expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('new');
});

describe('who comes at the same time', () => {
  test.each(['uploads over it', 'renames another over it'])(
    'another %s, and loses neither of the files',
    async (way) => {
      const { home, filesIn } = await kept();
      const files = filesIn(home, undefined, 'replace', 'boss');
      await upload(files, '/in/other', 'other');
      const first = await filesIn(home, 3).stage(at('/in/a'), REPLACE);
      await first.write([Buffer.from('kept')]);
      const second = await files.stage(at('/in/a'), REPLACE);
      await second.write([Buffer.from('new')]);
      const others = () =>
        way === 'uploads over it' ? second.commit() : files.rename(at('/in/other'), at('/in/a'), 'replace');
      const [committed, changed] = await Promise.all([ending(first.commit()), ending(others())]);
      await second.abort('remove').catch(() => 0);
      expect(committed).toBe('done');
      // Whoever was earlier is replaced; whoever was later is refused.
      if (changed !== 'done') expect(['Retained', 'FileExists']).toContain(changed);
      expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('kept');
    },
  );

  test('a rename that has begun is over before the file that is to be kept gets its name', async () => {
    const { home, book, filesIn } = await kept();
    await upload(filesIn(home, 1), '/in/first', 'so that the book is not empty');
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    const local = localFiles({ root: home, owner: 'boss' });
    const slow = decorate(local, {
      rename: async (from, to, existing) => {
        await goOn;
        await local.rename(from, to, existing);
      },
    });
    const boss = retainingFiles(slow, { account: 'boss', book });
    await upload(filesIn(home), '/in/other', 'other');
    const staged = await filesIn(home, 3).stage(at('/in/a'), REPLACE);
    await staged.write([Buffer.from('kept')]);
    const began = vi.spyOn(book, 'change');
    const renamed = boss.rename(at('/in/other'), at('/in/a'), 'replace');
    await vi.waitFor(() => expect(began).toHaveBeenCalled());
    const committed = staged.commit();
    const target = place(join(await realpath(home), 'in/a'));
    await vi.waitFor(() => expect(book.untilMs(target)).toBeDefined());
    const published = await Promise.race([committed.then(() => true), turnsOfTheLoop(200).then(() => false)]);
    expect(published).toBe(false);
    resolve();
    await Promise.all([renamed, committed]);
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('kept');
  });

  test('of two files that are both to be kept under one name, the second is refused', async () => {
    const { home, filesIn } = await kept();
    await symlink(home, join(home, '../alias'));
    const writes = await Promise.all(
      [home, join(home, '../alias')].map(async (root, index) => {
        const staged = await filesIn(root, 3, 'replace', `partner ${index}`).stage(at('/in/a'), REPLACE);
        await staged.write([Buffer.from(`of ${index}`)]);
        return staged;
      }),
    );
    const endings = await Promise.all(writes.map((staged) => ending(staged.commit())));
    for (const staged of writes) await staged.abort('remove').catch(() => 0);
    expect(endings.toSorted()).toEqual(['Retained', 'done']);
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe(`of ${endings.indexOf('done')}`);
  });

  test('where a promise stands without its file, nothing that comes meanwhile is replaced', async () => {
    const { home, book, filesIn } = await kept();
    await book.keep(place(join(await realpath(home), 'in/a')), { days: 1 }, async () => undefined);
    const files = filesIn(home);
    await upload(files, '/in/other', 'other');
    const staged = await files.stage(at('/in/a'), REPLACE);
    await writeFile(join(home, 'in/a'), 'come meanwhile');
    expect(await ending(staged.commit())).toBe('FileExists');
    await staged.abort('remove');
    expect(await ending(files.rename(at('/in/other'), at('/in/a'), 'replace'))).toBe('Retained');
    expect(await readFile(join(home, 'in/a'), 'utf8')).toBe('come meanwhile');
  });
});

test('a link by which an account comes to its home stays as long as what lies there', async () => {
  const { home, clock, filesIn } = await kept();
  await upload(filesIn(home, 3), '/in/a', 'kept');
  await symlink(home, join(home, '../alias'));
  const around = filesIn(join(home, '..'));
  expect(await ending(around.rename(at('/alias'), at('/gone'), 'keep'))).toBe('Retained');
  expect(await ending(around.removeFile(at('/alias')))).toBe('Retained');
  clock.advance(3 * DAY_MS);
  expect(await ending(around.rename(at('/alias'), at('/gone'), 'keep'))).toBe('done');
});

/** Long enough for whatever waits for nothing but the disk. */
async function turnsOfTheLoop(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await stat('/');
}
