/** `sallyport serve --anonymous`: a folder shared in one line, as a guest with a real client sees it. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { needs } from '../fixtures/client-programs.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('refusals', () => {
  test.each([
    ['--write', "option '--write' needs '--anonymous'"],
    ['-d .', "option '--directory' needs '--anonymous'"],
    ['--port 2121', "option '--port' needs '--anonymous'"],
    ['--anonymous --demo', "cannot be used with option '--demo'"],
    ['--anonymous -c sallyport.yaml', 'cannot be used with option'],
    ['--anonymous -p 65536', 'It must be 0 to 65535'],
    ['--anonymous -p -1', 'It must be 0 to 65535'],
    ['--anonymous -i example.com', 'example.com is no IP address'],
    ['--anonymous -d /nowhere/at/all', '/nowhere/at/all is no folder that can be shared'],
    ['--anonymous -d /etc/hostname', '/etc/hostname is no folder that can be shared'],
  ])('serve %s', async (words, message) => {
    const { exitCode, output, errors } = await run(['serve', ...words.split(' ')]);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(message);
  });
});

/** Shares a folder on a free port until the test is over. */
async function shared(folder: string, ...words: string[]) {
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '--anonymous', '-d', folder, '-p', '0', ...words], terminal);
  await Promise.race([terminal.printed('Ctrl-C stops'), stopped]);
  const output = terminal.output();
  const port = Number(/Listening on 127\.0\.0\.1:(\d+)/.exec(output)?.[1]);
  const caFile = /--cacert (\S+)/.exec(output)?.[1] ?? '';
  const curl = (...more: string[]) =>
    promisify(execFile)('curl', ['-sS', '--max-time', '15', '--ssl-reqd', '--cacert', caFile, ...more]);
  const stop = async () => {
    terminal.stop();
    return stopped;
  };
  return { output, caFile, curl, stop, url: `ftp://localhost:${port}/` };
}

const testCurl = needs('curl');

testCurl('a guest lists and reads, and changes nothing', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a.txt'), 'hello');
  const { output, curl, url, stop, caFile } = await shared(folder);
  expect(output).toContain("may list and read what is in it, as 'anonymous'");
  expect((await curl(url)).stdout).toContain('a.txt');
  expect((await curl(`${url}a.txt`)).stdout).toBe('hello');
  await expect(curl('-T', join(folder, 'a.txt'), `${url}b.txt`)).rejects.toThrow(/550/);
  await expect(curl('-Q', 'DELE a.txt', url)).rejects.toThrow(/550/);
  expect(await readdir(folder)).toEqual(['a.txt']);
  expect(await stop()).toBe(0);
  expect(await readdir(tmpdir())).not.toContain(caFile.split('/').at(-2));
});

testCurl('with --write a guest stores, and everybody is told what that means', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a.txt'), 'hello');
  const { output, curl, url, stop } = await shared(folder, '--write');
  expect(output).toContain('may read, store, rename and DELETE');
  await curl('-T', join(folder, 'a.txt'), `${url}b.txt`);
  expect(await readFile(join(folder, 'b.txt'), 'utf8')).toBe('hello');
  expect(await stop()).toBe(0);
});

testCurl('no guest comes without TLS, and nobody by another name', async () => {
  const { curl, url, stop, caFile } = await shared(await temporaryFolder());
  const clear = promisify(execFile)('curl', ['-sS', '--max-time', '15', url]);
  await expect(clear).rejects.toThrow(/530|Access denied/);
  await expect(curl('--user', 'root:root', url)).rejects.toThrow(/530|Access denied/);
  expect(await readFile(caFile, 'utf8')).not.toContain('PRIVATE');
  expect(await stop()).toBe(0);
});
