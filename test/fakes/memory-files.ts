/** Storage in memory: everything that `FileSystem` promises, staging and partial uploads included, without a disk. */
import { assert } from '../../src/lib/assert.ts';
import type { DirectoryEntry, FileFacts } from '../../src/protocol/file-facts.ts';
import { baseName, isWithin, parentOf, ROOT, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { ExistingFile, FileSystem, OpenedFile, StagedWrite, StageRequest } from '../../src/spi/file-system.ts';
import { Failures } from './failures.ts';

interface Entry {
  readonly kind: 'file' | 'directory';
  bytes: Buffer;
  modifiedMs: number;
  mode: number;
  readonly unique: string;
}

const READ_BYTES = 16;

/** One account's files. `calls` tells of staged writes and of what was set, `failures` makes operations fail. */
export class MemoryFiles implements FileSystem {
  readonly calls: string[] = [];
  readonly failures = new Failures();
  readonly partials = new Map<VirtualPath, Buffer>();
  freeBytesLeft: number | undefined;
  entriesPerBatch = 2;
  openFiles = 0;
  #nextUnique = 1;
  readonly #entries = new Map<VirtualPath, Entry>();

  constructor() {
    this.#create(ROOT, 'directory');
  }

  /** Puts a file there, with the directories that it needs. */
  put(path: string, content: string | Buffer): this {
    const target = path as VirtualPath;
    this.#makeParents(target);
    this.#create(target, 'file').bytes = Buffer.from(content);
    return this;
  }

  /** Leaves an unfinished upload of this path. */
  putPartial(path: string, content: string): this {
    this.partials.set(path as VirtualPath, Buffer.from(content));
    return this;
  }

  /** What the file holds; undefined when there is none. */
  text(path: string): string | undefined {
    const entry = this.#entries.get(path as VirtualPath);
    return entry?.kind === 'file' ? entry.bytes.toString() : undefined;
  }

  async stat(path: VirtualPath): Promise<FileFacts> {
    this.failures.met('stat');
    return this.#facts(this.#entry(path));
  }

  async enter(path: VirtualPath): Promise<void> {
    this.failures.met('enter');
    this.#directory(path);
  }

  async *list(path: VirtualPath): AsyncGenerator<readonly DirectoryEntry[]> {
    this.#directory(path);
    const children = [...this.#entries].filter(([child]) => child !== ROOT && parentOf(child) === path);
    for (let from = 0; from < children.length; from += this.entriesPerBatch) {
      this.failures.met('list');
      const batch = children.slice(from, from + this.entriesPerBatch);
      yield batch.map(([child, entry]) => ({ ...this.#facts(entry), name: baseName(child) }));
    }
  }

  async openRead(path: VirtualPath): Promise<OpenedFile> {
    const { failures } = this;
    failures.met('openRead');
    const entry = this.#entry(path);
    if (entry.kind !== 'file') throw new Fault('NotAFile');
    const bytes = Buffer.from(entry.bytes);
    this.openFiles += 1;
    return {
      facts: this.#facts(entry),
      async *read(offsetBytes) {
        for (let from = offsetBytes; from < bytes.length; from += READ_BYTES) {
          failures.met('read');
          yield Buffer.from(bytes.subarray(from, from + READ_BYTES));
        }
      },
      close: async () => {
        this.openFiles -= 1;
      },
    };
  }

  async stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite> {
    this.failures.met('stage');
    this.#directory(parentOf(path));
    const published = this.#entries.get(path);
    if (published?.kind === 'directory') throw new Fault('NotAFile');
    if (published !== undefined && request.existing === 'keep') throw new Fault('FileExists');
    const base = this.#base(path, request);
    const start = request.from === 'restart' ? ` ${request.offsetBytes}` : '';
    this.calls.push(`stage ${path} ${request.from}${start} ${request.existing}`);
    return new MemoryStagedWrite(this, { path, base, existing: request.existing });
  }

  async resumableBytes(path: VirtualPath): Promise<number | undefined> {
    return this.partials.get(path)?.length;
  }

  async makeDirectory(path: VirtualPath): Promise<void> {
    this.#directory(parentOf(path));
    if (this.#entries.has(path)) throw new Fault('FileExists');
    this.#create(path, 'directory');
  }

  async removeDirectory(path: VirtualPath): Promise<void> {
    this.#directory(path);
    if ([...this.#entries.keys()].some((child) => child !== path && isWithin(child, path))) {
      throw new Fault('DirectoryNotEmpty');
    }
    this.#entries.delete(path);
  }

  async removeTree(path: VirtualPath, entriesMax: number): Promise<void> {
    this.#directory(path);
    const tree = [...this.#entries.keys()].filter((child) => isWithin(child, path));
    if (tree.length - 1 > entriesMax) throw new Fault('ListingTooLong');
    for (const child of tree) this.#entries.delete(child);
  }

  async removeFile(path: VirtualPath): Promise<void> {
    this.failures.met('removeFile');
    if (this.#entry(path).kind !== 'file') throw new Fault('NotAFile');
    this.#entries.delete(path);
  }

  async rename(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void> {
    this.#entry(from);
    this.#directory(parentOf(to));
    const taken = this.#entries.get(to);
    if (taken !== undefined && (existing === 'keep' || taken.kind === 'directory')) throw new Fault('FileExists');
    for (const [path, entry] of [...this.#entries]) {
      if (!isWithin(path, from)) continue;
      this.#entries.delete(path);
      this.#entries.set((to + path.slice(from.length)) as VirtualPath, entry);
    }
  }

  async setModified(path: VirtualPath, modifiedMs: number): Promise<void> {
    const entry = this.#entry(path);
    this.calls.push(`setModified ${path}`);
    entry.modifiedMs = modifiedMs;
  }

  async setMode(path: VirtualPath, mode: number): Promise<void> {
    const entry = this.#entry(path);
    this.calls.push(`setMode ${path}`);
    entry.mode = mode;
  }

  async freeBytes(): Promise<number | undefined> {
    return this.freeBytesLeft;
  }

  /** For `MemoryStagedWrite`: publishes in one step. */
  publish(path: VirtualPath, bytes: Buffer, existing: ExistingFile): void {
    if (existing === 'keep' && this.#entries.has(path)) throw new Fault('FileExists');
    this.#create(path, 'file').bytes = bytes;
    this.partials.delete(path);
  }

  #base(path: VirtualPath, request: StageRequest): Buffer {
    const published = this.#entries.get(path)?.bytes;
    const partial = this.partials.get(path);
    if (request.from === 'empty') return Buffer.alloc(0);
    if (request.from === 'append') return published ?? partial ?? Buffer.alloc(0);
    const { offsetBytes } = request;
    const base = [
      partial !== undefined && partial.length >= offsetBytes ? partial : undefined,
      published !== undefined && published.length >= offsetBytes ? published : undefined,
    ].find((candidate) => candidate !== undefined);
    if (base === undefined) throw new Fault('RestartInvalid');
    return base.subarray(0, offsetBytes);
  }

  #create(path: VirtualPath, kind: Entry['kind']): Entry {
    const mode = kind === 'directory' ? 0o755 : 0o644;
    const entry = {
      kind,
      bytes: Buffer.alloc(0),
      modifiedMs: Date.UTC(2026, 0, 1),
      mode,
      unique: `u${this.#nextUnique++}`,
    };
    this.#entries.set(path, entry);
    return entry;
  }

  #makeParents(path: VirtualPath): void {
    const parent = parentOf(path);
    if (this.#entries.has(parent)) return;
    this.#makeParents(parent);
    this.#create(parent, 'directory');
  }

  #entry(path: VirtualPath): Entry {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw new Fault('NoSuchFile');
    return entry;
  }

  #directory(path: VirtualPath): void {
    if (this.#entry(path).kind !== 'directory') throw new Fault('NotADirectory');
  }

  #facts({ kind, bytes, modifiedMs, mode, unique }: Entry): FileFacts {
    return { kind, sizeBytes: bytes.length, modifiedMs, mode, linkCount: 1, owner: 1000, group: 1000, unique };
  }
}

/** A staged write that holds its bytes until it is committed, and watches that it is used as the contract says. */
class MemoryStagedWrite implements StagedWrite {
  readonly startBytes: number;
  readonly #files: MemoryFiles;
  readonly #target: { readonly path: VirtualPath; readonly base: Buffer; readonly existing: ExistingFile };
  #bytes: Buffer;
  #writing = false;
  #over = false;

  constructor(
    files: MemoryFiles,
    target: { readonly path: VirtualPath; readonly base: Buffer; readonly existing: ExistingFile },
  ) {
    this.#files = files;
    this.#target = target;
    this.#bytes = target.base;
    this.startBytes = target.base.length;
  }

  async *prefix(): AsyncGenerator<Buffer> {
    this.#files.failures.met('prefix');
    if (this.startBytes > 0) yield Buffer.from(this.#target.base);
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    this.#check();
    this.#writing = true;
    try {
      // A real disk takes a turn of the event loop, and only then looks at the buffers.
      await new Promise((resolve) => setImmediate(resolve));
      this.#files.failures.met('write');
      this.#bytes = Buffer.concat([this.#bytes, ...buffers]);
    } finally {
      this.#writing = false;
    }
  }

  async commit(): Promise<void> {
    this.#check();
    this.#files.calls.push('commit');
    this.#files.failures.met('commit');
    this.#files.publish(this.#target.path, this.#bytes, this.#target.existing);
    this.#over = true;
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    this.#check();
    this.#files.calls.push(`abort ${partial}`);
    this.#over = true;
    this.#files.failures.met('abort');
    if (partial === 'remove' || this.#bytes.length === 0) return 0;
    this.#files.partials.set(this.#target.path, this.#bytes);
    return this.#bytes.length;
  }

  #check(): void {
    assert(!this.#over, 'a staged write is ended once');
    assert(!this.#writing, 'a staged write does one thing at a time');
  }
}
