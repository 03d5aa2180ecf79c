import { expect, test } from 'vitest';
import { errorCode, hasCode, ifThere } from '../../src/lib/error-code.ts';

function withCode(code: unknown): Error {
  return Object.assign(new Error('failed'), { code });
}

test('the code of an error, of a system call or of Node alike', () => {
  expect(errorCode(withCode('ENOENT'))).toBe('ENOENT');
  expect(errorCode(withCode('ERR_SSL_HTTP_REQUEST'))).toBe('ERR_SSL_HTTP_REQUEST');
});

test.each([
  ['an error without one', new Error('ENOENT')],
  ['the exit code of a program', withCode(2)],
  ['what is no error', { code: 'ENOENT' }],
  ['nothing', undefined],
])('none: %s', (_, error) => {
  expect(errorCode(error)).toBeUndefined();
  expect(hasCode(error, 'ENOENT')).toBe(false);
});

test('one of several is enough, and none never is', () => {
  expect(hasCode(withCode('ENOTDIR'), 'ENOENT', 'ENOTDIR')).toBe(true);
  expect(hasCode(withCode('EACCES'), 'ENOENT', 'ENOTDIR')).toBe(false);
  expect(hasCode(withCode('ENOENT'))).toBe(false);
});

test('what is not there is no failure; whatever else goes wrong is', async () => {
  expect(await ifThere(Promise.resolve('text'))).toBe('text');
  expect(await ifThere(Promise.reject(withCode('ENOENT')))).toBeUndefined();
  expect(await ifThere(Promise.reject(withCode('ENOTDIR')), 'ENOTDIR')).toBeUndefined();
  for (const code of ['EACCES', 'ENOTDIR']) {
    await expect(ifThere(Promise.reject(withCode(code)))).rejects.toMatchObject({ code });
  }
});
