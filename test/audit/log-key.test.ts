/** The file of the log's key. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { makeDirectory } from './support.ts';
import { ORIGIN } from './writer-parts.ts';

test('is made once, and refused when others may read it', async () => {
  const directory = await makeDirectory();
  await fs.mkdir(directory);
  const file = join(directory, 'log.pem');
  const made = readOrMakeLogKey(file, ORIGIN);
  expect((await fs.stat(file)).mode & 0o777).toBe(0o600);
  expect(readOrMakeLogKey(file, ORIGIN).vkey).toBe(made.vkey);
  expect(() => readOrMakeLogKey(file, 'two words')).toThrow(TypeError);
  await fs.chmod(file, 0o640);
  expect(() => readOrMakeLogKey(file, ORIGIN)).toThrow('chmod 600');
  await fs.writeFile(file, 'nothing');
  await fs.chmod(file, 0o600);
  expect(() => readOrMakeLogKey(file, ORIGIN)).toThrow('not a private Ed25519 key');
});
