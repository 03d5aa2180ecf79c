/** A staged write in memory: its bytes are nobody's until they are published in one step. */
import { assert } from '../lib/assert.ts';
import { Fault } from '../spi/fault.ts';
import type { StagedWrite } from '../spi/file-system.ts';

/** Where a staged write ends, and what bounds it. */
export interface MemoryTarget {
  hasRoomFor(bytes: number): boolean;
  /** @throws Fault `FileExists` when the name was taken meanwhile. */
  publish(bytes: Buffer): void;
  /** @throws Fault `FileBusy` when its directory is gone, or something is held under this id. */
  hold(bytes: Buffer, id: string): void;
  keep(bytes: Buffer): void;
  drop(): void;
}

/** A write in progress. */
export class MemoryStagedWrite implements StagedWrite {
  readonly startBytes: number;
  readonly #base: Buffer;
  readonly #target: MemoryTarget;
  readonly #pieces: Buffer[] = [];
  #lengthBytes = 0;
  #over = false;

  /** @param base the bytes that it begins with. */
  constructor(base: Buffer, target: MemoryTarget) {
    this.#base = base;
    this.#target = target;
    this.startBytes = base.length;
  }

  async *prefix(): AsyncGenerator<Buffer, void, undefined> {
    if (this.startBytes > 0) yield Buffer.from(this.#base);
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    assert(!this.#over, 'a staged write is ended once');
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (!this.#target.hasRoomFor(this.startBytes + this.#lengthBytes + bytes)) throw new Fault('StorageFull');
    this.#lengthBytes += bytes;
    // The caller's buffers may be used again once this has resolved.
    this.#pieces.push(...buffers.map((buffer) => Buffer.from(buffer)));
  }

  async commit(): Promise<void> {
    assert(!this.#over, 'a staged write is ended once');
    this.#target.publish(this.#bytes);
    this.#over = true;
  }

  async hold(id: string): Promise<void> {
    assert(!this.#over, 'a staged write is ended once');
    this.#target.hold(this.#bytes, id);
    this.#over = true;
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    // As on the disk: what is published or held is not this write's any more.
    if (this.#over) return 0;
    this.#over = true;
    const bytes = this.#bytes;
    if (partial === 'remove' || bytes.length === 0) {
      this.#target.drop();
      return 0;
    }
    this.#target.keep(bytes);
    return bytes.length;
  }

  get #bytes(): Buffer {
    return Buffer.concat([this.#base, ...this.#pieces]);
  }
}
