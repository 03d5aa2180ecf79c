/**
 * Files in memory: everything that the contract of storage promises, staging and unfinished uploads included, and nothing
 * that outlives the process. For testing a client against a gateway, and for gateways that hand files straight on.
 */
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import { baseName, isWithin, parentOf, ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile, FileSystem, HeldFile, OpenedFile, StagedWrite, StageRequest } from '../spi/file-system.ts';
import { MemoryHeld } from './memory-held.ts';
import { MemoryStagedWrite } from './memory-staged-write.ts';

/** How memory is used for files. */
export interface MemoryOptions {
  /** Bytes of published, held and unfinished files together; 64 MiB by default. Beyond it uploads end with 452. */
  readonly bytesMax?: number;
  /** Where times of modification come from. */
  readonly clock?: Clock;
  /** The longest piece that a reader gets, in bytes; 1 MiB by default. */
  readonly readBytes?: number;
  /** Entries of a directory that are given at once; 256 by default. */
  readonly entriesPerBatch?: number;
}

interface Node {
  readonly kind: 'file' | 'directory';
  readonly unique: string;
  bytes: Buffer;
  modifiedMs: number;
  mode: number;
}

const DEFAULTS = { bytesMax: 67_108_864, clock: systemClock, readBytes: 1_048_576, entriesPerBatch: 256 };

/** One account's files in memory. */
export class MemoryFiles implements FileSystem {
  readonly #options: Required<MemoryOptions>;
  readonly #nodes = new Map<VirtualPath, Node>();
  readonly #partials = new Map<VirtualPath, Buffer>();
  readonly #held: MemoryHeld;
  #made = 0;

  constructor(options: MemoryOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#held = new MemoryHeld((...words) => this.#publish(...words), this.#options.readBytes);
    this.#create(ROOT, 'directory');
  }

  /** Puts a file there, with the directories that it needs, in place of the one that is there. */
  put(path: VirtualPath, content: string | Buffer): this {
    this.#makeParents(path);
    this.#create(path, 'file').bytes = Buffer.from(content);
    return this;
  }

  /** Leaves an unfinished upload of this path, as a client that was cut off would. */
  putPartial(path: VirtualPath, content: string | Buffer): this {
    this.#partials.set(path, Buffer.from(content));
    return this;
  }

  /** What the published file holds; undefined when there is none. */
  bytesOf(path: VirtualPath): Buffer | undefined {
    const node = this.#nodes.get(path);
    return node?.kind === 'file' ? Buffer.from(node.bytes) : undefined;
  }

  /** The paths of all published files, sorted. */
  get files(): readonly VirtualPath[] {
    return [...this.#nodes].flatMap(([path, { kind }]) => (kind === 'file' ? [path] : [])).sort();
  }

  /** The unfinished uploads that can be resumed. */
  get unfinished(): ReadonlyMap<VirtualPath, Buffer> {
    return this.#partials;
  }

  async stat(path: VirtualPath): Promise<FileFacts> {
    return factsOf(this.#node(path));
  }

  async enter(path: VirtualPath): Promise<void> {
    this.#directory(path);
  }

  async list(path: VirtualPath): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    this.#directory(path);
    const children = [...this.#nodes].filter(([child]) => child !== ROOT && parentOf(child) === path);
    return batches(
      children.map(([child, node]) => ({ ...factsOf(node), name: baseName(child) })),
      this.#options.entriesPerBatch,
    );
  }

  async openRead(path: VirtualPath): Promise<OpenedFile> {
    const node = this.#node(path);
    if (node.kind !== 'file') throw new Fault('NotAFile');
    const { bytes } = node;
    const { readBytes } = this.#options;
    return {
      facts: factsOf(node),
      async *read(offsetBytes) {
        for (let from = offsetBytes; from < bytes.length; from += readBytes) {
          yield Buffer.from(bytes.subarray(from, from + readBytes));
        }
      },
      async close() {},
    };
  }

  async stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite> {
    this.#directory(parentOf(path));
    const published = this.#nodes.get(path);
    if (published?.kind === 'directory') throw new Fault('NotAFile');
    if (published !== undefined && request.existing === 'keep') throw new Fault('FileExists');
    return new MemoryStagedWrite(this.#base(path, request), {
      hasRoomFor: (bytes) => this.#usedBytes() + bytes <= this.#options.bytesMax,
      publish: (bytes) => {
        this.#publish(path, bytes, request.existing);
        this.#partials.delete(path);
      },
      hold: (bytes, id) => this.#hold(path, bytes, id),
      keep: (bytes) => this.#partials.set(path, bytes),
      drop: () => this.#partials.delete(path),
    });
  }

  async resumableBytes(path: VirtualPath): Promise<number | undefined> {
    return this.#partials.get(path)?.length;
  }

  async held(path: VirtualPath, id: string): Promise<HeldFile> {
    return this.#held.open(path, id);
  }

  async makeDirectory(path: VirtualPath): Promise<void> {
    this.#directory(parentOf(path));
    if (this.#nodes.has(path)) throw new Fault('FileExists');
    this.#create(path, 'directory');
  }

  async removeDirectory(path: VirtualPath): Promise<void> {
    this.#directory(path);
    if (this.#within(path).length > 1) throw new Fault('DirectoryNotEmpty');
    if (path === ROOT) throw new Fault('PermissionDenied');
    if (this.#held.within(path)) throw new Fault('FileBusy');
    this.#nodes.delete(path);
  }

  async removeTree(path: VirtualPath, entriesMax: number): Promise<void> {
    this.#directory(path);
    if (path === ROOT) throw new Fault('PermissionDenied');
    const tree = this.#within(path);
    if (this.#held.within(path)) throw new Fault('FileBusy');
    if (tree.length - 1 > entriesMax) throw new Fault('ListingTooLong');
    for (const child of tree) this.#nodes.delete(child);
  }

  async removeFile(path: VirtualPath): Promise<void> {
    if (this.#node(path).kind !== 'file') throw new Fault('NotAFile');
    this.#nodes.delete(path);
  }

  async rename(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void> {
    this.#node(from);
    this.#directory(parentOf(to));
    if (from === ROOT || (from !== to && isWithin(to, from))) throw new Fault('PermissionDenied');
    const taken = this.#nodes.get(to);
    if (taken !== undefined && (existing === 'keep' || taken.kind === 'directory')) throw new Fault('FileExists');
    if (this.#node(from).kind === 'directory' && this.#held.within(from)) throw new Fault('FileBusy');
    const moved = this.#within(from).map((path) => [path, this.#node(path)] as const);
    for (const [path] of moved) this.#nodes.delete(path);
    for (const [path, node] of moved) this.#nodes.set((to + path.slice(from.length)) as VirtualPath, node);
  }

  async setModified(path: VirtualPath, modifiedMs: number): Promise<void> {
    this.#node(path).modifiedMs = modifiedMs;
  }

  async setMode(path: VirtualPath, mode: number): Promise<void> {
    this.#node(path).mode = mode;
  }

  async freeBytes(): Promise<number | undefined> {
    return Math.max(0, this.#options.bytesMax - this.#usedBytes());
  }

  #publish(path: VirtualPath, bytes: Buffer, existing: ExistingFile): void {
    const taken = this.#nodes.get(path);
    if (taken?.kind === 'directory') throw new Fault('NotAFile');
    if (taken !== undefined && existing === 'keep') throw new Fault('FileExists');
    this.#directory(parentOf(path));
    this.#create(path, 'file', taken?.mode).bytes = bytes;
  }

  #hold(path: VirtualPath, bytes: Buffer, id: string): void {
    if (this.#nodes.get(path)?.kind === 'directory') throw new Fault('NotAFile');
    this.#directory(parentOf(path));
    this.#held.add(path, id, bytes);
    // All of it is here, whatever becomes of it.
    this.#partials.delete(path);
  }

  #base(path: VirtualPath, request: StageRequest): Buffer {
    const published = this.#nodes.get(path)?.bytes;
    const partial = this.#partials.get(path);
    if (request.from === 'empty') return Buffer.alloc(0);
    if (request.from === 'append') return published ?? partial ?? Buffer.alloc(0);
    const { offsetBytes } = request;
    const base = [partial, published].find((candidate) => candidate !== undefined && candidate.length >= offsetBytes);
    if (base === undefined) throw new Fault('RestartInvalid');
    return base.subarray(0, offsetBytes);
  }

  #create(path: VirtualPath, kind: Node['kind'], mode = kind === 'directory' ? 0o755 : 0o644): Node {
    const node: Node = {
      kind,
      bytes: Buffer.alloc(0),
      modifiedMs: this.#options.clock.now(),
      mode,
      unique: `u${++this.#made}`,
    };
    this.#nodes.set(path, node);
    return node;
  }

  #makeParents(path: VirtualPath): void {
    const parent = parentOf(path);
    if (this.#nodes.has(parent)) return;
    this.#makeParents(parent);
    this.#create(parent, 'directory');
  }

  /** The path itself and everything in it. */
  #within(path: VirtualPath): VirtualPath[] {
    return [...this.#nodes.keys()].filter((child) => isWithin(child, path));
  }

  #node(path: VirtualPath): Node {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new Fault('NoSuchFile');
    return node;
  }

  #directory(path: VirtualPath): void {
    if (this.#node(path).kind !== 'directory') throw new Fault('NotADirectory');
  }

  #usedBytes(): number {
    const held = [...[...this.#nodes.values()].map(({ bytes }) => bytes), ...this.#partials.values()];
    return held.reduce((sum, bytes) => sum + bytes.length, this.#held.bytes);
  }
}

async function* batches(
  entries: readonly DirectoryEntry[],
  size: number,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  for (let from = 0; from < entries.length; from += size) yield entries.slice(from, from + size);
}

function factsOf({ kind, bytes, modifiedMs, mode, unique }: Node): FileFacts {
  return { kind, sizeBytes: bytes.length, modifiedMs, mode, linkCount: 1, owner: 1_000, group: 1_000, unique };
}
