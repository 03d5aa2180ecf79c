/**
 * Where the files of accounts were, for when only their names are known: of an upload whose intent a power loss took, the log
 * says whose it was and not on which disk. Each account is written down once, and lasts before anything of it is held.
 */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { systemUser, type Upload } from './upload.ts';

const lineSchema = z.strictObject({ account: z.string(), root: z.string(), user: systemUser.optional() });

/** Where an account's files were, and with whose rights they were reached: the gateway's own when no `user` is told. */
export type KnownPlace = Pick<Upload, 'root' | 'user'>;

/** The roots of accounts, the latest of each. */
export class KnownRoots {
  readonly #path: string;
  readonly #roots = new Map<string, KnownPlace & { readonly root: string }>();
  readonly #inTurn = oneAtATime();

  constructor(directory: string) {
    this.#path = join(directory, 'roots.jsonl');
  }

  /** Reads them; a line that was cut short is left out. */
  async load(): Promise<void> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const known = parsed(line);
      if (known !== undefined) this.#roots.set(known.account, placeIn(known));
    }
  }

  /** Where they were last; a place that says nothing for an account that nothing is known of. */
  of(account: string): KnownPlace {
    return this.#roots.get(account) ?? {};
  }

  /** Remembers where an account's files are; costs nothing when that is known. @throws the system's error. */
  async remember(account: string, { root, user }: KnownPlace): Promise<void> {
    if (root === undefined) return;
    const place = placeIn({ root, user });
    const isKnown = () => JSON.stringify(this.#roots.get(account)) === JSON.stringify(place);
    if (isKnown()) return;
    await this.#inTurn(async () => {
      if (isKnown()) return;
      const handle = await open(this.#path, 'a', 0o600);
      try {
        // In front of it an end of line: what was cut short takes no other line with it.
        await handle.appendFile(`\n${JSON.stringify({ account, ...place })}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      this.#roots.set(account, place);
    });
  }
}

function placeIn({ root, user }: KnownPlace & { readonly root: string }): KnownPlace & { readonly root: string } {
  return user === undefined ? { root } : { root, user: { user: user.user, uid: user.uid, gid: user.gid } };
}

function parsed(line: string): z.output<typeof lineSchema> | undefined {
  if (line === '') return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    // Cut short by a power loss, when nothing had been held for it yet.
    return undefined;
  }
}
