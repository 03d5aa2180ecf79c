/** A held file that a worker has open. It holds on to its worker, and fails with `Local` when that is lost. */
import { assert } from '../../lib/assert.ts';
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { ExistingFile, HeldFile } from '../../spi/file-system.ts';
import { assertBeside } from '../staging-names.ts';
import { ANSWERS } from './messages.ts';
import { pieces } from './worker-pieces.ts';
import type { Lease } from './workers.ts';

/** See `HeldFile`. It is nowhere on disk: the gateway has no business there but through its worker. */
export class WorkerHeldFile implements HeldFile {
  readonly sizeBytes: number;
  readonly #lease: Lease;
  readonly #handle: number;
  readonly #path: VirtualPath;
  #isOpen = true;

  /** @param held what the worker answered, and the path for which the file is held. */
  constructor(lease: Lease, held: { readonly handle: number; readonly path: VirtualPath; readonly sizeBytes: number }) {
    this.sizeBytes = held.sizeBytes;
    this.#lease = lease;
    this.#handle = held.handle;
    this.#path = held.path;
  }

  async *read(): AsyncGenerator<Buffer> {
    assert(this.#isOpen, 'the held file is open');
    yield* pieces(this.#lease, { op: 'readHeld', handle: this.#handle });
  }

  async publish(path: VirtualPath, existing: ExistingFile): Promise<void> {
    assertBeside(this.#path, path);
    assert(this.#isOpen, 'the held file is open');
    const question = { op: 'publish', handle: this.#handle, to: path, existing } as const;
    await this.#lease.connection.ask(question, ANSWERS.nothing);
  }

  async destroy(): Promise<void> {
    assert(this.#isOpen, 'the held file is open');
    await this.#lease.connection.ask({ op: 'destroy', handle: this.#handle }, ANSWERS.nothing);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // A worker that is lost has closed everything.
    await this.#lease.connection.ask({ op: 'closeHeld', handle: this.#handle }, ANSWERS.nothing).catch(() => undefined);
    this.#lease.release();
  }
}
