/** Prints much text as it comes, no faster than it is read: a log is larger than memory. */
import { once } from 'node:events';
import type { Terminal } from './terminal.ts';

/** Small pieces cost a system call each. */
const PIECE_CHARACTERS = 65_536;

/** Prints all of it, also what came in front of an error. @throws what the text ends with. */
export async function printed(texts: AsyncIterable<string>, { stdout }: Pick<Terminal, 'stdout'>): Promise<void> {
  for await (const piece of inPieces(texts)) {
    if (!stdout.write(piece)) await once(stdout, 'drain');
  }
}

/** The same text in larger pieces. */
export async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let waiting = '';
  try {
    for await (const text of texts) {
      waiting += text;
      if (waiting.length < PIECE_CHARACTERS) continue;
      yield waiting;
      waiting = '';
    }
  } catch (error) {
    if (waiting !== '') yield waiting;
    throw error;
  }
  if (waiting !== '') yield waiting;
}
