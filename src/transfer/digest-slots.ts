/**
 * The memory through which bytes reach the thread that hashes them: slots for bytes, and a ring that says in which order they are to
 * be hashed. Shared, because a message for each piece costs more than the piece's copy; and a copy, because pieces may come to
 * adapters, many of whose tools refuse shared memory.
 */
import { assert } from '../lib/assert.ts';

/** Bytes of a slot. What fits into one is not worth the way into another thread. */
export const SLOT_BYTES = 262_144;
/** As many as keep both sides busy; all of them fit into the caches that processors share. */
const SLOTS = 8;
/** More than slots, for ends of streams have none. A power of two. */
const ENTRIES = 64;

/** Where the numbers stand in `control`. */
const HEAD = 0;
const TAIL = 1;
/** Whether the side that fills waits for an entry to be done. */
const WANTED = 2;
const FIRST_ENTRY = 3;
const ENTRY_NUMBERS = 3;

/** What both sides have. */
export interface SharedSlots {
  readonly bytes: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/** One thing to do: hash the first bytes of a slot into a stream. Without a slot, the stream has come to its end. */
export interface Entry {
  readonly stream: number;
  readonly slot: number;
  readonly bytes: number;
}

/** The slot of an entry that has none: the stream ends, and is asked for its digest, or nobody wants it any more. */
export const DIGEST = -1;
export const FORGET = -2;

/** Makes the memory. */
export function sharedSlots(): SharedSlots {
  return {
    bytes: new SharedArrayBuffer(SLOT_BYTES * SLOTS),
    control: new SharedArrayBuffer(4 * (FIRST_ENTRY + ENTRIES * ENTRY_NUMBERS)),
  };
}

/** The side that fills slots. */
export class SlotWriter {
  readonly #control: Int32Array;
  readonly #slots: readonly Buffer[];
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);
  /** The slots of the entries that have not been done when this side last looked, in order. */
  readonly #under: number[] = [];
  #done = 0;
  #head = 0;

  constructor({ bytes, control }: SharedSlots) {
    this.#control = new Int32Array(control);
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => Buffer.from(bytes, slot * SLOT_BYTES, SLOT_BYTES));
  }

  /** How many slots nobody has. */
  get freeCount(): number {
    this.#reclaim();
    return this.#free.length;
  }

  /** The number of a slot that is the caller's until it is put or given back. Undefined when all are in use. */
  take(): number | undefined {
    if (this.#free.length === 0) this.#reclaim();
    return this.#free.pop();
  }

  /** The memory of a slot. To be written with `copy`: with `set`, V8 moves what goes into shared memory word by word. */
  memoryOf(slot: number): Buffer {
    const memory = this.#slots[slot];
    assert(memory !== undefined, 'a slot has memory');
    return memory;
  }

  /** Takes a slot back that was not put. */
  giveBack(slot: number): void {
    this.#free.push(slot);
  }

  /** Whether there is room for one more entry. */
  get hasRoom(): boolean {
    if (this.#under.length === ENTRIES) this.#reclaim();
    return this.#under.length < ENTRIES;
  }

  /** Adds an entry, for which there is room. The other side sees it if it is awake. */
  put({ stream, slot, bytes }: Entry): void {
    const at = placeOf(this.#head);
    this.#control[at] = stream;
    this.#control[at + 1] = slot;
    this.#control[at + 2] = bytes;
    this.#under.push(slot);
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#control, HEAD, this.#head);
  }

  /** Wakes the other side, if it waits for an entry. */
  wake(): void {
    Atomics.notify(this.#control, HEAD);
  }

  /** Has the other side say when it has done one more. @returns false when it has done so since this side last looked. */
  want(): boolean {
    Atomics.store(this.#control, WANTED, 1);
    return Atomics.load(this.#control, TAIL) === this.#done;
  }

  #reclaim(): void {
    const tail = Atomics.load(this.#control, TAIL);
    for (; this.#done !== tail; this.#done = (this.#done + 1) | 0) {
      const slot = this.#under.shift();
      if (slot !== undefined && slot >= 0) this.#free.push(slot);
    }
  }
}

/** The side that hashes. */
export class SlotReader {
  readonly #control: Int32Array;
  readonly #bytes: SharedArrayBuffer;
  #tail = 0;

  constructor({ bytes, control }: SharedSlots) {
    this.#control = new Int32Array(control);
    this.#bytes = bytes;
  }

  /** The next entry, which is done when `done` is called. Blocks the thread until there is one. */
  next(): Entry {
    while (Atomics.load(this.#control, HEAD) === this.#tail) Atomics.wait(this.#control, HEAD, this.#tail);
    const at = placeOf(this.#tail);
    const [stream = 0, slot = FORGET, bytes = 0] = this.#control.subarray(at, at + ENTRY_NUMBERS);
    return { stream, slot, bytes };
  }

  /** The bytes of an entry with a slot. */
  bytesOf({ slot, bytes }: Entry): Uint8Array {
    return new Uint8Array(this.#bytes, slot * SLOT_BYTES, bytes);
  }

  /** Says that the entry is done. @returns whether the other side waits to hear so. */
  done(): boolean {
    this.#tail = (this.#tail + 1) | 0;
    Atomics.store(this.#control, TAIL, this.#tail);
    return Atomics.exchange(this.#control, WANTED, 0) === 1;
  }
}

/** The counters run over; their lowest bits tell the place all the same. */
function placeOf(count: number): number {
  return FIRST_ENTRY + (count & (ENTRIES - 1)) * ENTRY_NUMBERS;
}
