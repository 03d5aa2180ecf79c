/** What clients reach files through hides what is held, and hands on what a commit is told and what it says. */
import { expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import { guardedDirectories } from '../../src/access/guarded-directories.ts';
import { ruledFiles } from '../../src/access/ruled-files.ts';
import { sealedFiles } from '../../src/access/sealed-names.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import type { Arrival, Publication } from '../../src/spi/intake.ts';
import { PERMISSION_LETTERS } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';

const PATH = resolvePath(ROOT, 'a.txt') ?? ROOT;
const ARRIVAL: Arrival = { bytes: 0, sha256: '', startedMs: 1 };
const PUBLICATION: Publication = { state: 'accepted', id: 'x', path: PATH, index: undefined, receipt: undefined };

const fences: readonly (readonly [string, (files: FileSystem) => FileSystem])[] = [
  ['permission letters', (files) => authorizedFiles(accountWith(files))],
  ['rules', (files) => ruledFiles(files, { rulesAt: async () => [], questions: () => [], named: [], refused() {} })],
  ['access files', (files) => sealedFiles(files, '.ftpaccess')],
  ['directories that are shut', (files) => guardedDirectories(files, async () => undefined)],
];

function accountWith(files: FileSystem): Account {
  const permissions = new Set(PERMISSION_LETTERS);
  return { name: 'alice', files, permissions, directories: [], existing: 'replace', onIncomplete: 'remove' };
}

test.each(fences)('behind %s nobody reaches what is held', (_, fence) => {
  const files = new MemoryFiles();
  expect(files.held).toBeDefined();
  expect(fence(files).held).toBeUndefined();
});

test.each(fences)('behind %s a commit is told how the bytes came, and says what became of them', async (_, fence) => {
  const memory = new MemoryFiles();
  const told: (Arrival | undefined)[] = [];
  const bottom = decorate<FileSystem>(memory, {
    async stage(path, request) {
      const staged = await memory.stage(path, request);
      return decorate(staged, {
        publication: PUBLICATION,
        async commit(arrival) {
          told.push(arrival);
          await staged.commit(arrival);
        },
      });
    },
  });
  const staged = await fence(bottom).stage(PATH, { from: 'empty', existing: 'replace' });
  await staged.commit(ARRIVAL);
  expect(told).toEqual([ARRIVAL]);
  expect(staged.publication).toEqual(PUBLICATION);
});
