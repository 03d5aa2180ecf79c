/** A connection to a scanner: over a Unix socket, TCP or TLS, read and written at the pace of both ends. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { deadline } from '../../lib/deadline.ts';
import { firstOf } from '../../lib/first-of.ts';
import { type Patience, put } from '../../lib/put.ts';

/** The other end. */
export type WireEnd =
  | { readonly socket: string }
  | { readonly host: string; readonly port: number; readonly tls?: { readonly ca: string | undefined } | undefined };

/** How long to wait for what. */
export interface WirePatience extends Patience {
  readonly connectTimeoutMs: number;
}

/** What is kept of an answer that nobody has read yet, in bytes; the other end then waits. */
const UNREAD_BYTES_MAX = 262_144;

/** One connection. It is closed when it is disposed of, and when the signal aborts. */
export class Wire implements Disposable {
  readonly #socket: Socket;
  readonly #patience: Patience;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, patience: Patience) {
    this.#socket = socket;
    this.#patience = patience;
    socket.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      if (this.#bytes > UNREAD_BYTES_MAX) socket.pause();
      this.#wake?.();
    });
    socket.on('end', () => this.#end(undefined));
    socket.on('close', () => this.#end(undefined));
    socket.on('error', (error) => this.#end(error));
    patience.signal.addEventListener('abort', this.#leave, { once: true });
  }

  /** Whether there is something to read, the end included. */
  get answered(): boolean {
    return this.#bytes > 0 || this.#ended;
  }

  /** Whether nothing more can come but what is here already. */
  get over(): boolean {
    return this.#ended || this.#socket.destroyed;
  }

  /** The next bytes; undefined at the end. To be called by one at a time. @throws the system's error; the signal's reason. */
  async read(): Promise<Buffer | undefined> {
    while (!this.answered) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.#patience.signal.throwIfAborted();
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      if (this.#error !== undefined) throw this.#error;
      return undefined;
    }
    this.#bytes -= piece.length;
    if (this.#socket.isPaused()) this.#socket.resume();
    return piece;
  }

  /** Writes and waits until there is room again. @throws Error when the connection is lost or stands still; the signal's reason. */
  async write(piece: Buffer): Promise<void> {
    await put(this.#socket, piece, this.#patience);
  }

  [Symbol.dispose](): void {
    this.#patience.signal.removeEventListener('abort', this.#leave);
    this.#socket.destroy();
  }

  readonly #leave = (): void => {
    this.#socket.destroy();
    this.#end(undefined);
  };

  #end(error: Error | undefined): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }
}

/** Connects. @throws the system's error; Error when it takes too long; the signal's reason. */
export async function openWire(end: WireEnd, patience: WirePatience): Promise<Wire> {
  using bounded = deadline(patience.clock, patience.connectTimeoutMs, patience.signal);
  const socket = dial(end);
  // From now until the wire listens for itself.
  socket.on('error', () => undefined);
  try {
    await firstOf(socket, ['tls' in end && end.tls !== undefined ? 'secureConnect' : 'connect'], bounded.signal);
    return new Wire(socket, patience);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function dial(end: WireEnd): Socket {
  if ('socket' in end) return connect({ path: end.socket });
  const { host, port, tls } = end;
  if (tls === undefined) return connect({ host, port, noDelay: true });
  // A name for SNI and for the certificate; an address is compared as one.
  const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  return connectTls({ host, port, ...name, minVersion: 'TLSv1.2', ...(tls.ca !== undefined && { ca: tls.ca }) });
}
