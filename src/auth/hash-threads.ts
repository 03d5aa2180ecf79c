/**
 * Threads in which passwords are held against their hashes, so slow on purpose: apart from the thread pool that file I/O uses, and
 * with a lower priority than everything that moves files or answers.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';
import { verifyPassword } from './password-hash.ts';

/**
 * Starts threads when several passwords are to be checked within a short time, and ends them when there is nothing to do any more. A
 * login now and then is not worth one, and none waits until one has begun: those are computed in Node's pool. Threads keep no
 * process alive that is otherwise done.
 */
export class HashThreads {
  readonly #clock: Clock;
  readonly #threadsMax: number;
  readonly #resting = new Map<Worker, Timer>();
  #threadsCount = 0;
  #starting: Promise<void> | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param options `threadsMax`: no more than may be asked for at once (`PasswordQueue` bounds those). */
  constructor({ clock, threadsMax }: { readonly clock: Clock; readonly threadsMax: number }) {
    this.#clock = clock;
    this.#threadsMax = threadsMax;
  }

  /** How many threads wait for work. */
  get restingCount(): number {
    return this.#resting.size;
  }

  /** Resolves when a thread that is about to begin, if there is one, has begun. */
  async started(): Promise<void> {
    await this.#starting;
  }

  /**
   * Whether this is the password behind the hash; compares in constant time.
   *
   * @throws RangeError when `hash` is none that `isPasswordHash` accepts; an Error when the thread ends before it has answered.
   */
  async verify(password: Secret, hash: string): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    const isSoon = nowMs - this.#lastMs < SOON_MS;
    this.#lastMs = nowMs;
    const thread = this.#rested();
    if (thread === undefined) {
      if (isSoon && this.#threadsCount < this.#threadsMax) this.#starting ??= this.#start();
      return verifyPassword(password, hash);
    }
    const isRight = await ask(thread, password, hash);
    // One that has failed has ended, and is not kept.
    this.#rest(thread);
    return isRight;
  }

  /** Ends those that are at rest, in front of their time; the next password that needs one finds a new one. */
  end(): void {
    for (const [thread, rest] of this.#resting) {
      rest.cancel();
      void thread.terminate();
    }
    this.#resting.clear();
  }

  /** One more. It is at rest when it has said that it is ready; one that cannot begin is none. */
  async #start(): Promise<void> {
    const program = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(program, { env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 64 } });
    const { promise: begun, resolve } = Promise.withResolvers<boolean>();
    this.#threadsCount += 1;
    thread.once('message', () => resolve(true));
    thread.once('exit', () => {
      resolve(false);
      this.#threadsCount -= 1;
      this.#resting.get(thread)?.cancel();
      this.#resting.delete(thread);
    });
    // Whoever waits for an answer hears of it too; without this listener a failure would end the process.
    thread.on('error', () => undefined);
    thread.unref();
    if (await begun) this.#rest(thread);
    this.#starting = undefined;
  }

  /** The thread that has rested the shortest, so that the others come to their end. */
  #rested(): Worker | undefined {
    const [thread, end] = [...this.#resting].at(-1) ?? [];
    if (thread === undefined) return undefined;
    end?.cancel();
    this.#resting.delete(thread);
    return thread;
  }

  #rest(thread: Worker): void {
    const end = this.#clock.after(REST_MAX_MS, () => {
      this.#resting.delete(thread);
      void thread.terminate();
    });
    this.#resting.set(thread, end);
  }
}

/** A thread takes some 50 ms of processor to begin, as much as a hash or two, and tens of MiB while it is there. */
const SOON_MS = 5_000;
const REST_MAX_MS = 60_000;

function ask(thread: Worker, password: Secret, hash: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const answered = (answer: unknown) => resolve(answer === true);
  const ended = (code: number) => reject(new Error(`the hash thread ended with ${code}`));
  thread.on('message', answered).on('error', reject).on('exit', ended);
  thread.ref();
  // Handed over, not copied: the thread overwrites it when it is done.
  const bytes = new TextEncoder().encode(password.reveal());
  thread.postMessage({ password: bytes, hash }, [bytes.buffer]);
  return promise.finally(() => {
    thread.off('message', answered).off('error', reject).off('exit', ended);
    thread.unref();
  });
}
