/** One data connection, in clear or under TLS: the bytes, how they ended, and whether anyone still moves. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { assert } from '../lib/assert.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { DataEnd } from '../spi/data-end.ts';
import type { DataConnection, Direction } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { ALPN_CALLBACKS } from './alpn.ts';
import { type ShownCertificate, shownCertificate } from './client-certificate.ts';
import { CloseNotifyGuard } from './close-notify-guard.ts';
import { verifyAgainst } from './held-lists.ts';
import { namesAdmitted } from './server-name.ts';
import { staplingServer } from './stapling.ts';
import type { TlsContext } from './tls-context.ts';
import { handshake } from './tls-handshake.ts';

/** The bounds of a data connection. */
export interface DataConnectionOptions {
  readonly clock: Clock;
  readonly handshakeTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** Received bytes handed over at once; each layer on the way holds as many. */
  readonly receiveBytes: number;
  /** Bytes handed to the socket, or to TLS, at once; each layer on the way holds as many. */
  readonly sendBytes: number;
  /** Whether the client is asked for a certificate; who resumes a session has shown it before. Not by default. */
  readonly asksForCertificate?: boolean;
  /** Hears of the handshake when it is done, whether or not a transfer ever opens the connection. */
  readonly onSecured?: (tls: TlsFacts) => void;
}

/** A clear socket is given pieces of this size, so that a slow client can be told from one that stands still. */
const CLEAR_WRITE_BYTES = 131_072;
/** How long a finished connection waits for the client's own end before the transfer is called done all the same. */
const FINISH_WAIT_MS = 500;
/** How long it then lives on unobserved, so that our last bytes are not cut off by a reset. */
const LINGER_MS = 10_000;

/**
 * A connected data socket. Under TLS the handshake starts at once, whether or not the transfer command has come: some
 * clients finish it before they send the command, others only begin it after 150.
 */
export class StreamDataConnection implements DataConnection {
  readonly #socket: Socket;
  readonly #options: DataConnectionOptions;
  readonly #guard: CloseNotifyGuard | undefined;
  readonly #stream: Socket;
  readonly #secured: Promise<void>;
  #tls: TlsFacts | undefined;
  #shownCertificate: ShownCertificate = { kind: 'none' };
  #signal: AbortSignal | undefined;
  #direction: Direction = 'receive';
  #failure: unknown;
  #failed = false;
  #over = false;
  #refused = false;
  #end: DataEnd = 'unauthenticated';
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #batchBytesMax: number;
  #bytesMoved = 0;
  #wake: () => void = () => undefined;
  #stall: Timer | undefined;

  constructor(socket: Socket, context: TlsContext | undefined, options: DataConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#batchBytesMax = options.receiveBytes;
    if (context === undefined) {
      this.#stream = socket;
      this.#secured = Promise.resolve();
    } else {
      const highWaterMark = Math.max(options.receiveBytes, options.sendBytes);
      const guard = new CloseNotifyGuard(socket, () => this.#progress(), options);
      this.#guard = guard;
      const { recalling, staple } = context;
      // Only where there is something to staple: being asked for it makes each handshake wait for a turn of the event loop.
      const server =
        staple === undefined
          ? recalling
          : staplingServer(
              recalling,
              () => context,
              () => secured,
            );
      const { secure: secureContext, keyLog } = context;
      const lists = options.asksForCertificate === true ? context.lists : undefined;
      const admits = context.admits ?? (lists && (() => true));
      const tlsOptions: TlsSocketOptions = {
        ...{ isServer: true, server, secureContext, highWaterMark, ALPNCallback: ALPN_CALLBACKS['ftp-data'] },
        requestCert: options.asksForCertificate === true,
        rejectUnauthorized: false,
        // Only where names count, or certificates of clients: it would cost each handshake such a turn.
        ...(admits !== undefined && { SNICallback: namesAdmitted(admits) }),
      };
      const secured: TLSSocket = new TLSSocket(guard, tlsOptions);
      if (lists !== undefined) verifyAgainst(secured, lists);
      if (keyLog !== undefined) secured.on('keylog', keyLog);
      this.#stream = secured;
      guard.on('error', (error) => this.#fail(error));
      secured.on('_tlsError', () => this.#failTest());
      // TLS is told of no FIN before its time, and would wait for a handshake that cannot come any more.
      socket.on('end', () => guard.leftUnused && secured.destroy(new Error('the client left before the handshake')));
      this.#secured = this.#handshake(secured);
      // The transfer hears of a failure when it opens the connection; until then nobody is listening.
      this.#secured.catch(() => undefined);
    }
    this.#stream.on('error', (error) => this.#fail(error));
    this.#stream.on('end', () => this.#finishReading());
    this.#stream.on('close', () => this.#fail(new Error('closed before the end of data')));
    this.#stream.on('drain', () => this.#progress());
  }

  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** What the client showed in the handshake, or in that of the session that it resumed, if it was asked. */
  get shownCertificate(): ShownCertificate {
    return this.#shownCertificate;
  }

  /** Whether TLS was put on this connection when it was made. */
  get protected(): boolean {
    return this.#guard !== undefined;
  }

  get bytesMoved(): number {
    return this.#bytesMoved;
  }

  get end(): DataEnd {
    return this.#end;
  }

  /**
   * Waits for the handshake; `signal` ends everything from now on.
   *
   * @throws Fault `DataTlsFailed`, or `ConnectionLost` when the client has left before it began; the signal's reason.
   */
  async secured(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
    try {
      await this.#secured;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new Fault(this.#guard?.leftUnused ? 'ConnectionLost' : 'DataTlsFailed', { cause: error });
    }
  }

  /** Makes a secured connection ready for one direction. To a sender it has nothing to say before the end of data. */
  begin(direction: Direction): void {
    this.#direction = direction;
    if (direction === 'send') {
      this.#guard?.release();
      // What a client sends here is of no interest, but its end and its alerts are.
      this.#stream.resume();
      return;
    }
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#refused) return;
      this.#batch.push(chunk);
      this.#batchBytes += chunk.length;
      this.#bytesMoved += chunk.length;
      if (this.#batchBytes >= this.#batchBytesMax) this.#stream.pause();
      this.#progress();
    });
    this.#stream.resume();
  }

  /** Gives the socket of a clear connection away, unread, so that TLS can be put on it. */
  surrenderSocket(): Socket {
    assert(this.#guard === undefined, 'only a clear connection can be given away');
    return this.#socket;
  }

  async read(bytesMax = Number.POSITIVE_INFINITY): Promise<readonly Buffer[] | undefined> {
    this.#batchBytesMax = Math.min(this.#options.receiveBytes, bytesMax);
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#batch.length > 0) return this.#takeBatch(bytesMax);
      if (this.#over) return undefined;
      if (this.#failed) throw this.#lost();
      await this.#movement();
    }
  }

  async write(buffer: Buffer): Promise<void> {
    const { sendBytes } = this.#options;
    const piece = this.#guard === undefined ? Math.min(CLEAR_WRITE_BYTES, sendBytes) : sendBytes;
    for (let offset = 0; offset < buffer.length; offset += piece) {
      await this.#writable();
      this.#bytesMoved += Math.min(piece, buffer.length - offset);
      this.#stream.write(buffer.subarray(offset, offset + piece));
    }
    await this.#writable();
  }

  async finish(): Promise<void> {
    const receiving = this.#direction === 'receive';
    let flushed = false;
    this.#stream.end((error?: Error | null) => {
      // Not flushed but lost. That the client had ended its own side before does not mean that it has received ours.
      if (error) return this.#fail(error);
      flushed = true;
      this.#wake();
    });
    // Once everything has been received nothing more is needed from this connection: an error changes nothing now.
    while (!flushed && !(receiving && this.#failed)) {
      this.#signal?.throwIfAborted();
      if (this.#failed) throw this.#lost();
      await this.#movement();
    }
    if (!receiving && (await this.#isResetByReceiver())) throw this.#lost();
    this.#letGo();
  }

  refuse(): void {
    this.#refused = true;
    this.#batch = [];
    this.#stall?.cancel();
    this.#guard?.discard();
    // With close_notify, because clients such as ftplib wait for it before they read the reply.
    this.#stream.end();
    this.#letGo();
  }

  destroy(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#stall?.cancel();
    this.#stream.destroy();
    this.#guard?.destroy();
    this.#socket.destroy();
  }

  readonly #onAbort = () => {
    this.destroy();
    this.#wake();
  };

  async #handshake(secured: TLSSocket): Promise<void> {
    this.#tls = await handshake(secured, this.#options.clock, this.#options.handshakeTimeoutMs);
    if (this.#options.asksForCertificate) this.#shownCertificate = shownCertificate(secured);
    this.#options.onSecured?.(this.#tls);
  }

  #takeBatch(bytesMax: number): readonly Buffer[] {
    const batch = this.#batch;
    this.#batch = [];
    if (this.#batchBytes <= bytesMax) {
      this.#batchBytes = 0;
      this.#stream.resume();
      return batch;
    }
    let leftBytes = bytesMax;
    // A reader who is held to a rate gets no more than it asked for; the rest is first next time.
    const taken = batch.flatMap((buffer) => {
      const bytes = Math.min(leftBytes, buffer.length);
      if (bytes < buffer.length) this.#batch.push(buffer.subarray(bytes));
      leftBytes -= bytes;
      return bytes === 0 ? [] : [buffer.subarray(0, bytes)];
    });
    this.#batchBytes = this.#batch.reduce((sum, { length }) => sum + length, 0);
    if (this.#batchBytes < this.#batchBytesMax) this.#stream.resume();
    return taken;
  }

  /** Waits until the stream takes more. */
  async #writable(): Promise<void> {
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#failed) throw this.#lost();
      if (!this.#stream.writableNeedDrain) return;
      await this.#movement();
    }
  }

  /** Waits for anything to happen. @throws Fault `Stalled` when nothing does. */
  async #movement(): Promise<void> {
    let stalled = false;
    this.#stall = this.#options.clock.after(this.#options.stallTimeoutMs, () => {
      stalled = true;
      this.#wake();
    });
    const moved = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#considerEnd();
    await moved;
    this.#stall.cancel();
    if (!stalled) return;
    this.destroy();
    throw new Fault('Stalled');
  }

  #progress(): void {
    this.#wake();
  }

  /**
   * Passes the client's FIN on to TLS once the guard, the TLS layer and the reader have nothing left before it. Two
   * turns of the event loop lie between the look and the act, because the TLS layer hands its end over asynchronously.
   */
  #considerEnd(): void {
    const guard = this.#guard;
    if (guard === undefined || !this.#drained()) return;
    setImmediate(() =>
      setImmediate(() => {
        if (this.#drained()) guard.passEnd(this.#tested ? 'tested' : 'plain');
      }),
    );
  }

  #drained(): boolean {
    return (
      this.#guard?.endSeen === true && this.#stream.readableLength === 0 && this.#batch.length === 0 && !this.#over
    );
  }

  /**
   * Whether an end that only the FIN brings to light is put to the test. A receiver of ours that has said nothing more may
   * still be sent to, which a failed test would make impossible; and in TLS 1.2 there is nothing to find out.
   */
  get #tested(): boolean {
    return this.#direction === 'receive' && this.#tls?.version === 'TLSv1.3';
  }

  #finishReading(): void {
    // Once the connection has failed, an end is only its echo.
    if (this.#failed || this.#over) return;
    this.#over = true;
    if (this.#guard !== undefined && (this.#tested || !this.#guard.endPassed)) this.#end = 'authenticated';
    this.#wake();
  }

  /** TLS was still open when the false bytes came: nobody had said that the data ends here. */
  #failTest(): void {
    if (this.#guard?.endPassed !== true || !this.#tested) return;
    this.#over = true;
    this.#wake();
  }

  #fail(error: unknown): void {
    if (!this.#failed) {
      this.#failed = true;
      this.#failure = error;
    }
    this.#wake();
  }

  #lost(): Fault {
    assert(this.#failed, 'a connection that is lost has failed');
    this.destroy();
    return new Fault('ConnectionLost', { cause: this.#failure });
  }

  /**
   * Waits a moment for the receiver's own end. A reset in place of it means that it closed with bytes of ours unread.
   */
  async #isResetByReceiver(): Promise<boolean> {
    let late = false;
    const timer = this.#options.clock.after(FINISH_WAIT_MS, () => {
      late = true;
      this.#wake();
    });
    this.#socket.once('end', () => this.#wake());
    while (!late && !this.#failed && !this.#over && !this.#socket.readableEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    timer.cancel();
    return !this.#over && this.#failure instanceof Error && 'code' in this.#failure;
  }

  /** Leaves the connection to itself for a while, then drops it. */
  #letGo(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#socket.readableEnded || this.#socket.destroyed) {
      this.destroy();
      return;
    }
    const timer = this.#options.clock.after(LINGER_MS, () => this.destroy());
    this.#socket.once('end', () => this.destroy()).once('close', () => timer.cancel());
    this.#socket.resume();
  }
}

/** Node's types leave out that a TLSSocket hands `highWaterMark` to the net.Socket it is. */
type TlsSocketOptions = NonNullable<ConstructorParameters<typeof TLSSocket>[1]> & { readonly highWaterMark: number };
