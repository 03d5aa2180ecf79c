/** Keys of logs and witnesses, and the small files that they, receipts and checkpoints are in, as arguments name them. */
import { createPublicKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { NoteRefused, parseVkey } from '../audit/notes/signed-note.ts';
import { CommandFailure } from './command-failure.ts';

const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;

/** The keys that an argument stands for. @throws CommandFailure (wrong use) for what is none and no file with one. */
export async function keysFrom(argument: string): Promise<readonly string[]> {
  const text = VKEY.test(argument) ? argument : await textOf(argument);
  const keys = text.includes('-----BEGIN') ? [text] : text.split('\n').map((part) => part.trim());
  const written = keys.filter((key) => key !== '' && !key.startsWith('#'));
  try {
    if (written.length === 0) throw new NoteRefused('it is empty');
    if (text.includes('PRIVATE KEY')) throw new NoteRefused('it is a private key, which nobody should hand out');
    for (const key of written) {
      if (key.includes('-----BEGIN')) createPublicKey(key);
      else parseVkey(key);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('wrongUse', `${argument} is no public key of a log: ${why}`, { cause: error });
  }
  return written;
}

/** Gathers the values of an option that may be repeated. */
export function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Receipts, checkpoints and keys are small; whatever is not is something else. */
const TEXT_BYTES_MAX = 4_194_304;

/** The text of a small file. @throws CommandFailure (wrong use) when it cannot be read. */
export async function textOf(path: string): Promise<string> {
  return reading(path, async () => {
    const { size } = await stat(path);
    if (size > TEXT_BYTES_MAX) throw new Error('it is too large to be a receipt, a checkpoint or a key');
    return readFile(path, 'utf8');
  });
}

/** What reading a file gives. @throws CommandFailure (wrong use) when that fails. */
export async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('wrongUse', `${path} cannot be read: ${why}`, { cause: error });
  }
}
