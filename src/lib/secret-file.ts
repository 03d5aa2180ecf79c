/** Secrets in files of their own: the password of a directory account, the key of a hook. */
import { open, stat } from 'node:fs/promises';
import { Secret } from './secret.ts';

const SECRET_BYTES_MAX = 4_096;

/**
 * Reads the one line of a secret's file; it is read at every use, so that a new secret needs no restart.
 *
 * @throws Error when there is no such file, others can read it, or it does not hold one line of at most 4 KiB.
 */
export async function readSecret(path: string): Promise<Secret> {
  // Before opening: to open a named pipe would wait for its writer.
  if (!(await stat(path)).isFile()) throw new Error(`not a file: ${path}`);
  await using handle = await open(path);
  const facts = await handle.stat();
  if (!facts.isFile() || facts.size > SECRET_BYTES_MAX) throw new Error(`not a file with one secret: ${path}`);
  // Its group may read it: the operator's file, and a user of its own for the gateway.
  if ((facts.mode & 0o027) !== 0 && process.platform !== 'win32') {
    throw new Error(`others can use the secret: run chmod 640 ${path}, or 600`);
  }
  const text = (await handle.readFile('utf8')).replace(/\r?\n$/, '');
  if (text === '' || /[\0\r\n]/.test(text)) throw new Error(`not a file with one line: ${path}`);
  return new Secret(text);
}
