/** Which places are taken for local: only those of which that is sure. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { LocalMounts, parseMounts } from '../../src/storage/local-mounts.ts';

test.each([
  ['a network file system', '40 27 0:40 / /srv rw,relatime shared:1 - nfs4 host:/srv rw'],
  ['a type that nobody knows', '40 27 0:40 / /srv rw - strangefs none rw'],
  ['a program that plays a disk', '40 27 0:40 / /srv rw - fuse.sshfs host:/ rw'],
  ['a line without a type', '40 27 0:40 / /srv rw'],
  [
    'a network file system under a local one',
    '40 27 0:40 / /srv rw - nfs h:/ rw\n41 40 8:1 / /srv rw - ext4 /dev/a rw',
  ],
])('%s is not local', (_what, table) => {
  expect(parseMounts(table).get('/srv')).toBe(false);
});

test('a disk of the machine is local, whatever its mount point is called and however many fields stand in between', () => {
  const table = [
    '27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw',
    '41 27 8:1 / /srv/a\\040b\\134c rw - xfs /dev/sdb1 rw',
    '42 27 8:1 / /bare rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(Object.fromEntries(parseMounts(table))).toEqual({ '/': true, '/srv/a b\\c': true, '/bare': true });
});

test.runIf(process.platform === 'linux')('what lies on the pretended file systems of the kernel is not local', () => {
  const mounts = new LocalMounts(new FakeClock());
  expect(mounts.isLocal('/proc/self/status')).toBe(false);
  expect(mounts.isLocal('/proc')).toBe(false);
});
