/**
 * How much a turn of the event loop takes in. A socket is read for as long as it has more, up to 8 MiB at a time, which takes as many
 * milliseconds to take in: with a few uploads at full speed everybody else would wait for the sum of them.
 */

/**
 * Bytes that all who read take in between them before others have their turn: two milliseconds of work. Half as many cost a tenth of the
 * speed. Each reads once a turn all the same, so that with more than a few it is as much as one read of each.
 */
export const TURN_BYTES = 2_097_152;

/** The turns of a thread's event loop, shared by all who read there. */
export class Turns {
  readonly #nextTurn: (call: () => void) => void;
  #turn = 0;
  #isCounted = false;
  /** Who has read in this turn, and in the one before. */
  #readers = 0;
  #readersBefore = 0;

  /** @param nextTurn calls when the events of this turn have all been heard of. */
  constructor(nextTurn: (call: () => void) => void = setImmediate) {
    this.#nextTurn = nextTurn;
  }

  /** A share for one who reads. */
  share(): TurnShare {
    let turn = -1;
    let bytes = 0;
    return {
      used: (readBytes) => {
        if (turn !== this.#turn) {
          turn = this.#begun();
          bytes = 0;
          this.#readers += 1;
        }
        bytes += readBytes;
        return bytes * Math.max(this.#readers, this.#readersBefore) >= TURN_BYTES;
      },
      next: (call) => this.#nextTurn(call),
    };
  }

  #begun(): number {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#nextTurn(() => {
        this.#isCounted = false;
        this.#turn += 1;
        this.#readersBefore = this.#readers;
        this.#readers = 0;
      });
    }
    return this.#turn;
  }
}

/** What one of those who read may take in. */
export interface TurnShare {
  /** Counts what was read. @returns whether that was the share, and the rest can wait until the next turn. */
  used(bytes: number): boolean;
  /** Calls when the next turn has come. */
  next(call: () => void): void;
}

/** Those of this thread. */
export const turns = new Turns();
