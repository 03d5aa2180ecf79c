/** Programs that take published files on: what they are given, and that only 0 means that they have them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command, commandEntry } from '../../src/delivery/command.ts';
import { openPublished } from '../../src/delivery/contents.ts';
import type { Parcel } from '../../src/delivery/way.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { sha256, uploadId } from './records.ts';
import { makeFolder, pathOf } from './support.ts';

/** A way that runs a script of the shell, which has the arguments behind its own. */
function shell(script: string, written: Record<string, unknown> = {}) {
  const { args = [], ...rest } = written;
  const list: readonly unknown[] = Array.isArray(args) ? args : [];
  const options = { kind: 'command', name: 'out', program: '/bin/sh', args: ['-c', script, 'sh', ...list], ...rest };
  return command(commandEntry.parse(options), { clock: systemClock });
}

const NEVER = new AbortController().signal;

/** A published file in some storage. */
function parcelIn(files: FileSystem, { path = '/in/a.txt', content = 'hello' } = {}): Parcel {
  const published = {
    ...{ index: 7, upload: uploadId(1), account: 'alice', path: pathOf(path), inbox: '/in', bytes: content.length },
    ...{ sha256: sha256(content), storedBytes: content.length, storedSha256: sha256(content) },
    ...{ timeMs: Date.UTC(2026, 4, 6), deliver: ['out'] },
  };
  return {
    ...{ key: `${uploadId(1)}.out`, attempt: 2, record: '{}', published },
    receipt: async () => '',
    contents: () => openPublished([files], published),
  };
}

const memory = (content = 'hello') => new MemoryFiles().put(pathOf('/in/a.txt'), content);

/** Files on the disk. */
async function disk(path: string, content: string): Promise<{ files: FileSystem; onDisk: string }> {
  const root = makeFolder();
  await mkdir(join(root, 'in'));
  await writeFile(join(root, path), content);
  const files = createLocalStorage().filesFor({
    ...{ root, owner: 'alice', fileMode: 0o600, directoryMode: 0o700, sync: false, sealedName: undefined },
  });
  await files.enter(ROOT);
  return { files, onDisk: join(root, path) };
}

describe('what is not 0 is a failure', () => {
  test.each([
    ['exit 1', 'echo why >&2; exit 1', /\/bin\/sh ended with 1: why/],
    ['exit 75', 'exit 75', /ended with 75: it said nothing/],
    ['a signal', 'kill -TERM $$', /was ended by SIGTERM/],
  ])('%s', async (_, script, reason) => {
    await expect(shell(script).handOn(parcelIn(memory()), NEVER)).rejects.toThrow(reason);
  });

  test('a program that is not there', async () => {
    const way = shell('', { program: '/nowhere/at/all' });
    await expect(way.handOn(parcelIn(memory()), NEVER)).rejects.toThrow(/ENOENT/);
  });

  test('one that hangs, with everything that it started', async () => {
    const pids = join(makeFolder(), 'pids');
    const late = new AbortController();
    const handed = shell(`sleep 600 & echo $! > "$1"; wait`, { args: [pids] }).handOn(parcelIn(memory()), late.signal);
    handed.catch(() => undefined);
    const pid = async () => Number(await readFile(pids, 'utf8').catch(() => ''));
    await expect.poll(pid, { timeout: 10_000 }).toBeGreaterThan(0);
    const sleeper = await pid();
    late.abort(new Error('late'));
    await expect(handed).rejects.toThrow('late');
    await expect.poll(() => isRunning(sleeper), { timeout: 10_000 }).toBe(false);
  });
});

/** Whether there is a process that is more than a zombie. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}

describe('what a program is given', () => {
  test('the path of the file, and an environment of its own', async () => {
    const out = join(makeFolder(), 'out');
    const { files, onDisk } = await disk("in/it's $(here).txt", 'hello');
    const way = shell('cat "$2" > "$1"; env > "$1.env"', { args: [out, '{file}'] });
    await way.handOn(parcelIn(files, { path: "/in/it's $(here).txt" }), NEVER);
    expect(await readFile(out, 'utf8')).toBe('hello');
    const env = (await readFile(`${out}.env`, 'utf8')).trim().split('\n').sort();
    expect(env.filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([
      'LC_ALL=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'SALLYPORT_ACCOUNT=alice',
      'SALLYPORT_ATTEMPT=2',
      'SALLYPORT_BYTES=5',
      'SALLYPORT_DELIVERY=out',
      `SALLYPORT_DELIVERY_KEY=${uploadId(1)}.out`,
      `SALLYPORT_FILE=${onDisk}`,
      "SALLYPORT_PATH=/in/it's $(here).txt",
      'SALLYPORT_PUBLISHED=2026-05-06T00:00:00.000Z',
      'SALLYPORT_RECORD=7',
      `SALLYPORT_SHA256=${sha256('hello')}`,
      'SALLYPORT_STORED_BYTES=5',
      `SALLYPORT_STORED_SHA256=${sha256('hello')}`,
      `SALLYPORT_UPLOAD=${uploadId(1)}`,
    ]);
  });

  test('the file on standard input, where storage has no path for it or that is asked for', async () => {
    const out = join(makeFolder(), 'out');
    const way = (written = {}) => shell('cat > "$1"; printf "%s" "$2" >> "$1"', { args: [out, '{file}'], ...written });
    await way().handOn(parcelIn(memory()), NEVER);
    expect(await readFile(out, 'utf8')).toBe('hello-');
    const { files } = await disk('in/a.txt', 'hello');
    await way({ input: 'stdin' }).handOn(parcelIn(files), NEVER);
    expect(await readFile(out, 'utf8')).toBe('hello-');
  });

  test('nothing, when another file has the name: on the disk it is not run, and on standard input not to its end', async () => {
    const out = join(makeFolder(), 'out');
    const { files } = await disk('in/a.txt', 'hullo');
    await expect(shell('echo run > "$1"', { args: [out] }).handOn(parcelIn(files), NEVER)).rejects.toThrow(
      /another file/,
    );
    const way = shell('cat > /dev/null && echo run > "$1"', { args: [out] });
    await expect(way.handOn(parcelIn(memory('hullo')), NEVER)).rejects.toThrow(/another file/);
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
  });
});
