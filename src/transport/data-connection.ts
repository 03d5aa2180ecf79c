/** One data connection, in clear or under TLS: the bytes, how they ended, and whether anyone still moves. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import type { DataEnd } from '../spi/data-end.ts';
import type { DataConnection, Direction } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { type ShownCertificate, shownCertificate } from './client-certificate.ts';
import { CloseNotifyGuard } from './close-notify-guard.ts';
import { dataTls } from './data-tls.ts';
import { Movement } from './movement.ts';
import { readOwned } from './owned-reads.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { linger, sayEnd, sayEndBehindData } from './say-end.ts';
import type { DataContext } from './tls-context.ts';
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

/** Pieces in which bytes are given to the socket or to TLS, so that a slow client can be told from one that stands still. */
const WRITE_BYTES = 131_072;
/** Most bytes of one read: more than a TLS record has. */
const READ_BYTES = 65_536;
/** One memory for all connections: what was read is copied before anything else is read. */
const memory = Buffer.allocUnsafeSlow(READ_BYTES);
/** One for all connections, since each is closed at last: where it comes from tells nobody anything. */
const CLOSED = new Error('closed before the end of data');
/** How long a finished connection waits for the client's own end before the transfer is called done all the same. */
const FINISH_WAIT_MS = 500;

/**
 * A connected data socket. Under TLS the handshake starts with the client's first bytes, whether or not the transfer command has
 * come: some clients finish it before they send the command, others only begin it after 150. Where the command is known to be a
 * download by then, TLS works on the socket itself; else a guard stands between, which costs much more for what is sent.
 */
export class StreamDataConnection implements DataConnection {
  readonly #socket: Socket;
  readonly #options: DataConnectionOptions;
  readonly #context: DataContext | undefined;
  readonly #secured = Promise.withResolvers<void>();
  #guard: CloseNotifyGuard | undefined;
  /** What carries the bytes; under TLS it is the socket until the handshake begins. */
  #stream: Socket;
  #tls: TlsFacts | undefined;
  #shownCertificate: ShownCertificate = { kind: 'none' };
  #signal: AbortSignal | undefined;
  #direction: Direction = 'receive';
  #failure: unknown;
  #failed = false;
  #over = false;
  #refused = false;
  #end: DataEnd = 'unauthenticated';
  readonly #received = new ReceivedBytes();
  #receivedBytesMax: number;
  #bytesMoved = 0;
  readonly #movement: Movement;

  /** @param direction which way the bytes will go, if that is known already. */
  constructor(
    socket: Socket,
    context: DataContext | undefined,
    options: DataConnectionOptions,
    direction?: Direction | undefined,
  ) {
    this.#socket = socket;
    this.#stream = socket;
    this.#context = context;
    this.#options = options;
    this.#receivedBytesMax = options.receiveBytes;
    this.#movement = new Movement(options.clock, options.stallTimeoutMs);
    // The transfer hears of a failure when it opens the connection; until then nobody is listening.
    this.#secured.promise.catch(() => undefined);
    if (context === undefined) {
      this.#watch(socket);
      this.#secured.resolve();
    } else if (direction !== undefined) {
      this.expect(direction);
    } else {
      socket.on('error', this.#onError);
      socket.once('readable', this.#onFirstBytes);
    }
  }

  /** Tells which way the bytes will go: under TLS, no later than `secured` is called. The first word counts. */
  expect(direction: Direction): void {
    if (this.#context === undefined || this.#stream !== this.#socket) return;
    const { receiveBytes, sendBytes, asksForCertificate = false } = this.#options;
    this.#socket.off('readable', this.#onFirstBytes).off('error', this.#onError);
    const under = direction === 'send' ? this.#socket : this.#guarded();
    const tlsOptions = { highWaterMark: Math.max(receiveBytes, sendBytes), asksForCertificate };
    const secured = dataTls(under, this.#context, tlsOptions);
    this.#stream = secured;
    // A client that leaves before the handshake has said nothing that TLS could answer, which would wait for more.
    const left = () => secured.destroy(new Error('the client left before the handshake'));
    secured.once('end', left).once('secure', () => secured.off('end', left));
    secured.on('_tlsError', () => this.#failTest());
    this.#watch(secured);
    this.#secured.resolve(this.#handshake(secured));
  }

  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** What the client showed in the handshake, or in that of the session that it resumed, if it was asked. */
  get shownCertificate(): ShownCertificate {
    return this.#shownCertificate;
  }

  /** Whether TLS is put on this connection. */
  get protected(): boolean {
    return this.#context !== undefined;
  }

  /** Whether bytes can be taken from it in a way that tells how they end: not when it was expected to send. */
  get canReceive(): boolean {
    return this.#context === undefined || this.#guard !== undefined;
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
    this.expect('receive');
    try {
      await this.#secured.promise;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const unused = this.#guard?.leftUnused ?? this.#socket.bytesRead === 0;
      throw new Fault(unused ? 'ConnectionLost' : 'DataTlsFailed', { cause: error });
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
    const take = (chunk: Buffer) => this.#take(chunk);
    // What came before it was known what for.
    for (let early = this.#stream.read(); early !== null; early = this.#stream.read()) take(early);
    if (!readOwned(this.#stream, memory, take)) this.#stream.on('data', take);
    if (this.#received.bytes < this.#receivedBytesMax) this.#stream.resume();
  }

  /** Gives the socket of a clear connection away, unread, so that TLS can be put on it. */
  surrenderSocket(): Socket {
    assert(this.#guard === undefined, 'only a clear connection can be given away');
    return this.#socket;
  }

  async read(bytesMax = Number.POSITIVE_INFINITY): Promise<readonly Buffer[] | undefined> {
    this.#receivedBytesMax = Math.min(this.#options.receiveBytes, bytesMax);
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#received.bytes > 0) {
        const taken = this.#received.take(bytesMax);
        if (this.#received.bytes < this.#receivedBytesMax) this.#stream.resume();
        return taken;
      }
      if (this.#over) return undefined;
      if (this.#failed) throw this.#lost();
      await this.#moved();
    }
  }

  async write(buffer: Buffer): Promise<void> {
    const pieceBytes = Math.min(WRITE_BYTES, this.#options.sendBytes);
    for (let offset = 0; offset < buffer.length; offset += pieceBytes) {
      const piece = buffer.subarray(offset, offset + pieceBytes);
      let taken = false;
      this.#bytesMoved += piece.length;
      this.#stream.write(piece, (error) => {
        if (error) return this.#fail(error);
        taken = true;
        this.#movement.happened();
      });
      while (!taken) {
        this.#signal?.throwIfAborted();
        if (this.#failed) throw this.#lost();
        await this.#moved();
      }
    }
  }

  async finish(): Promise<void> {
    const receiving = this.#direction === 'receive';
    let flushed = false;
    // Each write has waited for the kernel.
    const say = !receiving && this.#bytesMoved > 0 ? sayEndBehindData : sayEnd;
    say(this.#stream, (error) => {
      // Not flushed but lost. That the client had ended its own side before does not mean that it has received ours.
      if (error) return this.#fail(error);
      flushed = true;
      this.#movement.happened();
    });
    // Once everything has been received nothing more is needed from this connection: an error changes nothing now.
    while (!flushed && !(receiving && this.#failed)) {
      this.#signal?.throwIfAborted();
      if (this.#failed) throw this.#lost();
      await this.#moved();
    }
    if (!receiving && (await this.#isResetByReceiver())) throw this.#lost();
    this.#letGo();
  }

  refuse(): void {
    this.#refused = true;
    this.#received.clear();
    this.#movement.forget();
    this.#guard?.discard();
    // With close_notify, because clients such as ftplib wait for it before they read the reply.
    sayEnd(this.#stream);
    this.#letGo();
  }

  destroy(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#movement.forget();
    this.#stream.destroy();
    this.#guard?.destroy();
    this.#socket.destroy();
  }

  readonly #onAbort = () => {
    this.destroy();
    this.#movement.happened();
  };

  readonly #onError = (error: unknown) => this.#fail(error);

  /** Somebody speaks, or has left. A command that came with it is read in the same turn of the event loop, and says what for. */
  readonly #onFirstBytes = () => {
    setImmediate(() => {
      if (!this.#socket.destroyed) this.expect('receive');
    });
  };

  #guarded(): CloseNotifyGuard {
    const guard = new CloseNotifyGuard(this.#socket, this.#movement.happened, this.#options.sendBytes);
    guard.on('error', this.#onError);
    // TLS is told of no FIN before its time, and would wait for a handshake that cannot come any more.
    this.#socket.on('end', () => {
      if (guard.leftUnused) this.#stream.destroy(new Error('the client left before the handshake'));
    });
    this.#guard = guard;
    return guard;
  }

  #watch(stream: Socket): void {
    stream.on('error', this.#onError);
    stream.on('end', () => this.#finishReading());
    stream.on('close', () => this.#fail(CLOSED));
  }

  #take(chunk: Buffer): void {
    if (this.#refused) return;
    this.#received.add(chunk);
    this.#bytesMoved += chunk.length;
    if (this.#received.bytes >= this.#receivedBytesMax) this.#stream.pause();
    this.#movement.happened();
  }

  async #handshake(secured: TLSSocket): Promise<void> {
    this.#tls = await handshake(secured, this.#options.clock, this.#options.handshakeTimeoutMs);
    if (this.#options.asksForCertificate) this.#shownCertificate = shownCertificate(secured);
    this.#options.onSecured?.(this.#tls);
  }

  /** Waits for anything to happen. @throws Fault `Stalled` when nothing does. */
  async #moved(): Promise<void> {
    this.#considerEnd();
    if (await this.#movement.wait()) return;
    this.destroy();
    throw new Fault('Stalled');
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
      this.#guard?.endSeen === true && this.#stream.readableLength === 0 && this.#received.bytes === 0 && !this.#over
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
    this.#movement.happened();
  }

  /** TLS was still open when the false bytes came: nobody had said that the data ends here. */
  #failTest(): void {
    if (this.#guard?.endPassed !== true || !this.#tested) return;
    this.#over = true;
    this.#movement.happened();
  }

  #fail(error: unknown): void {
    if (!this.#failed) {
      this.#failed = true;
      this.#failure = error;
    }
    this.#movement.happened();
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
    const untilMs = this.#options.clock.monotonicMs() + FINISH_WAIT_MS;
    this.#outermost.once('end', this.#movement.happened);
    while (!this.#failed && !this.#over && !this.#outermost.readableEnded) {
      const leftMs = untilMs - this.#options.clock.monotonicMs();
      if (leftMs <= 0 || !(await this.#movement.wait(leftMs))) break;
    }
    return !this.#over && errorCode(this.#failure) !== undefined;
  }

  /** Nobody waits for this connection any more. */
  #letGo(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#movement.forget();
    linger(this.#outermost, this.#options.clock, () => this.destroy());
  }

  /** Who is told first that the client has ended its side: under TLS that works on the socket itself, TLS. */
  get #outermost(): Socket {
    return this.#guard === undefined ? this.#stream : this.#socket;
  }
}
