/** The checkpoint that witnesses have cosigned, kept until they cosign a newer one. */

import type { Clock } from '../../lib/clock.ts';
import type { TreeHashes } from '../tree/tree-hashes.ts';
import { cosignersOf } from '../verifying/receipt.ts';
import type { Disk } from '../writing/disk.ts';
import type { SignedTree } from '../writing/log-writer.ts';
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import {
  ed25519NoteKey,
  formatNote,
  type Note,
  type NoteKey,
  NoteRefused,
  parseVkey,
  signaturesBy,
} from './signed-note.ts';

/** The name of the file. */
export const COSIGNED = 'cosigned';

/** What the store is made of. */
export interface CosignedParts {
  readonly disk: Disk;
  readonly hashes: TreeHashes;
  /** The log's own key. */
  readonly vkey: string;
  readonly witnesses: readonly NoteKey[];
  readonly clock: Clock;
}

/** How far the clock of a witness may be ahead of the gateway's. */
const AHEAD_MAX_MS = 86_400_000;

/** Cosignatures by the witnesses that are configured. */
export class Cosigned {
  readonly #parts: CosignedParts;
  #newest: SignedCheckpoint | undefined;

  constructor(parts: CosignedParts) {
    this.#parts = parts;
  }

  /** Reads what was kept. A file that does not fit the log is of no use to anybody and is passed over. */
  async load(durableSize: number): Promise<void> {
    const bytes = await this.#parts.disk.read(COSIGNED);
    if (bytes === undefined) return;
    try {
      const kept = await this.#checked(bytes.toString('utf8'), durableSize);
      if (cosignersOf(kept.parsed, this.#parts.witnesses).length > 0) this.#newest = kept;
    } catch (error) {
      if (!(error instanceof NoteRefused)) throw error;
    }
  }

  /**
   * Takes the cosignatures of a note over one of the log's checkpoints. @returns how many of them are new.
   *
   * @throws NoteRefused when the note is not such a checkpoint, holds no cosignature of a witness that is configured, or
   *   one that is wrong or of more than a day ahead, or is older than one that was cosigned already.
   */
  async add(note: string, durableSize: number): Promise<number> {
    const given = await this.#checked(note, durableSize);
    const cosignatures = signaturesBy(given.parsed, this.#parts.witnesses);
    if (cosignatures.length === 0) throw new NoteRefused('the note holds no cosignature of a configured witness');
    for (const { name, seconds } of cosignersOf(given.parsed, this.#parts.witnesses)) {
      // It would stand for a time at which nobody has looked, and no honest one of that witness could be told from it.
      if (seconds === undefined || seconds * 1_000n <= BigInt(this.#parts.clock.now() + AHEAD_MAX_MS)) continue;
      throw new NoteRefused(`the cosignature of ${name} is of a time to come`);
    }
    const before = this.#newest;
    if (before !== undefined && before.size > given.size) {
      throw new NoteRefused(`a newer checkpoint, of ${before.size} records, is cosigned already`);
    }
    const kept = before?.parsed.text === given.parsed.text ? signaturesBy(before.parsed, this.#parts.witnesses) : [];
    const added = cosignatures.filter(({ line }) => !kept.some((one) => one.line === line));
    if (added.length === 0) return 0;
    // A witness that cosigns the same checkpoint again has looked again: its newer word stands.
    const others = kept.filter(({ name, id }) => !added.some((one) => one.name === name && one.id === id));
    const own = given.parsed.signatures.filter(({ line }) => line === this.#ownLine(given.parsed));
    const text = formatNote(
      given.parsed.text,
      [...own.slice(0, 1), ...others, ...added].map(({ line }) => line),
    );
    await this.#parts.disk.write([{ name: COSIGNED, bytes: Buffer.from(text) }]);
    this.#newest = openCheckpoint(text, [this.#parts.vkey]);
    return added.length;
  }

  /** The cosigned tree that has a record; undefined when there is none. */
  covering(index: number): SignedTree | undefined {
    const newest = this.#newest;
    if (newest === undefined || index >= newest.size) return undefined;
    const own = newest.parsed.signatures.filter(({ line }) => line === this.#ownLine(newest.parsed)).slice(0, 1);
    const lines = [...own.map(({ line }) => line), ...this.#linesOf(newest)];
    return { size: newest.size, root: newest.root, note: formatNote(newest.parsed.text, lines) };
  }

  /** The tree with the cosignatures that its checkpoint has. */
  on(tree: SignedTree): SignedTree {
    const newest = this.#newest;
    if (newest === undefined || newest.size !== tree.size || !newest.root.equals(tree.root)) return tree;
    return { ...tree, note: `${tree.note}${this.#linesOf(newest).join('')}` };
  }

  #ownLine(note: Note): string | undefined {
    const { name, key } = parseVkey(this.#parts.vkey);
    return signaturesBy(note, [ed25519NoteKey(name, key)])[0]?.line;
  }

  #linesOf(checkpoint: SignedCheckpoint): string[] {
    return signaturesBy(checkpoint.parsed, this.#parts.witnesses).map(({ line }) => line);
  }

  /** A checkpoint that this log has signed, over records that it has. */
  async #checked(note: string, durableSize: number): Promise<SignedCheckpoint> {
    const { vkey, hashes } = this.#parts;
    const given = openCheckpoint(note, [vkey]);
    if (given.size > durableSize) throw new NoteRefused(`the log has ${durableSize} records, not ${given.size}`);
    const root = await hashes.rootAt(given.size);
    if (!root.equals(given.root)) throw new NoteRefused('the checkpoint is not one of this log');
    return given;
  }
}
