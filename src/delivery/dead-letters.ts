/** The files that could not be handed on, each in a file of its own until an operator decides. */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT, resolvePath } from '../protocol/virtual-path.ts';
import { makeFolder, readText, removeFile, replaceFile } from './lasting-file.ts';

const virtualPath = z.string().transform((text, context) => {
  const path = resolvePath(ROOT, text);
  if (path !== undefined) return path;
  context.issues.push({ code: 'custom', input: text, message: 'is no path' });
  return z.NEVER;
});

const letterSchema = z.strictObject({
  version: z.literal(1),
  upload: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  index: z.int().min(0),
  account: z.string(),
  path: virtualPath,
  inbox: z.string(),
  bytes: z.int().min(0),
  sha256: z.string(),
  /** When it was published, and when it was given up. */
  timeMs: z.number(),
  deadMs: z.number(),
  attempts: z.int().min(0),
  reason: z.string(),
  /** The record of its upload: the log need not keep it as long. */
  record: z.string(),
  /** Whether an operator has it tried again, and that has not come to an end. */
  retrying: z.boolean(),
});

/** See `letterSchema`. */
export type DeadLetter = Omit<z.output<typeof letterSchema>, 'version' | 'record'>;

const ENDING = '.json';

/** The dead letters of one delivery. */
export class DeadLetters {
  readonly #folder: string;
  readonly #letters = new Map<string, DeadLetter>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All of them, the oldest first. */
  get all(): readonly DeadLetter[] {
    return [...this.#letters.values()].sort((a, b) => a.index - b.index);
  }

  /** Those for which nothing is being done. */
  get deadCount(): number {
    let count = 0;
    for (const { retrying } of this.#letters.values()) if (!retrying) count += 1;
    return count;
  }

  get(upload: string): DeadLetter | undefined {
    return this.#letters.get(upload);
  }

  /** Reads what is there. @returns the names of files that cannot be understood, which were put aside. */
  async load(): Promise<readonly string[]> {
    await makeFolder(this.#folder);
    this.#letters.clear();
    const broken: string[] = [];
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.endsWith('.tmp')) await rm(path, { force: true });
      if (!name.endsWith(ENDING)) continue;
      const letter = letterSchema.safeParse(parsed((await readText(path)) ?? '')).data;
      if (letter === undefined) {
        await rename(path, `${path}.broken`);
        broken.push(name);
      } else {
        // The records stay on the disk: they are long, and wanted only when somebody has one tried again.
        const { version: _version, record: _record, ...rest } = letter;
        this.#letters.set(letter.upload, rest);
      }
    }
    return broken;
  }

  /** Keeps one, in place of an earlier one of the same upload. @throws the system's error; it is as it was then. */
  async put(letter: DeadLetter, record: string): Promise<void> {
    await replaceFile(this.#path(letter.upload), JSON.stringify({ version: 1, ...letter, record }));
    this.#letters.set(letter.upload, letter);
  }

  /** Notes that one is tried again, also across a restart. @returns it; undefined when there is none any more. */
  async markRetrying(upload: string): Promise<DeadLetter | undefined> {
    const letter = this.#letters.get(upload);
    if (letter === undefined) return undefined;
    const retrying = { ...letter, retrying: true };
    await this.put(retrying, (await this.recordOf(upload)) ?? '');
    return retrying;
  }

  /** The record of its upload; undefined when there is none. */
  async recordOf(upload: string): Promise<string | undefined> {
    const text = await readText(this.#path(upload));
    return text === undefined ? undefined : letterSchema.safeParse(parsed(text)).data?.record;
  }

  /** Forgets one. */
  async remove(upload: string): Promise<void> {
    await removeFile(this.#path(upload));
    this.#letters.delete(upload);
  }

  #path(upload: string): string {
    return join(this.#folder, `${upload}${ENDING}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not ours, or cut short by hand: the schema refuses it.
    return undefined;
  }
}
