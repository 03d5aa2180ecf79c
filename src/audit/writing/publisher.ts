/** Publishes the newest checkpoint with its partial tiles, so that public tools can read the directory. */
import type { Clock, Timer } from '../../lib/clock.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import type { Log } from '../../spi/log.ts';
import { encodeBundle, leavesPerHash, partialTiles, TILE_WIDTH, tileName } from '../tree/tiles.ts';
import type { Disk, WholeFile } from './disk.ts';
import { CHECKPOINT } from './load-log.ts';
import type { SignedTree } from './log-writer.ts';
import type { Tail } from './tail.ts';

/** What a publisher is made of. */
export interface PublisherParts {
  readonly disk: Disk;
  readonly tail: Tail;
  readonly clock: Clock;
  readonly log: Log;
  readonly checkpointMs: number;
  /** The newest tree that lasts, with the cosignatures that fit it. */
  readonly newest: () => SignedTree;
  /** The size of the checkpoint that an earlier process published. */
  readonly publishedSize: number | undefined;
}

/** Publishes at most every `checkpointMs`. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #turn = oneAtATime();
  /** Directories of partial tiles that are removed when their tile is full. */
  readonly #partials = new Map<string, { readonly end: number }>();
  #published: string | undefined;
  #lastMs: number | undefined;
  #due: Timer | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    if (parts.publishedSize !== undefined) this.#remember(parts.publishedSize);
  }

  /** Sees to it that what is new is published in time. */
  changed(): void {
    if (this.#due !== undefined) return;
    const { clock, checkpointMs } = this.#parts;
    const waitMs = this.#lastMs === undefined ? 0 : this.#lastMs + checkpointMs - clock.monotonicMs();
    this.#due = clock.after(Math.max(waitMs, 0), () => {
      this.#due = undefined;
      void this.publish().catch((error: unknown) => {
        // No record is lost by that; the next time will do.
        this.#parts.log.error('audit.unpublished', { error });
        this.changed();
      });
    });
  }

  /** Publishes now. @throws what the file system throws; what was published before stands then. */
  publish(): Promise<void> {
    return this.#turn(async () => {
      const { disk, clock, newest } = this.#parts;
      this.#lastMs = clock.monotonicMs();
      const tree = newest();
      if (tree.note === this.#published) return;
      await disk.write(await this.#partialFiles(tree.size));
      this.#remember(tree.size);
      await disk.write([{ name: CHECKPOINT, bytes: Buffer.from(tree.note) }]);
      this.#published = tree.note;
      await this.#removeOld();
    });
  }

  /** Forgets what is due. */
  end(): void {
    this.#due?.cancel();
  }

  async #partialFiles(size: number): Promise<WholeFile[]> {
    const { tail } = this.#parts;
    // Before anything is waited for: the records may leave memory in the meantime.
    const places = partialTiles(size);
    const entries = tail.entries.slice(size - (size % TILE_WIDTH) - tail.start, size - tail.start);
    const files: WholeFile[] = [];
    for (const place of places) {
      const { level, index, width } = place;
      const bytes =
        level === 'entries' ? encodeBundle(entries) : Buffer.concat(await tail.hashes.tile(level, index, width));
      files.push({ name: tileName(place), bytes });
    }
    return files;
  }

  #remember(size: number): void {
    for (const { level, index } of partialTiles(size)) {
      const end = (index + 1) * leavesPerHash(level === 'entries' ? 1 : level + 1);
      this.#partials.set(`${tileName({ level, index })}.p`, { end });
    }
  }

  /** Whoever still reads by an older checkpoint finds the full tile instead. */
  async #removeOld(): Promise<void> {
    for (const [name, { end }] of this.#partials) {
      if (end > this.#parts.tail.start) continue;
      await this.#parts.disk.remove(name);
      this.#partials.delete(name);
    }
  }
}
