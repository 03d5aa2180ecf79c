/**
 * The intents: one small file for every upload between the doors, from before its bytes are held until it is settled. What
 * a crash leaves is found by them.
 *
 * A new one is not synced. A crash of the process loses nothing that was written. A power loss may lose the file, and by then
 * the upload is either not recorded, so that nobody was told that it arrived and at most a file that nobody sees is left, or
 * recorded, and then the log has all that it takes to find and publish it (`recovery.ts`). So the disk is waited for once an
 * upload, for the bytes, and once for many, for the log. What an item comes to for longer, `checking` behind the reply and
 * `quarantined`, is synced before anybody is told.
 */
import { access, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ifThere } from '../../lib/error-code.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { syncPath } from '../../lib/sync-path.ts';
import { KnownRoots } from './known-roots.ts';
import { type Intent, intentSchema } from './upload.ts';

const ENDING = '.json';
const BROKEN = '.broken';
/** Up to which record of the log every published upload is known to have its name. */
const SWEPT = 'swept';
const sweptSchema = z.strictObject({ logSize: z.int().min(0) });

/** What lies in the folder. */
export interface FoundIntents {
  readonly intents: readonly Intent[];
  /** Those that cannot be read; they were put aside as `<id>.broken`. */
  readonly broken: readonly string[];
}

/** The folder of the intents. */
export class Intents {
  /** Where the accounts' files were. */
  readonly roots: KnownRoots;
  readonly #top: string;
  readonly #directory: string;
  readonly #inTurn = oneAtATime();

  /** With `worker`, those of one of several processes, in a folder of its own below: nobody else writes there while it lives. */
  constructor(directory: string, worker?: string) {
    this.#top = directory;
    this.#directory = worker === undefined ? directory : join(directory, worker);
    this.roots = new KnownRoots(directory);
  }

  /** Makes the folder, for nobody else's eyes, when it is missing. */
  async make(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.roots.load();
  }

  /**
   * Takes over the intents of a process that is gone, and removes its folder. `meet` is told of each in front of its coming here, so
   * that there is no moment at which nobody knows of it. @returns them, the oldest upload first; none when it has no folder.
   * @throws the system's error.
   */
  adopt(worker: string, meet: (intent: Intent) => void = () => undefined): Promise<readonly Intent[]> {
    // One at a time: what a process has let go of is not taken twice when that is gone meanwhile.
    return this.#inTurn(() => this.#adopt(worker, meet));
  }

  async #adopt(worker: string, meet: (intent: Intent) => void): Promise<readonly Intent[]> {
    const folder = join(this.#top, worker);
    const names = (await ifThere(readdir(folder))) ?? [];
    const { intents, broken } = await new Intents(this.#top, worker).#readAllOf(names);
    for (const intent of intents) {
      const { id } = intent.upload;
      meet(intent);
      await rename(join(folder, `${id}${ENDING}`), this.#path(id));
    }
    for (const id of broken) await rename(join(folder, `${id}${BROKEN}`), join(this.#directory, `${id}${BROKEN}`));
    await rm(folder, { recursive: true, force: true });
    return intents;
  }

  /**
   * Takes over one intent of a process that has let go of it. @returns undefined when it is not there (any more), or cannot be
   * read. @throws the system's error.
   */
  adoptOne(worker: string, id: string, meet: (intent: Intent) => void): Promise<Intent | undefined> {
    return this.#inTurn(() => this.#adoptOne(worker, id, meet));
  }

  async #adoptOne(worker: string, id: string, meet: (intent: Intent) => void): Promise<Intent | undefined> {
    const path = join(this.#top, worker, `${id}${ENDING}`);
    const intent = parsed(intentSchema, await readFile(path, 'utf8').catch(() => ''));
    if (intent === undefined) return undefined;
    meet(intent);
    await rename(path, this.#path(id));
    return intent;
  }

  /** Whether a process of several has an upload of this id. */
  async has(worker: string, id: string): Promise<boolean> {
    return access(join(this.#top, worker, `${id}${ENDING}`)).then(
      () => true,
      () => false,
    );
  }

  /** Takes over those of all processes that earlier ones left. @throws the system's error. */
  async adoptAll(): Promise<void> {
    const entries = await readdir(this.#top, { withFileTypes: true });
    for (const entry of entries) if (entry.isDirectory()) await this.adopt(entry.name);
  }

  /** The intents that other processes have at this moment, as far as they can be read. @throws the system's error. */
  async elsewhere(): Promise<readonly Intent[]> {
    const entries = await readdir(this.#top, { withFileTypes: true });
    const found: Intent[] = [];
    for (const { name } of entries.filter((entry) => entry.isDirectory())) {
      for (const file of await readdir(join(this.#top, name))) {
        // One that is settled meanwhile is no more.
        const text = await readFile(join(this.#top, name, file), 'utf8').catch(() => '');
        const intent = file.endsWith(ENDING) ? parsed(intentSchema, text) : undefined;
        if (intent !== undefined) found.push(intent);
      }
    }
    return found;
  }

  /** Writes a new one. @throws the system's error; also when there is one of this id. */
  async create(intent: Intent): Promise<void> {
    await this.roots.remember(intent.upload.account, intent.upload);
    const path = this.#path(intent.upload.id);
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(intent));
    } catch (error) {
      // A full disk takes the name and not the content. What stays is removed at the next start.
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** Writes it anew in one step, and with `synced` so that it lasts. @throws the system's error; it is as it was then. */
  async replace(intent: Intent, lasting: 'synced' | 'unsynced'): Promise<void> {
    await this.#replace(this.#path(intent.upload.id), JSON.stringify(intent), lasting);
  }

  /** Forgets it: the item is settled. */
  async remove(id: string): Promise<void> {
    // Once an upload, and `rm` asks twice what it is that it removes.
    await ifThere(unlink(this.#path(id)));
  }

  /** Every intent, the oldest upload first. What a crash left of a write that was cut short is removed. */
  async readAll(): Promise<FoundIntents> {
    return this.#readAllOf(await readdir(this.#directory));
  }

  async #readAllOf(names: readonly string[]): Promise<FoundIntents> {
    for (const name of names.filter((name) => name.endsWith('.tmp')))
      await rm(join(this.#directory, name), { force: true });
    const intents: Intent[] = [];
    const broken: string[] = [];
    for (const name of names.filter((name) => name.endsWith(ENDING))) {
      const path = join(this.#directory, name);
      const text = await readFile(path, 'utf8');
      const intent = parsed(intentSchema, text);
      if (intent !== undefined) intents.push(intent);
      // Made and not written: nothing was held yet, or the power went before the disk had it.
      else if (text === '') await rm(path, { force: true });
      else {
        await rename(path, `${path.slice(0, -ENDING.length)}${BROKEN}`);
        broken.push(name.slice(0, -ENDING.length));
      }
    }
    intents.sort((a, b) => a.upload.arrivedMs - b.upload.arrivedMs);
    return { intents, broken };
  }

  /** Where to begin to look for uploads whose intent is lost; undefined before the first start. */
  async sweptTo(): Promise<number | undefined> {
    const text = await readFile(join(this.#directory, SWEPT), 'utf8').catch(() => undefined);
    // What cannot be read says nothing: then all of the log is looked through.
    return text === undefined ? undefined : (parsed(sweptSchema, text)?.logSize ?? 0);
  }

  /** Remembers that everything recorded before has its name. */
  async sweep(logSize: number, lasting: 'synced' | 'unsynced'): Promise<void> {
    await this.#replace(join(this.#directory, SWEPT), JSON.stringify({ logSize }), lasting);
  }

  #path(id: string): string {
    return join(this.#directory, `${id}${ENDING}`);
  }

  async #replace(path: string, text: string, lasting: 'synced' | 'unsynced'): Promise<void> {
    const staged = `${path}.tmp`;
    const handle = await open(staged, 'w', 0o600);
    try {
      await handle.writeFile(text);
      if (lasting === 'synced') await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, path);
    if (lasting === 'synced') await syncPath(this.#directory);
  }
}

function parsed<Value>(schema: z.ZodType<Value>, text: string): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    // Cut short, or not ours.
    return undefined;
  }
}
