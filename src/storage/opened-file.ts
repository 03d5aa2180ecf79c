/** A published file that is open for reading. */
import type { FileHandle } from 'node:fs/promises';
import type { FileFacts } from '../protocol/file-facts.ts';
import type { OpenedFile } from '../spi/file-system.ts';
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
