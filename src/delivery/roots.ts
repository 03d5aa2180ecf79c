/**
 * Where the files of accounts were when they uploaded something that is to be handed on. An account that is written down
 * nowhere, as one of a directory, can be found again only by that.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { oneAtATime } from '../lib/one-at-a-time.ts';
import { makeFolder, readText, replaceFile } from './lasting-file.ts';

const FILE = 'roots.json';
/** Roots that are remembered of one account: it may have moved since the file came. */
const ROOTS_MAX = 8;

const rootsSchema = z.strictObject({
  version: z.literal(1),
  roots: z.array(z.tuple([z.string(), z.array(z.string())])),
});

/** The roots of accounts, newest first. */
export class Roots {
  readonly #folder: string;
  readonly #turn = oneAtATime();
  #roots = new Map<string, readonly string[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  of(account: string): readonly string[] {
    return this.#roots.get(account) ?? [];
  }

  /** Reads what is there. @throws Error when it cannot be understood. */
  async load(): Promise<void> {
    await makeFolder(this.#folder);
    const text = await readText(join(this.#folder, FILE));
    if (text !== undefined) this.#roots = new Map(rootsSchema.parse(JSON.parse(text)).roots);
  }

  /** Remembers a root, so that it lasts. */
  async add(account: string, root: string): Promise<void> {
    if (this.of(account)[0] === root) return;
    await this.#turn(async () => {
      const roots = [root, ...this.of(account).filter((other) => other !== root)].slice(0, ROOTS_MAX);
      const next = new Map(this.#roots).set(account, roots);
      await replaceFile(join(this.#folder, FILE), JSON.stringify({ version: 1, roots: [...next] }));
      this.#roots = next;
    });
  }
}
