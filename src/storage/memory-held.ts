/** What is held in memory between its arrival and its publication. */
import { assert } from '../lib/assert.ts';
import { isWithin, parentOf, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile, HeldFile } from '../spi/file-system.ts';
import { assertBeside, assertHeldId } from './staging-names.ts';

/** Gives bytes a name. @throws Fault `FileExists`, `NotAFile`. */
export type Publishing = (path: VirtualPath, bytes: Buffer, existing: ExistingFile) => void;

interface Item {
  readonly path: VirtualPath;
  readonly bytes: Buffer;
}

/** All of one account's held files. */
export class MemoryHeld {
  readonly #items = new Map<string, Item>();
  readonly #publish: Publishing;
  readonly #readBytes: number;

  /** @param readBytes the longest piece that a reader gets. */
  constructor(publish: Publishing, readBytes: number) {
    this.#publish = publish;
    this.#readBytes = readBytes;
  }

  get bytes(): number {
    return [...this.#items.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Whether anything is held in this directory, or below it. */
  within(directory: VirtualPath): boolean {
    return [...this.#items.values()].some(({ path }) => isWithin(parentOf(path), directory));
  }

  /** @throws Fault `FileBusy` when something is held under that id already. */
  add(path: VirtualPath, id: string, bytes: Buffer): void {
    const key = keyOf(path, id);
    if (this.#items.has(key)) throw new Fault('FileBusy');
    this.#items.set(key, { path, bytes });
  }

  /** @throws Fault `NoSuchFile`. */
  open(path: VirtualPath, id: string): HeldFile {
    const key = keyOf(path, id);
    const item = this.#items.get(key);
    if (item === undefined) throw new Fault('NoSuchFile');
    const { bytes } = item;
    const readBytes = this.#readBytes;
    /** Its last publication by this opener, which may be asked for again. */
    let publishedAs: VirtualPath | undefined;
    let isOpen = true;
    return {
      sizeBytes: bytes.length,
      async *read() {
        assert(isOpen, 'the held file is open');
        for (let from = 0; from < bytes.length; from += readBytes) {
          yield Buffer.from(bytes.subarray(from, from + readBytes));
        }
      },
      publish: async (to, existing) => {
        assertBeside(path, to);
        assert(isOpen, 'the held file is open');
        if (publishedAs === to) return;
        if (this.#items.get(key) !== item) throw new Fault('NoSuchFile');
        this.#publish(to, bytes, existing);
        this.#items.delete(key);
        publishedAs = to;
      },
      destroy: async () => {
        assert(isOpen, 'the held file is open');
        if (this.#items.get(key) === item) this.#items.delete(key);
      },
      async close() {
        isOpen = false;
      },
    };
  }
}

function keyOf(path: VirtualPath, id: string): string {
  assertHeldId(id);
  return `${id} ${path}`;
}
