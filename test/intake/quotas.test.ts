/** Sizes, kinds and quotas: what an upload has to keep within, however many run at once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policedFiles } from '../../src/intake/policy/policy.ts';
import { QuotaBook } from '../../src/intake/policy/quota-book.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { arrivalOf } from './doors.ts';
import { at, ending, type Sections, settingsOf, upload, useOf } from './policy-parts.ts';

interface Policed {
  readonly files: FileSystem;
  readonly disk: MemoryFiles;
  readonly clock: FakeClock;
}

function policed(sections: Sections, disk = new MemoryFiles()): Policed {
  const clock = new FakeClock();
  const parts = { settings: () => settingsOf(sections), quotas: new QuotaBook(clock) };
  return { files: policedFiles(disk, useOf(disk), parts), disk, clock };
}

function amount(disk: MemoryFiles, below = '/'): { bytes: number; files: number } {
  const paths = disk.files.filter((path) => path.startsWith(below));
  return { bytes: paths.reduce((sum, path) => sum + (disk.bytesOf(path)?.length ?? 0), 0), files: paths.length };
}

describe('sizes', () => {
  test('a file that is too large is refused with the first byte too many', async () => {
    const { files, disk } = policed({ '/': { bytesMax: 4 } });
    const staged = await files.stage(at('/a'), { from: 'empty', existing: 'replace' });
    await staged.write([Buffer.from('1234')]);
    await expect(staged.write([Buffer.from('5')])).rejects.toMatchObject({
      kind: 'QuotaExceeded',
      text: 'Files here may have up to 4 bytes; nothing was published.',
    });
    await staged.abort('remove');
    expect(disk.files).toEqual([]);
  });

  test('what an upload begins with counts', async () => {
    const { files } = policed({ '/': { bytesMax: 4 } }, new MemoryFiles().put(at('/a'), '1234'));
    expect(await ending(upload(files, '/a', '5', { from: 'append', existing: 'replace' }))).toBe('QuotaExceeded');
    const long = policed({ '/': { bytesMax: 3 } }, new MemoryFiles().put(at('/a'), '1234'));
    expect(await ending(long.files.stage(at('/a'), { from: 'append', existing: 'replace' }))).toBe('QuotaExceeded');
  });

  test('a file that is too small is refused when it is whole', async () => {
    const { files, disk } = policed({ '/': { bytesMin: 3 } });
    await expect(upload(files, '/a', '12')).rejects.toMatchObject({
      kind: 'ContentRefused',
      text: 'Files here have at least 3 bytes; nothing was published.',
    });
    expect(disk.files).toEqual([]);
    await upload(files, '/a', '123');
  });
});

describe('kinds', () => {
  test('a file of another kind is refused when it is whole, and its name does not help', async () => {
    const { files, disk } = policed({ '/': { types: ['pdf', 'xml'] } });
    await expect(upload(files, '/a.pdf', 'MZ')).rejects.toMatchObject({
      kind: 'ContentRefused',
      text: 'Files here are PDF, XML; this one is not. Nothing was published.',
    });
    expect(disk.files).toEqual([]);
    await upload(files, '/a.bin', ['%', 'PDF-', '1.7']);
  });

  test('a resumed upload is judged by its beginning, not by what came last', async () => {
    const disk = new MemoryFiles().putPartial(at('/a'), '%PDF-1.7').putPartial(at('/b'), 'MZ');
    const { files } = policed({ '/': { types: ['pdf'] } }, disk);
    const request = { from: 'restart', existing: 'replace' } as const;
    await upload(files, '/a', 'more', { ...request, offsetBytes: 8 });
    expect(await ending(upload(files, '/b', '%PDF-', { ...request, offsetBytes: 2 }))).toBe('ContentRefused');
  });
});

describe('quotas', () => {
  test('a place that is full says so before anything is sent', async () => {
    const disk = new MemoryFiles().put(at('/in/sub/a'), '1234').put(at('/b'), '12345678');
    const { files } = policed({ '/in': { quotaBytes: 4 } }, disk);
    const request = { from: 'empty', existing: 'replace' } as const;
    expect(await ending(files.stage(at('/in/b'), request))).toBe('QuotaExceeded');
    expect(await ending(files.stage(at('/in/sub/b'), request))).toBe('QuotaExceeded');
    await upload(files, '/c', '1234');
    // In the place of a file there is room for as much again.
    await upload(files, '/in/sub/a', 'abcd');
    expect(await ending(upload(files, '/in/sub/a', 'abcde'))).toBe('QuotaExceeded');
  });

  test('files are counted as well', async () => {
    const { files } = policed({ '/in': { quotaFiles: 2 } }, new MemoryFiles().put(at('/in/a'), ''));
    await upload(files, '/in/b', 'b');
    expect(await ending(upload(files, '/in/c', 'c'))).toBe('QuotaExceeded');
    await upload(files, '/in/b', 'bbb');
    await files.removeFile(at('/in/a'));
    await upload(files, '/in/c', 'c');
  });

  test('an inner quota stands beside the outer one', async () => {
    const sections = { '/': { quotaBytes: 10 }, '/in': { quotaBytes: 20 } };
    const { files } = policed(sections, new MemoryFiles().put(at('/in/a'), '12345678'));
    expect(await ending(upload(files, '/in/b', '123'))).toBe('QuotaExceeded');
    expect(await files.freeBytes(at('/in'))).toBe(2);
    await upload(files, '/in/b', '12');
  });

  test('an upload that was aborted gives back what it had spoken for', async () => {
    const { files } = policed({ '/': { quotaBytes: 4, quotaFiles: 1 } });
    const staged = await files.stage(at('/a'), { from: 'empty', existing: 'replace' });
    await staged.write([Buffer.from('1234')]);
    expect(await ending(upload(files, '/b', '1'))).toBe('QuotaExceeded');
    await staged.abort('remove');
    await upload(files, '/b', '1234');
  });

  test('what went away outside is noticed when a refusal looms', async () => {
    const disk = new MemoryFiles().put(at('/a'), '1234');
    const { files, clock } = policed({ '/': { quotaBytes: 4 } }, disk);
    expect(await ending(upload(files, '/b', '1'))).toBe('QuotaExceeded');
    await disk.removeFile(at('/a'));
    clock.advance(10_000);
    await upload(files, '/b', '1234');
  });

  test('what came from outside is noticed in time', async () => {
    const { files, disk, clock } = policed({ '/': { quotaBytes: 8 } });
    await upload(files, '/a', '12');
    disk.put(at('/b'), '123456');
    clock.advance(600_000);
    expect(await ending(upload(files, '/c', '1'))).toBe('QuotaExceeded');
  });

  test('what is elsewhere is not renamed to where it would have to be counted', async () => {
    const { files } = policed(
      { '/in': { quotaBytes: 4 } },
      new MemoryFiles().put(at('/a'), '12345').put(at('/in/b'), ''),
    );
    expect(await ending(files.rename(at('/a'), at('/in/a'), 'keep'))).toBe('PermissionDenied');
    expect(await ending(files.rename(at('/in/b'), at('/in/c'), 'keep'))).toBe('done');
  });

  test('a tree that was removed makes room', async () => {
    const disk = new MemoryFiles().put(at('/in/sub/a'), '1234');
    const { files, clock } = policed({ '/in': { quotaBytes: 4 } }, disk);
    expect(await ending(upload(files, '/in/b', '1'))).toBe('QuotaExceeded');
    await files.removeTree?.(at('/in/sub'), 10);
    clock.advance(10_000);
    await upload(files, '/in/b', '1234');
  });
});

test('uploads that fit all find room, however they come in between each other', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.scheduler(), async (all, s) => {
      const quotaBytes = all.reduce((sum, size) => sum + size, 0);
      const { files, disk } = policed({ '/': { quotaBytes, quotaFiles: all.length } });
      const uploads = all.map((size, index) => slowly(s, files, `/${index}`, size));
      expect(await s.waitFor(Promise.all(uploads))).toEqual(all.map(() => 'done'));
      expect(amount(disk)).toEqual({ bytes: quotaBytes, files: all.length });
    }),
    { numRuns: 50 },
  );
});

test('no order of uploads, replacements and deletions gets past a quota, and a fresh count finds what was kept', async () => {
  const action = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'sub/d'),
    size: fc.integer({ min: 0, max: 40 }),
    removes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 16 }), fc.scheduler(), async (actions, s) => {
      const bounds = { quotaBytes: 60, quotaFiles: 3 };
      const disk = new MemoryFiles().put(at('/in/sub/x'), '12345');
      const { files, clock } = policed({ '/in': bounds }, disk);
      const acts = actions.map(({ name, size, removes }) =>
        removes
          ? s.schedule(Promise.resolve()).then(() => ending(files.removeFile(at(`/in/${name}`))))
          : slowly(s, files, `/in/${name}`, size),
      );
      await s.waitFor(Promise.all(acts));
      const now = amount(disk, '/in/');
      expect(now.bytes).toBeLessThanOrEqual(bounds.quotaBytes);
      expect(now.files).toBeLessThanOrEqual(bounds.quotaFiles);
      clock.advance(600_000);
      const rest = now.files === bounds.quotaFiles ? 0 : bounds.quotaBytes - now.bytes;
      expect(await files.freeBytes(at('/in'))).toBe(Math.max(0, rest));
    }),
    { numRuns: 100 },
  );
});

/** An upload in pieces, between which others have their turn. */
async function slowly(s: fc.Scheduler, files: FileSystem, path: string, bytes: number): Promise<string> {
  const turn = () => s.schedule(Promise.resolve());
  await turn();
  let staged: Awaited<ReturnType<FileSystem['stage']>> | undefined;
  try {
    staged = await files.stage(at(path), { from: 'empty', existing: 'replace' });
    for (let sent = 0; sent < bytes; sent += 10) {
      await turn();
      await staged.write([Buffer.alloc(Math.min(10, bytes - sent))]);
    }
    await turn();
    await staged.commit(arrivalOf(Buffer.alloc(bytes)));
    return 'done';
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await staged?.abort('remove');
    return error.kind;
  }
}
