/** Files in memory that tell what was done to them, fail on demand, and watch that they are used as their contract says. */
import { assert } from '../../src/lib/assert.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { DirectoryEntry, FileFacts } from '../../src/protocol/file-facts.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { OpenedFile, StagedWrite, StageRequest } from '../../src/spi/file-system.ts';
import { MemoryFiles as StoredInMemory } from '../../src/storage/memory.ts';
import { Failures } from './failures.ts';

/** Small pieces and batches, so that whoever reads gets several. */
const SMALL = { readBytes: 16, entriesPerBatch: 2, clock: new FakeClock(Date.UTC(2026, 0, 1)) };

/** One account's files. `calls` tells of staged writes and of what was set, `failures` makes operations fail. */
export class MemoryFiles extends StoredInMemory {
  readonly calls: string[] = [];
  readonly failures = new Failures();
  freeBytesLeft: number | undefined;
  openFiles = 0;
  /** Called when a write has been published, as by someone who waits for that. */
  published: () => void = () => undefined;

  constructor() {
    super(SMALL);
  }

  override put(path: string, content: string | Buffer): this {
    return super.put(path as VirtualPath, content);
  }

  override putPartial(path: string, content: string | Buffer): this {
    return super.putPartial(path as VirtualPath, content);
  }

  get partials(): ReadonlyMap<VirtualPath, Buffer> {
    return this.unfinished;
  }

  /** What the file holds; undefined when there is none. */
  text(path: string): string | undefined {
    return this.bytesOf(path as VirtualPath)?.toString();
  }

  override async stat(path: VirtualPath): Promise<FileFacts> {
    this.failures.met('stat');
    return super.stat(path);
  }

  override async enter(path: VirtualPath): Promise<void> {
    this.failures.met('enter');
    return super.enter(path);
  }

  override async list(path: VirtualPath): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    return this.#failing(await super.list(path));
  }

  async *#failing(entries: AsyncIterable<readonly DirectoryEntry[]>): AsyncGenerator<readonly DirectoryEntry[]> {
    for await (const batch of entries) {
      this.failures.met('list');
      yield batch;
    }
  }

  override async openRead(path: VirtualPath): Promise<OpenedFile> {
    const { failures } = this;
    failures.met('openRead');
    const opened = await super.openRead(path);
    this.openFiles += 1;
    return {
      facts: opened.facts,
      async *read(offsetBytes) {
        for await (const piece of opened.read(offsetBytes)) {
          failures.met('read');
          yield piece;
        }
      },
      close: async () => {
        this.openFiles -= 1;
      },
    };
  }

  override async stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite> {
    this.failures.met('stage');
    const staged = await super.stage(path, request);
    const start = request.from === 'restart' ? ` ${request.offsetBytes}` : '';
    this.calls.push(`stage ${path} ${request.from}${start} ${request.existing}`);
    return new WatchedWrite(staged, this);
  }

  override async removeFile(path: VirtualPath): Promise<void> {
    this.failures.met('removeFile');
    return super.removeFile(path);
  }

  override async setModified(path: VirtualPath, modifiedMs: number): Promise<void> {
    await super.setModified(path, modifiedMs);
    this.calls.push(`setModified ${path}`);
  }

  override async setMode(path: VirtualPath, mode: number): Promise<void> {
    await super.setMode(path, mode);
    this.calls.push(`setMode ${path}`);
  }

  override async freeBytes(): Promise<number | undefined> {
    return this.freeBytesLeft;
  }
}

/** A staged write that fails on demand and is used for one thing at a time. */
class WatchedWrite implements StagedWrite {
  readonly startBytes: number;
  readonly #staged: StagedWrite;
  readonly #files: MemoryFiles;
  #writing = false;

  constructor(staged: StagedWrite, files: MemoryFiles) {
    this.#staged = staged;
    this.#files = files;
    this.startBytes = staged.startBytes;
  }

  async *prefix(): AsyncGenerator<Buffer> {
    this.#files.failures.met('prefix');
    yield* this.#staged.prefix();
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    this.#check();
    this.#writing = true;
    try {
      // A real disk takes a turn of the event loop, and only then looks at the buffers.
      await new Promise((resolve) => setImmediate(resolve));
      this.#files.failures.met('write');
      await this.#staged.write(buffers);
    } finally {
      this.#writing = false;
    }
  }

  async commit(): Promise<void> {
    this.#check();
    this.#files.calls.push('commit');
    this.#files.failures.met('commit');
    await this.#staged.commit();
    this.#files.published();
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    this.#check();
    this.#files.calls.push(`abort ${partial}`);
    const kept = await this.#staged.abort(partial);
    this.#files.failures.met('abort');
    return kept;
  }

  #check(): void {
    assert(!this.#writing, 'a staged write does one thing at a time');
  }
}
