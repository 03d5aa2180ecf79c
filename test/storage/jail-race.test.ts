/** A directory that is swapped for a symlink to the outside, over and over, while clients work in it. */
import { fork } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localFiles } from '../../src/storage/local.ts';
import { download, faultOf, makeDisk, namesOf, path, upload } from './support.ts';

const ROUNDS = 400;

test.runIf(process.platform === 'linux')('nothing gets out or in while a directory is swapped for a link', async () => {
  const { folder, home } = await makeDisk();
  await fs.mkdir(join(folder, 'outside/victim'), { recursive: true });
  await fs.writeFile(join(folder, 'outside/file'), 'secret');
  await fs.mkdir(join(home, 'place'));
  await fs.writeFile(join(home, 'place/file'), 'mine');
  await fs.symlink(join(folder, 'outside'), join(home, 'evil'));
  const before = await snapshot(join(folder, 'outside'));

  // In a process of its own, so that it really runs in between.
  const swapper = fork(join(import.meta.dirname, 'swapper.ts'), [home]);
  try {
    await new Promise((resolve) => swapper.once('message', resolve));
    const files = localFiles({ root: home, owner: 'alice', sync: false });
    const seen = new Map<string, number>();
    const attempt = async (operation: () => Promise<unknown>) => {
      const outcome = await faultOf(operation());
      if (typeof outcome !== 'string') throw outcome;
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    };
    for (let round = 0; round < ROUNDS; round++) {
      await attempt(async () => expect(await download(files, '/place/file')).toBe('mine'));
      await attempt(() => upload(files, `/place/new-${round % 3}`, 'mine'));
      await attempt(async () => expect(await namesOf(files, '/place')).not.toContain('victim'));
      await attempt(() => files.makeDirectory(path('/place/made')));
      await attempt(() => files.removeDirectory(path('/place/made')));
      await attempt(() => files.removeDirectory(path('/place/victim')));
      await attempt(() => files.setMode(path('/place/file'), 0o666));
      await attempt(() => files.rename(path(`/place/new-${round % 3}`), path('/place/renamed'), 'replace'));
      await attempt(() => files.removeFile(path('/place/renamed')));
    }
    // The race took place: both sides of the swap were met.
    expect(seen.get('success')).toBeGreaterThan(0);
    expect(seen.get('PermissionDenied')).toBeGreaterThan(0);
  } finally {
    const ended = new Promise((resolve) => swapper.once('exit', resolve));
    swapper.kill('SIGKILL');
    await ended;
  }
  expect(await snapshot(join(folder, 'outside'))).toEqual(before);
});

/** Names, bits and contents. */
async function snapshot(directory: string): Promise<string[]> {
  const names = (await fs.readdir(directory, { recursive: true })).sort();
  return Promise.all(
    names.map(async (name) => {
      const stats = await fs.stat(join(directory, name));
      const content = stats.isFile() ? await fs.readFile(join(directory, name), 'utf8') : '';
      return `${name} ${stats.mode.toString(8)} ${content}`;
    }),
  );
}
