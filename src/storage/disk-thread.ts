/**
 * A thread that does with the disk in one go what a small file takes. Done call by call, each costs a way through the thread pool, which is
 * two wake-ups and a promise, many times what the call itself does; done in the main thread, a disk that is slow would stop every session.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { KeptThread } from '../lib/kept-thread.ts';
import { Fault } from '../spi/fault.ts';
import type {
  DiskJob,
  DiskResult,
  Finished,
  FinishJob,
  ReadJob,
  SmallFile,
  StageJob,
  StageOpened,
} from './disk-job.ts';

/** What the thread is asked. */
export interface DiskQuestion {
  readonly id: number;
  readonly job: DiskJob;
}

/** What it answers: nothing when it has done nothing, and once, with the id 0, when it has started. */
export interface DiskAnswer {
  readonly id: number;
  readonly result: DiskResult | undefined;
}

/** Settings of use to tests. */
export interface DiskThreadOptions {
  /** What runs in the thread. */
  readonly program?: URL;
  /** Small files within `IDLE_MS` that it takes until the thread is started. */
  readonly asksMin?: number;
}

/**
 * A thread that is kept while there are many small files. It is never needed: whoever is told nothing does the job in the usual way. No
 * job waits in line behind a disk that hangs: while the thread is at work for longer than a moment, nobody is sent to it.
 */
export class DiskThread {
  /** The identity that a directory had lately, by its place. */
  readonly identities = new BoundedMap<string, string>(DIRECTORIES_MAX);
  readonly #clock: Clock;
  readonly #asksMin: number;
  readonly #kept: KeptThread<Running>;
  #asks = 0;
  #asksSinceMs = Number.NEGATIVE_INFINITY;
  #heldBytes = 0;

  constructor(clock: Clock, { program = PROGRAM, asksMin = ASKS_MIN }: DiskThreadOptions = {}) {
    this.#clock = clock;
    this.#asksMin = asksMin;
    const begin = () => started(program);
    this.#kept = new KeptThread({ clock, idleMs: IDLE_MS, restMs: REST_MS, begin, lose: giveUp });
  }

  /** Whether there is one now, be it only starting. */
  get isRunning(): boolean {
    return this.#kept.held !== undefined;
  }

  /** To be called in front of each file: whether it may be asked now. It is started for those that come often. */
  mayAsk(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#kept.used();
    const running = this.#kept.held ?? (this.#isWorthIt(nowMs) ? this.#kept.wanted() : undefined);
    return running !== undefined && isFree(running, nowMs);
  }

  /** A whole file, if it is small and plain. To be given back by `release` when nobody reads it any more. */
  async read(job: Omit<ReadJob, 'kind' | 'bytesMax'>): Promise<SmallFile | undefined> {
    if (this.#heldBytes + SMALL_BYTES_MAX > HELD_BYTES_MAX) return undefined;
    const result = await this.#do({ kind: 'read', bytesMax: SMALL_BYTES_MAX, ...job });
    if (result === undefined || result === 'lost' || !('bytes' in result)) return undefined;
    this.#heldBytes += result.bytes.length;
    return result;
  }

  /** Whether what the kernel was asked now is still in its memory: for a moment, asked of what is returned here. */
  freshness(): () => boolean {
    const nowMs = this.#clock.monotonicMs();
    return () => this.#clock.monotonicMs() - nowMs < FRESH_MS;
  }

  /** A file that was read is not kept in memory any more. */
  release({ bytes }: SmallFile): void {
    this.#heldBytes -= bytes.length;
  }

  /** Descriptors of an upload that has begun, if there is nothing special about it. */
  async stage(job: Omit<StageJob, 'kind'>): Promise<StageOpened | undefined> {
    const result = await this.#do({ kind: 'stage', ...job });
    return result === undefined || result === 'lost' || !('directory' in result) ? undefined : result;
  }

  /** How the end of an upload went. @throws Fault `Local` when nobody knows, since the thread has gone. */
  async finish(job: Omit<FinishJob, 'kind'>): Promise<Finished | undefined> {
    const result = await this.#do({ kind: 'finish', ...job });
    if (result === 'lost') throw new Fault('Local', { cause: new Error('the thread of the disk has ended') });
    return result === undefined || !('published' in result) ? undefined : result;
  }

  /** Ends the thread, if there is one. */
  close(): void {
    this.#kept.close();
  }

  #do(job: DiskJob): Promise<DiskResult | 'lost' | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const running = this.#kept.held;
    if (running === undefined || !isFree(running, nowMs)) return NOTHING;
    running.lastId += 1;
    const id = running.lastId;
    running.sentMs.push(nowMs);
    return new Promise((resolve) => {
      running.waiting.set(id, resolve);
      // Or a program with nothing else to do would end in front of the answer.
      if (running.waiting.size === 1) running.worker.ref();
      running.worker.postMessage({ id, job } satisfies DiskQuestion);
    });
  }

  /** Whether it has been asked for often: a thread takes some MiB, and a file now and then is none the faster for it. */
  #isWorthIt(nowMs: number): boolean {
    if (nowMs - this.#asksSinceMs > IDLE_MS) {
      this.#asksSinceMs = nowMs;
      this.#asks = 0;
    }
    this.#asks += 1;
    return this.#asks >= this.#asksMin;
  }
}

interface Running {
  readonly worker: Worker;
  isReady: boolean;
  lastId: number;
  /** How many jobs the thread has done. */
  readonly done: Int32Array;
  /** When each job was sent that may not be done yet, the oldest first. */
  readonly sentMs: number[];
  readonly waiting: Map<number, (result: DiskResult | 'lost' | undefined) => void>;
}

function started(program: URL): Running {
  const done = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const worker = new Worker(program, {
    ...{ name: 'disk', env: {}, resourceLimits: LIMITS, workerData: done },
    // What it opens is handed over: by itself Node would close those numbers with the thread, whatever they stand for by then.
    trackUnmanagedFds: false,
  });
  const running: Running = {
    worker,
    isReady: false,
    lastId: 0,
    done: new Int32Array(done),
    sentMs: [],
    waiting: new Map(),
  };
  worker.on('message', ({ id, result }: DiskAnswer) => {
    running.isReady = true;
    const settle = running.waiting.get(id);
    running.waiting.delete(id);
    if (running.waiting.size === 0) worker.unref();
    settle?.(result);
  });
  return running;
}

function giveUp({ waiting }: Running): void {
  for (const settle of waiting.values()) settle('lost');
  waiting.clear();
}

const PROGRAM = new URL(`./disk-thread-program${extname(import.meta.url)}`, import.meta.url);
const NOTHING = Promise.resolve(undefined);

/** It keeps nothing from one job to the next. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/** Files up to this size are read as a whole. */
const SMALL_BYTES_MAX = 65_536;

/** How long the kernel is trusted to have a name in memory that it was asked for. */
const FRESH_MS = 1_000;

/** Most bytes of files that are read and not yet sent: their clients may take their time. */
const HELD_BYTES_MAX = 16_777_216;

/** Directories whose identity is known: wrong ones cost a look, none a way through the pool. */
const DIRECTORIES_MAX = 256;

const ASKS_MIN = 16;
const IDLE_MS = 10_000;

/** Behind the loss of a thread, until another one is tried. */
const REST_MS = 60_000;

/** Jobs that may be in line: each takes some tens of microseconds. */
const LINE_MAX = 4;

/** How long the first in line may have been there: behind one that takes longer, nobody else lines up. */
const LATE_MS = 20;

function isFree({ isReady, lastId, done, sentMs }: Running, nowMs: number): boolean {
  if (!isReady) return false;
  const undone = lastId - Atomics.load(done, 0);
  if (sentMs.length > undone) sentMs.splice(0, sentMs.length - undone);
  const [oldestMs = nowMs] = sentMs;
  return undone < LINE_MAX && nowMs - oldestMs < LATE_MS;
}
