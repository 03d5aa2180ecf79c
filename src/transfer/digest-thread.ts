/**
 * A thread that computes the SHA-256 of large uploads, which takes nearly as long as all else that is done for them. Where there is a
 * processor to spare, the event loop has that time for other sessions, and an upload is done sooner.
 */
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';
import { KeptThread } from '../lib/kept-thread.ts';
import { DIGEST, type Entry, FORGET, SLOT_BYTES, SlotWriter, sharedSlots } from './digest-slots.ts';
import type { DigestNews } from './digest-thread-program.ts';

/** What is hashed in the thread, in order. */
export interface DigestStream {
  /** Adds bytes, which are copied. @returns what to wait for before more are added. @throws Error when the thread has ended. */
  add(bytes: Buffer): Promise<void> | undefined;
  /** The SHA-256 in lower-case hexadecimal, of everything added. @throws Error when the thread has ended. */
  digest(): Promise<string>;
  /** To be called last, whether or not the digest was asked for. */
  close(): void;
}

/** A thread that is kept while it is used, and keeps no process alive. It is never needed: who is given no stream hashes where he is. */
export class DigestThread {
  readonly #kept: KeptThread<RunningThread>;

  /** @param program what runs in the thread; of use to tests. */
  constructor(clock: Clock, program: URL = PROGRAM) {
    this.#kept = new KeptThread({
      ...{ clock, idleMs: IDLE_MS, restMs: REST_MS },
      begin: () => new RunningThread(program),
      lose: (running) => running.lose(),
      isNeeded: (running) => !running.idle,
    });
  }

  /** Whether it runs, and gives streams. */
  get ready(): boolean {
    return this.#kept.held?.ready === true;
  }

  /** Says that there is something large, so that it begins if it does not run yet, for those that come next. */
  wanted(): void {
    this.#kept.wanted();
  }

  /** Begins a stream. Undefined when the thread does not run, or has its hands full. */
  open(): DigestStream | undefined {
    const stream = this.#kept.held?.open();
    if (stream !== undefined) this.#kept.used();
    return stream;
  }

  /** Ends the thread, and with it what is under way there. */
  close(): void {
    this.#kept.close();
  }
}

const PROGRAM = new URL(`./digest-thread-program${extname(import.meta.url)}`, import.meta.url);
const IDLE_MS = 60_000;
/** One that ended by itself is not begun again at once. */
const REST_MS = 10_000;
/** It keeps nothing but the state of hashes. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 };
/** Slots that stay free for streams that have begun, so that each of them gets on. */
const SPARE_SLOTS = 4;

interface Waiter {
  readonly resolve: (sha256: string) => void;
  readonly reject: (error: Error) => void;
}

/** One thread, from its start to its end. */
class RunningThread {
  readonly worker: Worker;
  readonly #slots: SlotWriter;
  readonly #digests = new Map<number, Waiter>();
  #waiting: (() => void)[] = [];
  #streams = 0;
  /** Whether the other side is about to be woken. */
  #wakeDue = false;
  #lastStream = 0;
  #state: 'starting' | 'ready' | 'ended' = 'starting';

  constructor(program: URL) {
    const shared = sharedSlots();
    this.#slots = new SlotWriter(shared);
    this.worker = new Worker(program, { name: 'digests', env: {}, resourceLimits: LIMITS, workerData: shared });
    this.worker.on('message', (news: DigestNews) => this.#hear(news));
  }

  get ready(): boolean {
    return this.#state === 'ready';
  }

  get idle(): boolean {
    return this.#streams === 0;
  }

  open(): DigestStream | undefined {
    if (!this.ready || this.#slots.freeCount <= SPARE_SLOTS) return undefined;
    const first = this.#slots.take();
    if (first === undefined) return undefined;
    this.#streams += 1;
    this.#lastStream = (this.#lastStream + 1) | 0;
    return new ThreadStream(this, this.#lastStream, first);
  }

  /** It has ended: all that is under way fails. */
  lose(): void {
    this.#state = 'ended';
    for (const { reject } of this.#digests.values()) reject(new Error('the thread that hashes has ended'));
    this.#digests.clear();
    this.#goOn();
  }

  closed(): void {
    this.#streams -= 1;
  }

  memoryOf(slot: number): Buffer {
    return this.#slots.memoryOf(slot);
  }

  giveBack(slot: number): void {
    this.#slots.giveBack(slot);
    this.#goOn();
  }

  /** Hashes the first bytes of a slot that was taken, and gives it back. */
  async submit(stream: number, slot: number, bytes: number): Promise<void> {
    await this.#room();
    this.#put({ stream, slot, bytes });
  }

  /** Hashes a copy. */
  add(stream: number, bytes: Buffer): Promise<void> | undefined {
    for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
      this.#assertRuns();
      const slot = this.#slots.hasRoom ? this.#slots.take() : undefined;
      if (slot === undefined) return this.#addLater(stream, bytes.subarray(at));
      const part = bytes.subarray(at, at + SLOT_BYTES);
      part.copy(this.#slots.memoryOf(slot));
      this.#put({ stream, slot, bytes: part.length });
    }
    return undefined;
  }

  async digest(stream: number): Promise<string> {
    await this.#room();
    this.#assertRuns();
    return new Promise((resolve, reject) => {
      this.#digests.set(stream, { resolve, reject });
      this.#keepAlive();
      this.#put({ stream, slot: DIGEST, bytes: 0 });
    });
  }

  async forget(stream: number): Promise<void> {
    if (this.#state === 'ended') return;
    await this.#room();
    this.#put({ stream, slot: FORGET, bytes: 0 });
  }

  /** Waking a thread takes as long as copying a slot: once for all that is added in one go. */
  #put(entry: Entry): void {
    this.#slots.put(entry);
    if (this.#wakeDue) return;
    this.#wakeDue = true;
    queueMicrotask(() => {
      this.#wakeDue = false;
      this.#slots.wake();
    });
  }

  async #addLater(stream: number, bytes: Buffer): Promise<void> {
    await this.#more();
    await this.add(stream, bytes);
  }

  async #room(): Promise<void> {
    for (;;) {
      this.#assertRuns();
      if (this.#slots.hasRoom) return;
      await this.#more();
    }
  }

  /** Resolves when an entry has been done, or a slot was given back, since slots or room were last looked for. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#keepAlive();
      if (!this.#slots.want()) this.#goOn();
    });
  }

  #hear(news: DigestNews): void {
    if (news === 'began') {
      if (this.#state === 'starting') this.#state = 'ready';
    } else if (news === 'done') {
      this.#goOn();
    } else {
      this.#digests.get(news.stream)?.resolve(news.sha256);
      this.#digests.delete(news.stream);
      this.#keepAlive();
    }
  }

  /** The process goes on while somebody waits for this thread. */
  #keepAlive(): void {
    if (this.#waiting.length + this.#digests.size > 0) this.worker.ref();
    else this.worker.unref();
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#keepAlive();
    for (const go of waiting) go();
  }

  #assertRuns(): void {
    if (this.#state === 'ended') throw new Error('the thread that hashes has ended');
  }
}

/** Its first bytes wait in a slot of its own: a file that ends there never goes to the thread. */
class ThreadStream implements DigestStream {
  readonly #thread: RunningThread;
  readonly #id: number;
  #first: number | undefined;
  #firstBytes = 0;
  #state: 'open' | 'digested' | 'closed' = 'open';

  constructor(thread: RunningThread, id: number, first: number) {
    this.#thread = thread;
    this.#id = id;
    this.#first = first;
  }

  add(bytes: Buffer): Promise<void> | undefined {
    const first = this.#first;
    if (first === undefined) return this.#thread.add(this.#id, bytes);
    if (this.#firstBytes + bytes.length <= SLOT_BYTES) {
      bytes.copy(this.#thread.memoryOf(first), this.#firstBytes);
      this.#firstBytes += bytes.length;
      return undefined;
    }
    return this.#leave(first, bytes);
  }

  async digest(): Promise<string> {
    const first = this.#first;
    if (first !== undefined) return sha256Of(this.#thread.memoryOf(first).subarray(0, this.#firstBytes));
    const sha256 = await this.#thread.digest(this.#id);
    this.#state = 'digested';
    return sha256;
  }

  close(): void {
    if (this.#state === 'closed') return;
    if (this.#first !== undefined) this.#thread.giveBack(this.#first);
    // Its failure is that of a thread that has ended, and knows of no stream any more.
    else if (this.#state === 'open') this.#thread.forget(this.#id).catch(() => undefined);
    this.#state = 'closed';
    this.#thread.closed();
  }

  async #leave(first: number, bytes: Buffer): Promise<void> {
    this.#first = undefined;
    await this.#thread.submit(this.#id, first, this.#firstBytes);
    await this.#thread.add(this.#id, bytes);
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
