/** A published file that is open for reading. */
import type { FileHandle } from 'node:fs/promises';
import type { FileFacts } from '../protocol/file-facts.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import type { SmallFile } from './disk-job.ts';
import type { DiskThread } from './disk-thread.ts';
import { asFault } from './errors.ts';
import { factsOf, letGo, type StorageIo } from './io.ts';
import type { HeldNode } from './jail.ts';
import { openNodeForReading } from './nodes.ts';
import { readBytes } from './read-bytes.ts';

/** Opens what a node holds, and takes the node over. @throws Fault `NotAFile` for all but regular files. */
export async function openFile(io: StorageIo, node: HeldNode): Promise<OpenedFile> {
  let handle: FileHandle;
  try {
    handle = await openNodeForReading(io, node);
  } catch (error) {
    await node.close();
    throw error;
  }
  node.closeBehind();
  return new LocalOpenedFile(handle, factsOf(node.stats));
}

/** A file that a thread has read as a whole. */
export class SmallOpenedFile implements OpenedFile {
  readonly facts: FileFacts;
  readonly #thread: DiskThread;
  readonly #file: SmallFile;
  #isOpen = true;

  constructor(thread: DiskThread, file: SmallFile) {
    this.facts = file.facts;
    this.#thread = thread;
    this.#file = file;
  }

  async *read(offsetBytes: number): AsyncGenerator<Buffer> {
    // A copy, which is the reader's own.
    if (offsetBytes < this.#file.bytes.length) yield Buffer.from(this.#file.bytes.subarray(offsetBytes));
  }

  async close(): Promise<void> {
    if (this.#isOpen) this.#thread.release(this.#file);
    this.#isOpen = false;
  }
}

class LocalOpenedFile implements OpenedFile {
  readonly facts: FileFacts;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, facts: FileFacts) {
    this.#handle = handle;
    this.facts = facts;
  }

  async *read(offsetBytes: number): AsyncGenerator<Buffer> {
    try {
      yield* readBytes(this.#handle, offsetBytes, this.facts.sizeBytes);
    } catch (error) {
      throw asFault(error);
    }
  }

  close(): Promise<void> {
    return letGo(this.#handle);
  }
}
