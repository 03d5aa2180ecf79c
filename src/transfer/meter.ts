/** Counts the bytes of a file and hashes them with SHA-256 as they pass, so that nothing has to be read twice. */
import { createHash } from 'node:crypto';
import { systemClock } from '../lib/clock.ts';
import { spareProcessors } from '../lib/processors.ts';
import { type DigestStream, DigestThread } from './digest-thread.ts';

/** One for the process, whatever runs in it. */
const processThread = new DigestThread(systemClock);
/** What must have come before a thread is begun for whatever comes next. */
const WORTH_BYTES = 4_194_304;

/** The count and the SHA-256 of everything that it was given, in order. */
export class Meter {
  readonly #thread: DigestThread | undefined;
  readonly #stream: DigestStream;
  #bytes = 0;

  /** @param thread where large files are hashed. By default one that the process has, if there is a processor for it. */
  constructor(thread = spareProcessors() > 0 ? processThread : undefined) {
    this.#thread = thread;
    this.#stream = thread?.open() ?? streamHere();
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds bytes. @returns what to wait for before more are added, and before these may change. */
  update(buffers: readonly Buffer[]): Promise<void> | undefined {
    this.#bytes += buffers.reduce((sum, { length }) => sum + length, 0);
    if (this.#bytes >= WORTH_BYTES) this.#thread?.wanted();
    return addAll(this.#stream, buffers);
  }

  /** The SHA-256 in lower-case hexadecimal. Call it once. */
  digest(): Promise<string> {
    return this.#stream.digest();
  }

  /** To be called last, whether or not the digest was asked for. */
  close(): void {
    this.#stream.close();
  }
}

/** Hashed where it is asked for. */
function streamHere(): DigestStream {
  const hash = createHash('sha256');
  return {
    add(bytes) {
      hash.update(bytes);
      return undefined;
    },
    digest: async () => hash.digest('hex'),
    close: () => undefined,
  };
}

function addAll(stream: DigestStream, buffers: readonly Buffer[]): Promise<void> | undefined {
  for (const [index, buffer] of buffers.entries()) {
    const waited = stream.add(buffer);
    if (waited !== undefined) return waited.then(() => addAll(stream, buffers.slice(index + 1)));
  }
  return undefined;
}
