/** The worker's side of the channel: carries out what its gateway asks, with the storage of the local disk. */
import type { Duplex } from 'node:stream';
import { assert, unreachable } from '../../lib/assert.ts';
import type { DirectoryEntry } from '../../protocol/file-facts.ts';
import type { FileSystem, HeldFile, OpenedFile, StagedWrite } from '../../spi/file-system.ts';
import type { LocalStorage } from '../local.ts';
import { encodeFrame, FrameReader } from './frames.ts';
import { crossing, type WorkerHome, type WorkerRequest, workerRequest } from './messages.ts';

/**
 * Answers every request that comes in on the channel, each as soon as it is done. Bytes that are no request end the
 * channel: its only reader and writer is the gateway that started this process, and one of both is broken then.
 */
export function serveRequests(channel: Duplex, storage: LocalStorage): void {
  const reader = new FrameReader();
  const desk = new Desk(storage);
  const send = (header: object, body: readonly Buffer[] = []) => {
    // One system call for all of it.
    channel.cork();
    for (const bytes of encodeFrame(header, body)) channel.write(bytes);
    channel.uncork();
  };
  channel.on('data', (bytes: Buffer) => {
    try {
      for (const { header, body } of reader.push(bytes)) {
        const request = workerRequest.parse(header);
        desk.answer(request, body).then(
          ({ body: content, ...ok }) => send({ id: request.id, ok }, content),
          (error: unknown) => send({ id: request.id, fault: crossing(error) }),
        );
      }
    } catch (error) {
      channel.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** What an answer holds besides its number. */
type Answer = Readonly<Record<string, unknown>> & { readonly body?: readonly Buffer[] };

const DONE: Answer = {};

/** What is open, under the numbers that the gateway knows it by. */
class Desk {
  readonly #storage: LocalStorage;
  readonly #homes = new Map<string, FileSystem>();
  readonly #opened = new Map<number, OpenedFile>();
  readonly #staged = new Map<number, StagedWrite>();
  readonly #held = new Map<number, HeldFile>();
  readonly #listings = new Map<number, AsyncIterator<readonly DirectoryEntry[]>>();
  readonly #pieces = new Map<number, AsyncIterator<Buffer>>();
  #last = 0;

  constructor(storage: LocalStorage) {
    this.#storage = storage;
  }

  async answer(request: WorkerRequest, body: Buffer): Promise<Answer> {
    if (request.op === 'ping') return DONE;
    return 'path' in request ? this.#atPath(request) : this.#onHandle(request, body);
  }

  async #atPath(request: Extract<WorkerRequest, { readonly path: unknown }>): Promise<Answer> {
    const { path } = request;
    const files = this.#filesOf(request.home);
    switch (request.op) {
      case 'stat':
        return { ...(await files.stat(path)) };
      case 'isLink':
        return { isLink: (await files.isLink?.(path)) ?? false };
      case 'enter':
        await files.enter(path);
        return DONE;
      case 'list':
        return { handle: this.#keep(this.#listings, (await files.list(path))[Symbol.asyncIterator]()) };
      case 'openRead': {
        const opened = await files.openRead(path);
        return { handle: this.#keep(this.#opened, opened), facts: opened.facts };
      }
      case 'stage': {
        const staged = await files.stage(path, request.request);
        return { handle: this.#keep(this.#staged, staged), startBytes: staged.startBytes };
      }
      case 'held': {
        const held = await storageCan(files.held).call(files, path, request.item);
        return { handle: this.#keep(this.#held, held), sizeBytes: held.sizeBytes };
      }
      case 'resumableBytes':
        return { bytes: (await files.resumableBytes(path)) ?? null };
      case 'freeBytes':
        return { bytes: (await files.freeBytes(path)) ?? null };
      default:
        await change(files, request);
        return DONE;
    }
  }

  async #onHandle(request: Extract<WorkerRequest, { readonly handle: unknown }>, body: Buffer): Promise<Answer> {
    const { handle } = request;
    switch (request.op) {
      case 'read':
        return { handle: this.#keepPieces(kept(this.#opened, handle).read(request.offsetBytes)) };
      case 'prefix':
        return { handle: this.#keepPieces(kept(this.#staged, handle).prefix()) };
      case 'write':
        await kept(this.#staged, handle).write([body]);
        return DONE;
      case 'commit':
        await kept(this.#staged, handle).commit();
        // Only now: a commit that was refused leaves the upload open.
        this.#staged.delete(handle);
        return DONE;
      case 'hold': {
        const staged = kept(this.#staged, handle);
        await storageCan(staged.hold).call(staged, request.item);
        this.#staged.delete(handle);
        return DONE;
      }
      case 'abort': {
        const staged = kept(this.#staged, handle);
        this.#staged.delete(handle);
        return { bytes: await staged.abort(request.partial) };
      }
      case 'close': {
        const opened = kept(this.#opened, handle);
        this.#opened.delete(handle);
        await opened.close();
        return DONE;
      }
      case 'readHeld':
        return { handle: this.#keepPieces(kept(this.#held, handle).read()) };
      case 'publish':
        await kept(this.#held, handle).publish(request.to, request.existing);
        return DONE;
      case 'destroy':
        await kept(this.#held, handle).destroy();
        return DONE;
      case 'closeHeld': {
        const held = kept(this.#held, handle);
        this.#held.delete(handle);
        await held.close();
        return DONE;
      }
      case 'nextEntries': {
        const { done, value } = await kept(this.#listings, handle).next();
        return { entries: done ? null : value };
      }
      case 'nextPiece': {
        const { done, value } = await kept(this.#pieces, handle).next();
        return done ? { done: true } : { done: false, body: [value] };
      }
      case 'end': {
        const stream = this.#listings.get(handle) ?? this.#pieces.get(handle);
        this.#listings.delete(handle);
        this.#pieces.delete(handle);
        await stream?.return?.();
        return DONE;
      }
      default:
        return unreachable(request);
    }
  }

  #filesOf(home: WorkerHome): FileSystem {
    const key = JSON.stringify(home);
    const files = this.#homes.get(key) ?? this.#storage.filesFor(home);
    this.#homes.set(key, files);
    return files;
  }

  #keepPieces(pieces: AsyncIterable<Buffer>): number {
    return this.#keep(this.#pieces, pieces[Symbol.asyncIterator]());
  }

  #keep<Kept>(table: Map<number, Kept>, value: Kept): number {
    this.#last += 1;
    table.set(this.#last, value);
    return this.#last;
  }
}

type Change = Exclude<
  Extract<WorkerRequest, { readonly path: unknown }>,
  { readonly op: 'stat' | 'isLink' | 'enter' | 'list' | 'openRead' | 'stage' | 'held' | 'resumableBytes' | 'freeBytes' }
>;

/** Requests that are answered by having been done. */
async function change(files: FileSystem, request: Change): Promise<void> {
  const { path } = request;
  switch (request.op) {
    case 'makeDirectory':
      return files.makeDirectory(path);
    case 'removeDirectory':
      return files.removeDirectory(path);
    case 'removeTree':
      return files.removeTree?.(path, request.entriesMax);
    case 'removeFile':
      return files.removeFile(path);
    case 'rename':
      return files.rename(path, request.to, request.existing);
    case 'setModified':
      return files.setModified(path, request.modifiedMs);
    case 'makeSymlink':
      return files.makeSymlink?.(path, request.target);
    case 'setMode':
      return files.setMode(path, request.mode);
    default:
      return unreachable(request);
  }
}

/** The local disk can do all that a contract leaves to storage. */
function storageCan<Method>(method: Method | undefined): Method {
  assert(method !== undefined, 'the local disk can');
  return method;
}

function kept<Kept>(table: ReadonlyMap<number, Kept>, handle: number): Kept {
  const value = table.get(handle);
  assert(value !== undefined, `something is open as ${handle}`);
  return value;
}
