/** What system errors become. */
import { expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import { asFault } from '../../src/storage/errors.ts';
import { systemError } from './support.ts';

const table: readonly (readonly [code: string, kind: string, reply: number])[] = [
  ['ENOENT', 'NoSuchFile', 550],
  ['ELOOP', 'NoSuchFile', 550],
  ['ENOTDIR', 'NotADirectory', 550],
  ['EISDIR', 'NotAFile', 550],
  ['EACCES', 'PermissionDenied', 550],
  ['EPERM', 'PermissionDenied', 550],
  ['EROFS', 'PermissionDenied', 550],
  ['EEXIST', 'FileExists', 553],
  ['ENOTEMPTY', 'DirectoryNotEmpty', 550],
  ['ENAMETOOLONG', 'BadName', 553],
  ['ENOSPC', 'StorageFull', 452],
  ['EFBIG', 'QuotaExceeded', 552],
  // 421 would end the connection.
  ['EMFILE', 'FileBusy', 450],
  ['ENFILE', 'FileBusy', 450],
  ['EXDEV', 'Local', 451],
  ['EIO', 'Local', 451],
];

test.each(table)('%s is %s, with the reply %i and the error as its cause', (code, kind, reply) => {
  const error = systemError(code);
  expect(asFault(error)).toMatchObject({ kind, code: reply, cause: error });
});

test.runIf(process.platform === 'linux')('a quota, for which libuv has no name, is a full disk', () => {
  const error = Object.assign(new Error('Unknown system error -122'), {
    code: 'Unknown system error -122',
    errno: -122,
  });
  expect(asFault(error)).toMatchObject({ kind: 'StorageFull' });
});

test('faults and bugs stay what they are', () => {
  const fault = new Fault('FileBusy');
  expect(asFault(fault)).toBe(fault);
  for (const bug of [new TypeError('x'), systemError('ERR_INVALID_ARG_VALUE'), 'a string', undefined]) {
    expect(asFault(bug)).toBe(bug);
  }
});

test('no text for clients holds a path or a cause', () => {
  for (const [code] of table) {
    const error = Object.assign(systemError(code), { path: '/srv/homes/alice' });
    const fault = asFault(error);
    expect(fault instanceof Fault && /srv|E[A-Z]{3}|injected/.test(fault.text)).toBe(false);
  }
});
