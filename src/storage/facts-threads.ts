/**
 * Threads that share the work of long listings. A listing waits for little else than the facts of its files, and one thread asks for them
 * no faster than it can go down the way to each.
 */
import { availableParallelism } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import { FactsThread } from './facts-thread.ts';
import type { FactRows, PackedFacts } from './packed-facts.ts';

/** What tells the facts of many names in one go: one thread, or several. What each method does is said of `FactsThread`. */
export interface FactsSource {
  /** Questions that are worked on at the same time. */
  readonly sideBySide: number;
  readonly ready: boolean;
  start(): Promise<void>;
  lookUp(directory: string, names: readonly string[]): Promise<PackedFacts | undefined>;
  giveBack(facts: PackedFacts): void;
}

/** One thread, and others beside it while questions wait for that. */
export class FactsThreads implements FactsSource {
  readonly #members: readonly Member[];
  /** Questions in a row that nobody could begin with at once. */
  #crowded = 0;

  /**
   * @param parts.program as for one thread.
   * @param parts.count how many there may be: two unless the machine has one processor. With more, and files in memory, the main
   *   thread is what a listing waits for.
   */
  constructor(clock: Clock, { program, count = Math.min(availableParallelism(), 2) }: FactsThreadsParts = {}) {
    const spare: FactRows[] = [];
    this.#members = Array.from({ length: count }, () => ({ thread: new FactsThread(clock, program, spare), asked: 0 }));
  }

  get sideBySide(): number {
    return this.#members.length;
  }

  get ready(): boolean {
    return this.#members.some(({ thread }) => thread.ready);
  }

  async start(): Promise<void> {
    await this.#members[0]?.thread.start();
  }

  async lookUp(directory: string, names: readonly string[]): Promise<PackedFacts | undefined> {
    const member = this.#leastAsked();
    if (member === undefined) return undefined;
    member.asked += 1;
    try {
      return await member.thread.lookUp(directory, names);
    } finally {
      member.asked -= 1;
    }
  }

  /** They share what they write over. */
  giveBack(facts: PackedFacts): void {
    this.#members[0]?.thread.giveBack(facts);
  }

  /** Ends them all; the next look-up starts one again. */
  close(): void {
    for (const { thread } of this.#members) thread.close();
  }

  /** Who has the least to do of those that run. Another one is started, for those who ask later, once there is enough to do. */
  #leastAsked(): Member | undefined {
    const running = this.#members.filter(({ thread }) => thread.ready);
    const least = running.reduce<Member | undefined>(
      (best, member) => (best !== undefined && best.asked <= member.asked ? best : member),
      undefined,
    );
    this.#crowded = least === undefined || least.asked === 0 ? 0 : this.#crowded + 1;
    if (this.#crowded >= CROWDED) void this.#members.find(({ thread }) => !thread.ready)?.thread.start();
    return least ?? this.#members[0];
  }
}

/** To start a thread takes as long as 10,000 names. */
const CROWDED = 4;

interface FactsThreadsParts {
  readonly program?: URL | string;
  readonly count?: number;
}

interface Member {
  readonly thread: FactsThread;
  /** Questions that it has not answered. */
  asked: number;
}
