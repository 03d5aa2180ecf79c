/**
 * The plaintext of an upload that is encrypted on its way, for gates: they read it while it arrives, for afterwards nobody here
 * can. Whoever reads slowly slows the upload down, for no longer than its deadline in all; then it has failed.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Gate } from '../../spi/gate.ts';

/** Bytes that wait for one gate before the upload waits for it. */
const WAITING_BYTES_MAX = 1_048_576;

/**
 * How long a gate that has not begun to read is waited for. One that looks at names or sizes alone never does, and one that
 * connects to a scanner does so soon; what comes to read later finds the beginning gone, and fails.
 */
const BEGIN_MS = 2_000;

/** What one upload's gates read from. */
export class PlainTee {
  readonly #outlets: ReadonlyMap<string, Outlet>;

  constructor(gates: readonly Gate[], clock: Clock) {
    this.#outlets = new Map(gates.map((gate) => [gate.name, new Outlet(gate, clock)]));
  }

  /** What this gate reads; to be read at most once. */
  contentFor(gate: Gate): AsyncIterable<Buffer> {
    const outlet = this.#outlets.get(gate.name);
    return outlet ?? new Outlet(gate, NEVER);
  }

  /** Hands bytes on to all that still read. Resolves when each has room for more, or is given up. */
  async write(buffers: readonly Buffer[]): Promise<void> {
    const reading = [...this.#outlets.values()].filter((outlet) => outlet.takes);
    if (reading.length === 0) return;
    // The writer's buffers are its own again once this has resolved; all gates share one copy.
    const pieces = buffers.filter(({ length }) => length > 0).map((buffer) => Buffer.from(buffer));
    await Promise.all(reading.map((outlet) => outlet.offer(pieces)));
  }

  /** Everything has been written. */
  end(): void {
    for (const outlet of this.#outlets.values()) outlet.end();
  }

  /** Nothing more will come; whoever reads is told why. */
  fail(reason: unknown): void {
    for (const outlet of this.#outlets.values()) outlet.fail(reason);
  }

  /** A gate has come to its answer and is fed no longer. */
  leave(gate: string): void {
    this.#outlets.get(gate)?.fail(new Error('the gate has answered'));
  }
}

/** A clock for what waits for nothing. */
const NEVER: Clock = { now: () => 0, monotonicMs: () => 0, after: () => ({ cancel: () => undefined }) };

class Outlet implements AsyncIterable<Buffer> {
  readonly #clock: Clock;
  #patienceMs: number;
  #pieces: Buffer[] = [];
  #waitingBytes = 0;
  #begun = false;
  #state:
    | { readonly over: false }
    | { readonly over: 'ended' }
    | { readonly over: 'failed'; readonly reason: unknown } = {
    over: false,
  };
  #changed = Promise.withResolvers<void>();

  constructor({ deadlineMs }: Gate, clock: Clock) {
    this.#clock = clock;
    this.#patienceMs = deadlineMs;
  }

  get takes(): boolean {
    return this.#state.over === false;
  }

  async offer(pieces: readonly Buffer[]): Promise<void> {
    this.#pieces.push(...pieces);
    this.#waitingBytes += pieces.reduce((sum, { length }) => sum + length, 0);
    this.#tell();
    while (this.takes && this.#waitingBytes > WAITING_BYTES_MAX) {
      const startMs = this.#clock.monotonicMs();
      const waited = this.#begun ? this.#patienceMs : Math.min(BEGIN_MS, this.#patienceMs);
      const inTime = await this.#change(waited);
      this.#patienceMs -= this.#clock.monotonicMs() - startMs;
      if (inTime && this.#patienceMs > 0) continue;
      this.fail(new Error(this.#begun ? 'it read too slowly' : 'it began to read too late'));
    }
  }

  end(): void {
    if (this.takes) this.#state = { over: 'ended' };
    this.#tell();
  }

  fail(reason: unknown): void {
    if (this.#state.over !== 'failed') this.#state = { over: 'failed', reason };
    this.#pieces = [];
    this.#waitingBytes = 0;
    this.#tell();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    if (this.#begun) throw new Error('the content is read once');
    this.#begun = true;
    this.#tell();
    for (;;) {
      if (this.#state.over === 'failed') throw this.#state.reason;
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#waitingBytes -= piece.length;
        this.#tell();
        yield piece;
      } else if (this.#state.over === 'ended') {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  /** Whoever waits looks again. */
  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Waits for a change; false when it took too long. */
  async #change(waitMs: number): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    const timer = this.#clock.after(waitMs, () => late.resolve(false));
    try {
      return await Promise.race([this.#changed.promise.then(() => true), late.promise]);
    } finally {
      timer.cancel();
    }
  }
}
