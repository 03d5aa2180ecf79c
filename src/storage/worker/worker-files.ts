/** `FileSystem` through a worker: every method is a question to a process that has the rights of one user only. */
import { join } from 'node:path';
import type { DirectoryEntry, FileFacts } from '../../protocol/file-facts.ts';
import { pathParts, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type {
  ExistingFile,
  FileSystem,
  HeldFile,
  OpenedFile,
  StagedWrite,
  StageRequest,
  SystemUser,
} from '../../spi/file-system.ts';
import { assertHeldId, leadsToReserved } from '../staging-names.ts';
import { BODY_BYTES_MAX } from './frames.ts';
import { ANSWERS, type WorkerHome, type WorkerQuestion } from './messages.ts';
import { WorkerHeldFile } from './worker-held-file.ts';
import { endStream, pieces } from './worker-pieces.ts';
import type { Lease } from './workers.ts';

/** Gives the use of a worker. @throws Fault when none can be had. */
export type Leasing = () => Promise<Lease>;

/** See `FileSystem`. What is open holds on to its worker, and fails with `Local` when that is lost; nothing else does. */
export class WorkerFiles implements FileSystem {
  readonly systemUser: SystemUser;
  readonly #lease: Leasing;
  readonly #home: WorkerHome;

  constructor(systemUser: SystemUser, lease: Leasing, home: WorkerHome) {
    this.systemUser = systemUser;
    this.#lease = lease;
    this.#home = home;
  }

  placeOnDisk(path: VirtualPath): string {
    return join(this.#home.root, ...pathParts(path));
  }

  stat(path: VirtualPath): Promise<FileFacts> {
    return this.#use(async ({ connection }) => {
      const { ok } = await connection.ask({ op: 'stat', home: this.#home, path }, ANSWERS.facts);
      return factsOf(ok);
    });
  }

  isLink(path: VirtualPath): Promise<boolean> {
    return this.#use(async ({ connection }) => {
      const { ok } = await connection.ask({ op: 'isLink', home: this.#home, path }, ANSWERS.link);
      return ok.isLink;
    });
  }

  enter(path: VirtualPath): Promise<void> {
    return this.#do({ op: 'enter', home: this.#home, path });
  }

  async list(path: VirtualPath): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    if (leadsToReserved(path)) throw new Fault('NoSuchFile');
    return this.#batches(path);
  }

  async *#batches(path: VirtualPath): AsyncGenerator<readonly DirectoryEntry[]> {
    const lease = await this.#lease();
    try {
      const { ok } = await lease.connection.ask({ op: 'list', home: this.#home, path }, ANSWERS.stream);
      yield* entriesFrom(lease, ok.handle);
    } finally {
      lease.release();
    }
  }

  openRead(path: VirtualPath): Promise<OpenedFile> {
    return this.#hold(async (lease) => {
      const { ok } = await lease.connection.ask({ op: 'openRead', home: this.#home, path }, ANSWERS.opened);
      return new WorkerOpenedFile(lease, ok.handle, factsOf(ok.facts));
    });
  }

  stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite> {
    return this.#hold(async (lease) => {
      const { ok } = await lease.connection.ask({ op: 'stage', home: this.#home, path, request }, ANSWERS.staged);
      return new WorkerStagedWrite(lease, ok.handle, ok.startBytes);
    });
  }

  async held(path: VirtualPath, id: string): Promise<HeldFile> {
    // Here, as on the other side: what is our mistake must not come back as a failure of storage.
    assertHeldId(id);
    return this.#hold(async (lease) => {
      const { ok } = await lease.connection.ask({ op: 'held', home: this.#home, path, item: id }, ANSWERS.held);
      return new WorkerHeldFile(lease, { handle: ok.handle, path, sizeBytes: ok.sizeBytes });
    });
  }

  resumableBytes(path: VirtualPath): Promise<number | undefined> {
    return this.#bytes({ op: 'resumableBytes', home: this.#home, path });
  }

  makeDirectory(path: VirtualPath): Promise<void> {
    return this.#do({ op: 'makeDirectory', home: this.#home, path });
  }

  removeDirectory(path: VirtualPath): Promise<void> {
    return this.#do({ op: 'removeDirectory', home: this.#home, path });
  }

  removeTree(path: VirtualPath, entriesMax: number): Promise<void> {
    return this.#do({ op: 'removeTree', home: this.#home, path, entriesMax });
  }

  removeFile(path: VirtualPath): Promise<void> {
    return this.#do({ op: 'removeFile', home: this.#home, path });
  }

  rename(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void> {
    return this.#do({ op: 'rename', home: this.#home, path: from, to, existing });
  }

  setModified(path: VirtualPath, modifiedMs: number): Promise<void> {
    return this.#do({ op: 'setModified', home: this.#home, path, modifiedMs });
  }

  makeSymlink(path: VirtualPath, target: VirtualPath): Promise<void> {
    return this.#do({ op: 'makeSymlink', home: this.#home, path, target });
  }

  setMode(path: VirtualPath, mode: number): Promise<void> {
    return this.#do({ op: 'setMode', home: this.#home, path, mode });
  }

  freeBytes(path: VirtualPath): Promise<number | undefined> {
    return this.#bytes({ op: 'freeBytes', home: this.#home, path });
  }

  #do(question: WorkerQuestion): Promise<void> {
    return this.#use(async ({ connection }) => {
      await connection.ask(question, ANSWERS.nothing);
    });
  }

  #bytes(question: WorkerQuestion): Promise<number | undefined> {
    return this.#use(async ({ connection }) => (await connection.ask(question, ANSWERS.bytes)).ok.bytes ?? undefined);
  }

  async #use<T>(act: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = await this.#lease();
    try {
      return await act(lease);
    } finally {
      lease.release();
    }
  }

  /** For what stays open: its own end releases the worker. */
  async #hold<T>(open: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = await this.#lease();
    try {
      return await open(lease);
    } catch (error) {
      lease.release();
      throw error;
    }
  }
}

class WorkerOpenedFile implements OpenedFile {
  readonly facts: FileFacts;
  readonly #lease: Lease;
  readonly #handle: number;

  constructor(lease: Lease, handle: number, facts: FileFacts) {
    this.#lease = lease;
    this.#handle = handle;
    this.facts = facts;
  }

  async *read(offsetBytes: number): AsyncGenerator<Buffer> {
    yield* pieces(this.#lease, { op: 'read', handle: this.#handle, offsetBytes });
  }

  async close(): Promise<void> {
    // A worker that is lost has closed everything.
    await this.#lease.connection.ask({ op: 'close', handle: this.#handle }, ANSWERS.nothing).catch(() => undefined);
    this.#lease.release();
  }
}

class WorkerStagedWrite implements StagedWrite {
  readonly startBytes: number;
  readonly #lease: Lease;
  readonly #handle: number;
  /** Whether it was ended otherwise than by an abort. */
  #ended = false;

  constructor(lease: Lease, handle: number, startBytes: number) {
    this.#lease = lease;
    this.#handle = handle;
    this.startBytes = startBytes;
  }

  async *prefix(): AsyncGenerator<Buffer> {
    yield* pieces(this.#lease, { op: 'prefix', handle: this.#handle });
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    for (const part of inParts(buffers, BODY_BYTES_MAX)) {
      await this.#lease.connection.ask({ op: 'write', handle: this.#handle }, ANSWERS.nothing, part);
    }
  }

  async commit(): Promise<void> {
    await this.#lease.connection.ask({ op: 'commit', handle: this.#handle }, ANSWERS.nothing);
    this.#ended = true;
    this.#lease.release();
  }

  async hold(id: string): Promise<void> {
    assertHeldId(id);
    await this.#lease.connection.ask({ op: 'hold', handle: this.#handle, item: id }, ANSWERS.nothing);
    this.#ended = true;
    this.#lease.release();
  }

  /** @throws Fault `Local` when the worker was lost: what it leaves behind is found by the next upload of that name. */
  async abort(partial: 'keep' | 'remove'): Promise<number> {
    if (this.#ended) return 0;
    try {
      const question = { op: 'abort', handle: this.#handle, partial } as const;
      return (await this.#lease.connection.ask(question, ANSWERS.bytes)).ok.bytes ?? 0;
    } finally {
      this.#lease.release();
    }
  }
}

/** The entries, with a batch asked for while the consumer is busy with the one before. */
async function* entriesFrom({ connection }: Lease, handle: number): AsyncGenerator<readonly DirectoryEntry[]> {
  const next = () => {
    const asked = connection.ask({ op: 'nextEntries', handle }, ANSWERS.entries);
    // Whoever awaits it later still sees the failure.
    asked.catch(() => undefined);
    return asked;
  };
  try {
    for (let ahead = next(); ; ) {
      const { ok } = await ahead;
      if (ok.entries === null) return;
      ahead = next();
      yield ok.entries.map(({ name, ...facts }) => ({ name, ...factsOf(facts) }));
    }
  } finally {
    await endStream(connection, handle);
  }
}

/** The facts without keys that are there and undefined. */
function factsOf({ changedMs, createdMs, ...facts }: ReturnType<typeof ANSWERS.facts.parse>): FileFacts {
  return {
    ...facts,
    ...(changedMs !== undefined && { changedMs }),
    ...(createdMs !== undefined && { createdMs }),
  };
}

/** The same bytes in parts of a bounded size, without a copy. */
function* inParts(buffers: readonly Buffer[], bytesMax: number): Generator<readonly Buffer[]> {
  let part: Buffer[] = [];
  let room = bytesMax;
  for (const buffer of buffers) {
    for (let rest = buffer; rest.length > 0; ) {
      const taken = rest.subarray(0, room);
      part.push(taken);
      room -= taken.length;
      rest = rest.subarray(taken.length);
      if (room > 0) continue;
      yield part;
      part = [];
      room = bytesMax;
    }
  }
  if (part.length > 0) yield part;
}
