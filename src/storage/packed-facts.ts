/**
 * Facts of many files as numbers in a row: the form in which they cross from one thread to another. A message of objects
 * would cost more than asking the disk.
 */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { endianness } from 'node:os';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';

/** Rows, empty or to be written over. */
export type FactRows = BigInt64Array<ArrayBuffer>;

/** A row for each of `count` names: those given, if they are enough, or new ones. */
export function rowsFor(count: number, used?: FactRows): FactRows {
  return used !== undefined && used.length >= count * COLUMNS ? used : new BigInt64Array(count * COLUMNS);
}

/**
 * Writes what `lstat` says into the row of `index`; undefined for a name that nothing has. Its text is part of the thread's program,
 * and so it names nothing from outside: the columns are those that `PackedFacts` reads.
 */
export function packFacts(rows: FactRows, index: number, stats: BigIntStats | undefined): void {
  const at = index * 10;
  if (stats === undefined) {
    rows[at] = 0n;
    return;
  }
  rows[at] = stats.mode;
  rows[at + 1] = stats.size;
  rows[at + 2] = stats.mtimeMs;
  rows[at + 3] = stats.ctimeMs;
  rows[at + 4] = stats.birthtimeMs;
  rows[at + 5] = stats.nlink;
  rows[at + 6] = stats.uid;
  rows[at + 7] = stats.gid;
  rows[at + 8] = stats.dev;
  rows[at + 9] = stats.ino;
}

/** Rows, read. */
export class PackedFacts {
  readonly rows: FactRows;
  readonly #low: Uint32Array;
  readonly #high: Int32Array;
  #device = { high: 0, low: 0, text: '0.' };

  constructor(rows: FactRows) {
    this.rows = rows;
    this.#low = new Uint32Array(rows.buffer, rows.byteOffset, 2 * rows.length);
    this.#high = new Int32Array(rows.buffer, rows.byteOffset, 2 * rows.length);
  }

  /** What the row of `index` is of. */
  kind(index: number): 'nothing' | 'link' | FileFacts['kind'] {
    switch (this.#number(index * COLUMNS + MODE) & constants.S_IFMT) {
      case 0:
        return 'nothing';
      case constants.S_IFLNK:
        return 'link';
      case constants.S_IFREG:
        return 'file';
      case constants.S_IFDIR:
        return 'directory';
      default:
        return 'other';
    }
  }

  /** The entry of that kind with this name, whose facts are the row of `index`. The same as `factsOf` makes of `lstat`. */
  entry(index: number, name: string, kind: FileFacts['kind']): DirectoryEntry {
    const at = index * COLUMNS;
    const entry: DirectoryEntry & { createdMs?: number } = {
      name,
      kind,
      sizeBytes: this.#number(at + SIZE),
      modifiedMs: this.#number(at + MODIFIED),
      changedMs: this.#number(at + CHANGED),
      mode: this.#number(at + MODE) & 0o7777,
      linkCount: this.#number(at + LINKS),
      owner: this.#number(at + OWNER),
      group: this.#number(at + GROUP),
      unique: this.#onDevice(at + DEVICE) + this.#hexadecimal(at + INODE),
    };
    const createdMs = this.#number(at + CREATED);
    if (createdMs > 0) entry.createdMs = createdMs;
    return entry;
  }

  /** Read in halves: a BigInt for each number would take most of the time. */
  #number(at: number): number {
    return (this.#high[2 * at + HIGH] ?? 0) * 2 ** 32 + (this.#low[2 * at + LOW] ?? 0);
  }

  /** The device with a dot behind it, as `unique` begins. All files of a directory are on one, but for what is mounted there. */
  #onDevice(at: number): string {
    const high = this.#high[2 * at + HIGH] ?? 0;
    const low = this.#low[2 * at + LOW] ?? 0;
    const before = this.#device;
    if (before.high !== high || before.low !== low) this.#device = { high, low, text: `${this.#hexadecimal(at)}.` };
    return this.#device.text;
  }

  /** Exact where a number is not: file systems that are put together number their files beyond 2^53. */
  #hexadecimal(at: number): string {
    const high = (this.#high[2 * at + HIGH] ?? 0) >>> 0;
    const low = this.#low[2 * at + LOW] ?? 0;
    return high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0');
  }
}

const [MODE, SIZE, MODIFIED, CHANGED, CREATED, LINKS, OWNER, GROUP, DEVICE, INODE] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const COLUMNS = 10;

/** Where the halves of a number are. */
const [LOW, HIGH] = endianness() === 'LE' ? [0, 1] : [1, 0];
