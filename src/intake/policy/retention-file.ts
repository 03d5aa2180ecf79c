/** The book of promises on the disk: lines of JSON, added and synced, and read again when the gateway starts. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ifThere } from '../../lib/error-code.ts';
import { syncPath } from '../../lib/sync-path.ts';
import type { DiskPlace } from './disk-place.ts';

/**
 * A line of the book: a promise (0 takes it back), or for how many days an upload that is held is to be kept once it is
 * published (0 forgets it), with the place once that is about to happen; or up to which record of the audit log the book has
 * all promises, with a hash of everything in front of this line, so that what is cut out is missed.
 */
const placeSchema = z.string().transform((place) => place as DiskPlace);
const entrySchema = z.union([
  z.strictObject({ place: placeSchema, until: z.number().min(0) }),
  z.strictObject({ held: z.string(), days: z.number().min(0), at: placeSchema.optional() }),
  z.strictObject({ known: z.int().min(0), sha256: z.string() }),
]);

/** See above. */
export type Entry = z.output<typeof entrySchema>;

const FILE = 'book.jsonl';
/** A book is written anew in pieces of about so much. */
const PIECE_CHARACTERS = 65_536;

/** The file behind the book. Entries that wait at the same time share one sync of the disk. */
export class BookFile {
  readonly #directory: string;
  #handle: FileHandle | undefined;
  #goodBytes = 0;
  #waiting: string[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  append(entry: Entry): Promise<void> {
    return this.#add(line(entry));
  }

  /** Adds a line that says how far the log is known, and vouches for what is in front of it. */
  async know(index: number): Promise<void> {
    // In its turn: what is added while this is worked out stands behind the line.
    const turn = this.#last.then(async () => {
      const written = await readFile(join(this.#directory, FILE));
      const sha256 = sha256Of(written.subarray(0, this.#goodBytes));
      await this.#put(Buffer.from(line({ known: index, sha256 })));
    });
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  #add(text: string): Promise<void> {
    this.#waiting.push(text);
    this.#next ??= this.#last.then(() => this.#write());
    this.#last = this.#next.catch(() => undefined);
    return this.#next;
  }

  /** Puts a book with these entries in the place of the one that is there, in one step that lasts. */
  async rewrite(entries: Iterable<Entry>): Promise<void> {
    const path = join(this.#directory, FILE);
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await writeAll(handle, entries);
      await handle.sync();
      await rename(`${path}.new`, path);
      await syncPath(this.#directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
    this.#goodBytes = (await handle.stat()).size;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #write(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#next = undefined;
    await this.#put(bytes);
  }

  async #put(bytes: Buffer): Promise<void> {
    if (this.#handle === undefined) throw new Error('the book of what has to be kept is closed');
    try {
      // At its place and not at the end: what an earlier failure left half-written is written over.
      for (let doneBytes = 0; doneBytes < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, doneBytes, null, this.#goodBytes + doneBytes);
        doneBytes += bytesWritten;
      }
      await this.#handle.datasync();
      this.#goodBytes += bytes.length;
    } catch (error) {
      await this.#handle.truncate(this.#goodBytes).catch(() => undefined);
      throw error;
    }
  }
}

/** In pieces, for a book may be long. */
async function writeAll(handle: FileHandle, entries: Iterable<Entry>): Promise<void> {
  let text = '';
  for (const entry of entries) {
    text += line(entry);
    if (text.length < PIECE_CHARACTERS) continue;
    await handle.appendFile(text);
    text = '';
  }
  await handle.appendFile(text);
}

/** What a book says. */
export interface WrittenBook {
  readonly entries: readonly Entry[];
  /** As the last line says that speaks of it, if what is in front of that is what it was; 0 otherwise. */
  readonly knownTo: number;
}

/** What a crash cut short is no promise: nobody waited for its end in vain. Anything else that is wrong is not ours. */
export async function readBook(directory: string): Promise<WrittenBook> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE);
  const text = (await ifThere(readFile(path, 'utf8'))) ?? '';
  const lines = text.split('\n');
  lines.pop();
  const hash = createHash('sha256');
  let knownTo = 0;
  const entries = lines.map((written, index) => {
    try {
      const entry = entrySchema.parse(JSON.parse(written));
      if ('known' in entry) knownTo = hash.copy().digest('hex') === entry.sha256 ? entry.known : 0;
      hash.update(`${written}\n`);
      return entry;
    } catch (cause) {
      throw new Error(`${path}:${index + 1} is no line of the book of what has to be kept`, { cause });
    }
  });
  return { entries, knownTo };
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function line(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}
