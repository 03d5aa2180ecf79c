/** Copies and links on a real disk behind a real gateway: what permissions and failing disks leave of them. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localFiles } from '../../src/storage/local.ts';
import { at, say } from '../fakes/say.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { FailingDisk, makeDisk, openHandles } from '../storage/support.ts';

test('links reach no further than the account itself, and stay inside', async () => {
  const gateway = await startGateway(
    { symlinks: true },
    { permissions: 'elrw', directories: [{ path: '/closed', permissions: 'w' }] },
  );
  const { home } = gateway;
  await fs.mkdir(join(home, 'open/sub'), { recursive: true });
  await fs.mkdir(join(home, 'closed'));
  await fs.writeFile(join(home, 'open/sub/file'), 'text');
  await fs.writeFile(join(home, 'closed/file'), 'secret');
  const client = await RawClient.login(gateway);
  expect(await client.send('FEAT')).toContain('SITE SYMLINK');
  expect(await client.send('SITE SYMLINK closed/file link')).toBe('550 Permission denied.');
  expect(await client.send('SITE SYMLINK closed link')).toBe('550 Permission denied.');
  expect(await client.send('SITE SYMLINK / open/link')).toBe('550 Permission denied.');
  expect(await client.send('SITE SYMLINK ../../../etc/passwd link')).toMatch(/^550/);
  expect(await client.send('SITE SYMLINK open/sub/file open/file')).toMatch(/^200/);
  expect(await client.send('SITE SYMLINK open/sub open/again')).toMatch(/^200/);
  expect(await client.send('SIZE open/again/file')).toBe('213 4');
  expect((await client.download('RETR open/file')).data.toString()).toBe('text');
  expect(await fs.readlink(join(home, 'open/file'))).toBe(await fs.realpath(join(home, 'open/sub/file')));
  expect(await fs.readdir(home)).not.toContain('link');
  // What links lead to again is counted once, as a directory; a link to a file is a file of its own.
  expect(await client.send('DSIZ open')).toBe('213 8');
  client.close();
});

test('a protected directory keeps the whole tree from being removed', async () => {
  const gateway = await startGateway(
    {},
    { permissions: 'elrd', directories: [{ path: '/tree/kept', permissions: 'elr' }] },
  );
  await fs.mkdir(join(gateway.home, 'tree/kept'), { recursive: true });
  await fs.writeFile(join(gateway.home, 'tree/file'), 'text');
  await fs.mkdir(join(gateway.home, 'other/sub'), { recursive: true });
  const client = await RawClient.login(gateway);
  expect(await client.send('RMDA tree')).toBe('550 Permission denied.');
  expect(await fs.readdir(join(gateway.home, 'tree'))).toEqual(['file', 'kept']);
  expect(await client.send('RMDA other')).toMatch(/^250/);
  expect(await client.send('AVBL tree')).toBe('213 0');
  client.close();
});

const LINES = {
  'a copy': { line: 'CPTO target', copyFrom: at('/part1'), fresh: 'one,' },
  'a combination': { line: 'COMB "target" "part1" "part2"', copyFrom: undefined, fresh: 'old,one,two' },
} as const;

test.each(Object.entries(LINES))('%s is whole or not there whichever call of the disk fails', async (_, kind) => {
  const prepare = async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    await fs.writeFile(join(home, 'target'), 'old,');
    await fs.writeFile(join(home, 'part1'), 'one,');
    await fs.writeFile(join(home, 'part2'), 'two');
    const account = { files: localFiles({ root: home, owner: 'alice' }, { io: disk.io }) };
    return { home, disk, run: () => say(kind.line, { account, session: { copyFrom: kind.copyFrom } }) };
  };
  const counting = await prepare();
  counting.disk.arm('', 0, '');
  expect((await counting.run()).code).toBe(250);
  for (const [call, count] of new Map(counting.disk.counts)) {
    for (let nth = 1; nth <= count; nth++) {
      const { home, disk, run } = await prepare();
      disk.arm(call, nth, 'EIO');
      const { code, text } = await run();
      const what = `${call} #${nth}: ${text}`;
      expect(disk.fired, what).toBe(true);
      const target = await fs.readFile(join(home, 'target'), 'utf8');
      expect(['old,', kind.fresh], what).toContain(target);
      if (code === 250) expect(target, what).toBe(kind.fresh);
      // What the target does not hold, the parts still do.
      if (target === 'old,') {
        expect(await fs.readFile(join(home, 'part1'), 'utf8'), what).toBe('one,');
        expect(await fs.readFile(join(home, 'part2'), 'utf8'), what).toBe('two');
      }
      expect(await openHandles(home), what).toEqual([]);
    }
  }
});
