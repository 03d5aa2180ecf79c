/**
 * Verifies a whole log offline, also while a gateway writes to it: every record against its hash, every tile, every
 * signature, the order of times, and names the first thing that is wrong.
 */

import { LogDamaged, type LogProblem } from '../damage.ts';
import type { SignedCheckpoint } from '../notes/checkpoint.ts';
import { witnessKey } from '../notes/cosignature.ts';
import { COSIGNED } from '../notes/cosigned.ts';
import type { NoteKey } from '../notes/signed-note.ts';
import { NoteRefused } from '../notes/signed-note.ts';
import { TILE_WIDTH, tileName } from '../tree/tiles.ts';
import { type AuditIo, Disk, nodeIo } from '../writing/disk.ts';
import { JOURNAL, type JournalContent, readJournal } from '../writing/journal.ts';
import { CHECKPOINT, checkpointIn, readCheckpoint, UNPUBLISHED } from '../writing/load-log.ts';
import { type Cosigner, cosignersOf } from './receipt.ts';
import { checkPartials, checkUpper } from './verify-partials.ts';
import { LogWalk, type Waypoint } from './verify-walk.ts';

/** What to verify with. */
export interface VerifyOptions {
  /** The log's keys: vkeys, or public keys as PEM. */
  readonly keys: readonly string[];
  /** Vkeys of witnesses. */
  readonly witnesses?: readonly string[] | undefined;
  /** Checkpoints that were kept elsewhere: the log must still begin with what they name. */
  readonly older?: readonly string[] | undefined;
  /** The file system, for tests. */
  readonly io?: AuditIo | undefined;
}

/** What came of it. */
export interface LogVerdict {
  /** The first thing that is wrong; undefined when nothing is. */
  readonly problem: LogProblem | undefined;
  /** The log's name; undefined when not even that can be read. */
  readonly origin: string | undefined;
  /** Records that were verified. */
  readonly size: number;
  /** How many of them, at the beginning, were dropped by retention: their hashes were verified. */
  readonly minimumIndex: number;
  /** The newest checkpoint that was verified, as a note. */
  readonly newest: string | undefined;
  /** The size of the published checkpoint. */
  readonly publishedSize: number | undefined;
  /** The checkpoint that witnesses cosigned, and those of them that were asked for. */
  readonly cosigned: { readonly size: number; readonly cosigners: readonly Cosigner[] } | undefined;
  /** Bytes at the journal's end that never came to last, as a crash or a writing gateway leaves them. */
  readonly tornBytes: number;
}

/** How often a log that changes while it is read is read again before what looks wrong is believed. */
const TRIES_MAX = 3;

/** Verifies the log of a directory. @throws what the file system throws, and NoteRefused for keys that are none. */
export async function verifyLog(directory: string, options: VerifyOptions): Promise<LogVerdict> {
  const disk = new Disk(directory, options.io ?? nodeIo);
  const witnesses = (options.witnesses ?? []).map(witnessKey);
  for (let attempt = 1; ; attempt++) {
    const before = await stateOf(disk);
    const verdict = await new Verification(disk, options, witnesses).run();
    if (verdict.problem === undefined || attempt === TRIES_MAX) return verdict;
    // What a gateway writes and prunes meanwhile may look like damage; damage stays.
    if ((await stateOf(disk)).equals(before)) return verdict;
  }
}

async function stateOf(disk: Disk): Promise<Buffer> {
  return Buffer.concat([
    (await disk.read(JOURNAL)) ?? Buffer.alloc(0),
    (await disk.read(CHECKPOINT)) ?? Buffer.alloc(0),
  ]);
}

/** One reading of a log. */
class Verification {
  readonly #disk: Disk;
  readonly #options: VerifyOptions;
  readonly #witnesses: readonly NoteKey[];
  #walk: LogWalk;
  #newest: SignedCheckpoint | undefined;
  #published: SignedCheckpoint | undefined;
  #cosigned: SignedCheckpoint | undefined;
  #cosigners: readonly Cosigner[] = [];
  #journal: JournalContent | undefined;

  constructor(disk: Disk, options: VerifyOptions, witnesses: readonly NoteKey[]) {
    this.#disk = disk;
    this.#options = options;
    this.#witnesses = witnesses;
    this.#walk = new LogWalk(disk, []);
  }

  async run(): Promise<LogVerdict> {
    const problem = await this.#problem();
    const cosigned = this.#cosigned && { size: this.#cosigned.size, cosigners: this.#cosigners };
    return {
      problem,
      origin: (this.#newest ?? this.#published)?.origin,
      size: this.#walk.edge.size,
      minimumIndex: this.#walk.missing,
      newest: this.#newest?.note,
      publishedSize: this.#published?.size,
      cosigned,
      tornBytes: this.#journal?.tornBytes ?? 0,
    };
  }

  async #problem(): Promise<LogProblem | undefined> {
    try {
      await this.#verify();
      return undefined;
    } catch (error) {
      if (error instanceof LogDamaged) return error.problem;
      throw error;
    }
  }

  async #verify(): Promise<void> {
    const { keys, older = [] } = this.#options;
    // The checkpoint first: what it covers is in journal or bundles by then.
    this.#published = await readCheckpoint(this.#disk, CHECKPOINT, keys);
    this.#cosigned = await readCheckpoint(this.#disk, COSIGNED, keys);
    const kept = older.map((note) => checkpointIn(note, { file: 'an older checkpoint', index: undefined }, keys));
    const damage = await this.#readJournal();
    this.#walk = new LogWalk(this.#disk, [
      ...(this.#published === undefined ? [] : [this.#waypoint(this.#published, CHECKPOINT)]),
      ...(this.#cosigned === undefined ? [] : [this.#waypoint(this.#cosigned, COSIGNED)]),
      ...kept.map((checkpoint) => this.#waypoint(checkpoint, 'an older checkpoint')),
    ]);
    await this.#walk.begin();
    await this.#walkBundles(damage);
    await this.#walkJournal();
    this.#checkEnd();
    this.#walk.checkPruned();
    for (const checkpoint of [this.#published, this.#cosigned]) if (checkpoint) this.#checkCosigners(checkpoint);
  }

  /** A damaged journal is not the first thing that is wrong when a bundle before it is damaged too. */
  async #readJournal(): Promise<LogDamaged | undefined> {
    try {
      const bytes = await this.#disk.read(JOURNAL);
      if (bytes === undefined) throw new LogDamaged({ index: undefined, file: JOURNAL, why: 'it is missing' });
      this.#journal = readJournal(bytes);
      return undefined;
    } catch (error) {
      if (error instanceof LogDamaged) return error;
      throw error;
    }
  }

  async #walkBundles(damage: LogDamaged | undefined): Promise<void> {
    const end = this.#journal?.groups[0]?.first ?? (damage ? await this.#bundlesThere() : 0);
    if (end % TILE_WIDTH !== 0) {
      throw new LogDamaged({ index: end, file: JOURNAL, why: 'it does not begin where a bundle ends' });
    }
    this.#walk.fullUntil = end;
    for (let index = 0; index < end / TILE_WIDTH; index++) await this.#walk.bundleAt(index);
    await checkUpper(this.#disk, this.#walk);
    if (damage !== undefined) throw damage;
  }

  /** How many records are in bundles, when the journal does not say. */
  async #bundlesThere(): Promise<number> {
    let index = 0;
    while (await this.#disk.has(tileName({ level: 0, index }))) index += 1;
    return index * TILE_WIDTH;
  }

  async #walkJournal(): Promise<void> {
    const [base] = this.#journal?.groups ?? [];
    for (const group of this.#journal?.groups ?? []) {
      const { first, entries, note } = group;
      const { edge } = this.#walk;
      if (first !== edge.size) throw new LogDamaged({ index: edge.size, file: JOURNAL, why: 'the record is missing' });
      for (const entry of entries) await this.#walk.record(entry, JOURNAL);
      // What is wrong with the first group's checkpoint may be any record before it.
      const index = group === base ? undefined : first;
      const checkpoint = checkpointIn(note, { file: JOURNAL, index }, this.#options.keys);
      if (checkpoint.size !== edge.size || !checkpoint.root.equals(edge.root())) {
        throw new LogDamaged({ index, file: JOURNAL, why: 'the records are not those that were signed' });
      }
      this.#newest = checkpoint;
    }
  }

  #waypoint(checkpoint: SignedCheckpoint, file: string): Waypoint {
    return {
      size: checkpoint.size,
      check: async (walk) => {
        if (file === CHECKPOINT) await checkPartials(this.#disk, walk, checkpoint.size);
        if (checkpoint.root.equals(walk.edge.root())) return;
        throw new LogDamaged({ index: undefined, file, why: 'the records up to it are not those that were signed' });
      },
    };
  }

  #checkEnd(): void {
    if (this.#published === undefined && this.#walk.edge.size > 0) throw new LogDamaged(UNPUBLISHED);
    const [beyond] = this.#walk.unmet;
    if (beyond === undefined) return;
    const end = this.#walk.edge.size;
    const cut = { index: end, why: `the log ends here, but a checkpoint of ${beyond.size} records was signed` };
    throw new LogDamaged({ file: JOURNAL, ...(this.#journal?.torn ?? cut) });
  }

  #checkCosigners(checkpoint: SignedCheckpoint): void {
    try {
      const cosigners = cosignersOf(checkpoint.parsed, this.#witnesses);
      if (checkpoint === this.#cosigned) this.#cosigners = cosigners;
    } catch (error) {
      if (!(error instanceof NoteRefused)) throw error;
      const file = checkpoint === this.#cosigned ? COSIGNED : CHECKPOINT;
      throw new LogDamaged({ index: undefined, file, why: error.message });
    }
  }
}
