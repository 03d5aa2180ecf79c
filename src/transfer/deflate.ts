/**
 * MODE Z (draft-preston-ftpext-deflate-04): each transfer is one zlib stream (RFC 1950) of what MODE S would have sent.
 * Both directions are data connections in front of the real one, so that whatever moves over them knows nothing of it:
 * what is counted, hashed and held to a bound are the bytes of the file.
 */
import type { Deflate, Inflate } from 'node:zlib';
import { createDeflate, createInflate } from 'node:zlib';
import type { DataEnd } from '../spi/data-end.ts';
import type { DataConnection } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';

/** The connection for sending, deflated at `level`: 0 stores, 1 is fast, 9 is small. */
export function deflating(connection: DataConnection, level: number): DataConnection {
  return new DeflatingConnection(connection, level);
}

/**
 * The connection for receiving, inflated. Its `read` throws, beside what the connection throws:
 * - Fault `NotZlib` when the data are no zlib stream, are cut off, or go on behind its end;
 * - Fault `QuotaExceeded` when they inflate to more than `ratioMax` times their size.
 */
export function inflating(connection: DataConnection, ratioMax: number): DataConnection {
  return new InflatingConnection(connection, ratioMax);
}

/** Largest piece that the engine gives at once: what one byte on the wire can make us hold, however far it inflates. */
const PIECE_BYTES = 262_144;
/** Below it the ratio is not looked at: a small file of zeros harms nobody. */
const RATIO_FREE_BYTES = 16_777_216;

/** zlib at work: takes bytes, gives bytes, and says when it has changed. */
class Engine {
  readonly #stream: Deflate | Inflate;
  #ended = false;
  #failure: unknown;
  #failed = false;
  #wake: () => void = () => undefined;

  constructor(stream: Deflate | Inflate) {
    this.#stream = stream;
    stream.on('readable', () => this.#wake());
    stream.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    stream.on('error', (error) => this.#fail(error));
    stream.on('close', () => {
      if (!this.#ended) this.#fail(new Error('the data connection was dropped'));
    });
  }

  /** It has given everything that it ever will. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that it has made use of. */
  get usedBytes(): number {
    return this.#stream.bytesWritten;
  }

  /** Gives it bytes; `taken` is called when it wants more. */
  give(buffer: Buffer, taken: () => void): void {
    this.#stream.write(buffer, () => {
      taken();
      this.#wake();
    });
  }

  /** Tells it that there are no more. */
  endInput(): void {
    this.#stream.end();
  }

  /** Its next bytes; undefined when it has none now. @throws the error that has ended it. */
  take(): Buffer | undefined {
    if (this.#failed) throw this.#failure;
    const piece: unknown = this.#stream.read();
    return Buffer.isBuffer(piece) ? piece : undefined;
  }

  /** Resolves when it has done something. It waits for nobody but its caller, so that needs no deadline. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#failure = error;
    this.#failed = true;
    this.#wake();
  }
}

class DeflatingConnection implements DataConnection {
  readonly #connection: DataConnection;
  readonly #engine: Engine;

  constructor(connection: DataConnection, level: number) {
    this.#connection = connection;
    this.#engine = new Engine(createDeflate({ level, chunkSize: PIECE_BYTES }));
  }

  get tls(): TlsFacts | undefined {
    return this.#connection.tls;
  }

  /** On the wire, as always: what STAT and the log tell of is the data connection. */
  get bytesMoved(): number {
    return this.#connection.bytesMoved;
  }

  get end(): DataEnd {
    return this.#connection.end;
  }

  /** Nothing is read from a connection that sends. */
  read(): Promise<readonly Buffer[] | undefined> {
    return this.#connection.read();
  }

  async write(buffer: Buffer): Promise<void> {
    let taken = false;
    this.#engine.give(buffer, () => {
      taken = true;
    });
    await this.#passOnUntil(() => taken);
  }

  async finish(): Promise<void> {
    this.#engine.endInput();
    await this.#passOnUntil(() => this.#engine.ended);
    await this.#connection.finish();
  }

  refuse(): void {
    this.#connection.refuse();
    this.#engine.destroy();
  }

  destroy(): void {
    this.#connection.destroy();
    this.#engine.destroy();
  }

  async #passOnUntil(done: () => boolean): Promise<void> {
    for (;;) {
      const piece = this.#engine.take();
      if (piece !== undefined) await this.#connection.write(piece);
      else if (done()) return;
      else await this.#engine.change();
    }
  }
}

class InflatingConnection implements DataConnection {
  readonly #connection: DataConnection;
  readonly #engine: Engine;
  readonly #ratioMax: number;
  readonly #waiting: Buffer[] = [];
  #givenBytes = 0;
  #inflatedBytes = 0;
  #busy = false;
  #inputEnded = false;

  constructor(connection: DataConnection, ratioMax: number) {
    this.#connection = connection;
    this.#engine = new Engine(createInflate({ chunkSize: PIECE_BYTES }));
    this.#ratioMax = ratioMax;
  }

  get tls(): TlsFacts | undefined {
    return this.#connection.tls;
  }

  /** On the wire, as always: what STAT and the log tell of is the data connection. */
  get bytesMoved(): number {
    return this.#connection.bytesMoved;
  }

  get end(): DataEnd {
    return this.#connection.end;
  }

  async read(): Promise<readonly Buffer[] | undefined> {
    for (;;) {
      const piece = this.#inflated();
      if (piece !== undefined) return [piece];
      if (this.#engine.ended) return this.#finishReading();
      if (this.#busy || this.#inputEnded) await this.#engine.change();
      else await this.#feed();
    }
  }

  /** Nothing is written to a connection that receives. */
  write(buffer: Buffer): Promise<void> {
    return this.#connection.write(buffer);
  }

  finish(): Promise<void> {
    return this.#connection.finish();
  }

  refuse(): void {
    this.#connection.refuse();
    this.#engine.destroy();
  }

  destroy(): void {
    this.#connection.destroy();
    this.#engine.destroy();
  }

  #inflated(): Buffer | undefined {
    const piece = this.#taken();
    this.#inflatedBytes += piece?.length ?? 0;
    // A bomb: with a thousandth of the work that it costs us, a client would fill the disk.
    const bound = Math.max(RATIO_FREE_BYTES, this.#ratioMax * this.#connection.bytesMoved);
    if (this.#inflatedBytes <= bound) return piece;
    throw new Fault('QuotaExceeded', {
      text: `The data inflate to more than ${this.#ratioMax} times their size: send them with MODE S.`,
    });
  }

  #taken(): Buffer | undefined {
    try {
      return this.#engine.take();
    } catch (error) {
      throw new Fault('NotZlib', { cause: error });
    }
  }

  async #feed(): Promise<void> {
    if (this.#waiting.length === 0) this.#waiting.push(...((await this.#connection.read()) ?? []));
    const buffer = this.#waiting.shift();
    if (buffer === undefined) {
      this.#inputEnded = true;
      this.#engine.endInput();
      return;
    }
    this.#busy = true;
    this.#givenBytes += buffer.length;
    this.#engine.give(buffer, () => {
      this.#busy = false;
    });
  }

  /**
   * The stream is whole. What lies behind it would be dropped without a word by the engine; a file that was sent with
   * more than was stored is not a file that arrived.
   */
  async #finishReading(): Promise<undefined> {
    const surplus = this.#waiting.length > 0 || this.#engine.usedBytes < this.#givenBytes;
    if (surplus || (!this.#inputEnded && (await this.#connection.read()) !== undefined)) {
      throw new Fault('NotZlib', { cause: new Error('bytes behind the end of the zlib stream') });
    }
    // How the connection ended is known from here on.
    this.#engine.destroy();
    this.#inputEnded = true;
    return undefined;
  }
}
