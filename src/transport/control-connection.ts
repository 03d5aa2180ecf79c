/** The control connection: lines in, replies out, and the step from clear to TLS. */
import { Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { firstOf } from '../lib/first-of.ts';
import { Queue } from '../lib/queue.ts';
import type { ControlLine } from '../protocol/line-reader.ts';
import { LineReader } from '../protocol/line-reader.ts';
import type { Reply } from '../protocol/reply.ts';
import { formatReply } from '../protocol/reply.ts';
import { type Charset, UTF_8 } from '../spi/charset.ts';
import { Fault } from '../spi/fault.ts';
import type { Endpoint } from '../spi/session.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { ALPN_CALLBACKS } from './alpn.ts';
import { askForCertificate, type ShownCertificate, shownCertificate } from './client-certificate.ts';
import { verifyAgainst } from './held-lists.ts';
import { sayEnd } from './say-end.ts';
import { bound } from './session-binding.ts';
import { type Hello, helloOf, staplingServer } from './stapling.ts';
import type { TlsContext } from './tls-context.ts';
import { HandshakeFailed, handshake } from './tls-handshake.ts';

/** What comes next on a control connection: a line, or its end (with the error that ended it, if one did). */
export type ControlEvent = ControlLine | { readonly kind: 'end'; readonly cause: unknown };

/** The bounds that a control connection keeps. */
export interface ControlOptions {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly lineBytesMax: number;
  /** Lines that may be here and not taken yet; beyond it the socket is not read. Who must hear all that comes takes them. */
  readonly queuedLinesMax: number;
  readonly handshakeTimeoutMs: number;
  /** A client that takes none of our replies for so long is dropped. */
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

/** How long a closed connection may take to deliver its last reply before it is dropped. */
const CLOSE_GRACE_MS = 2_000;
/** Replies waiting for a client that does not read; beyond it the next reply waits, and with it the next command. */
const REPLY_BYTES_MAX = 262_144;
/** Telnet's "interpret as command". */
const IAC = 255;

/** One client's control connection. */
export class ControlConnection {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly #options: ControlOptions;
  #stream: Socket;
  #reader: LineReader;
  readonly #lines = new Queue<ControlLine>();
  readonly #gone = new AbortController();
  #end: { cause: unknown } | undefined;
  #shownCertificate: ShownCertificate = { kind: 'none' };
  #wake: () => void = () => undefined;
  #detach: () => void;

  constructor(socket: Socket, options: ControlOptions) {
    this.peer = options.peer;
    this.local = options.local;
    this.#options = options;
    this.#stream = socket;
    this.#reader = new LineReader(options.lineBytesMax);
    this.#detach = this.#attach(socket);
  }

  /** The next line or the end. One call at a time; the end is given again and again. */
  async next(): Promise<ControlEvent> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) {
        if (this.#lines.length < this.#options.queuedLinesMax) this.#stream.resume();
        return line;
      }
      if (this.#end !== undefined) return { kind: 'end', cause: this.#end.cause };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Whether anything has arrived that nobody has taken yet: whole lines, or part of one. */
  get hasUnreadInput(): boolean {
    return this.#lines.length > 0 || this.#reader.bufferedBytes > 0 || this.#stream.readableLength > 0;
  }

  /** Aborts, with a Fault, when the connection has ended and nobody is left to read replies; lines may still wait. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** What the client showed in the handshake, if it was asked for a certificate. */
  get shownCertificate(): ShownCertificate {
    return this.#shownCertificate;
  }

  /** Sends a reply, written in `charset`; resolves when the connection can take another. */
  async send(reply: Reply, charset: Charset = UTF_8): Promise<void> {
    if (!this.#stream.writable) return;
    const stream = this.#stream;
    stream.write(doubled255(charset.encode(formatReply(reply))));
    if (stream.writableLength <= REPLY_BYTES_MAX) return;
    const timer = this.#options.clock.after(this.#options.stallTimeoutMs, () => stream.destroy());
    // An error is heard of where lines are read.
    await firstOf(stream, ['drain', 'close']).catch(() => undefined);
    timer.cancel();
  }

  /**
   * Sends `announcement`, if any, and turns the connection into TLS, as its server, with a reader of its own: nothing
   * that was received before the handshake is ever read as a command behind it. The caller has made sure that nothing was.
   * `byName` chooses the certificate for the name that the client asks for (SNI), given in small letters, and throws to
   * refuse it.
   *
   * @throws HandshakeFailed; the connection is then gone.
   */
  async startTls(
    context: TlsContext,
    announcement?: Reply,
    byName: (serverName: string, hello: Hello) => TlsContext = () => context,
  ): Promise<TlsFacts> {
    this.#detach();
    // Behind the reply in the same tick, so that no byte can arrive between the two.
    if (announcement !== undefined) this.#stream.write(formatReply(announcement));
    let chosen = context;
    const tlsOptions: ConstructorParameters<typeof TLSSocket>[1] = {
      isServer: true,
      server: staplingServer(
        context.memory.remember(new Server()),
        () => chosen,
        () => secured,
      ),
      secureContext: context.secure,
      // A client without a certificate that counts gets through the handshake, so that a reply can tell it why not further.
      requestCert: context.asksForCertificate,
      rejectUnauthorized: false,
      ALPNCallback: ALPN_CALLBACKS.ftp,
      SNICallback: (serverName, done) => {
        try {
          chosen = byName(serverName.toLowerCase(), helloOf(secured));
          askForCertificate(secured, chosen.asksForCertificate);
          // Named again, the context of the start would lose all its certificates but one: see `host-identity.ts`.
          done(null, chosen === context ? undefined : (chosen.lists ?? chosen.secure));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    };
    const secured: TLSSocket = bound(context.secure, context.binding, () => new TLSSocket(this.#stream, tlsOptions));
    if (context.lists !== undefined) verifyAgainst(secured, context.lists);
    if (context.keyLog !== undefined) secured.on('keylog', context.keyLog);
    this.#stream = secured;
    this.#reader = new LineReader(this.#options.lineBytesMax);
    this.#lines.clear();
    const facts = await handshake(secured, this.#options.clock, this.#options.handshakeTimeoutMs);
    // Lost already; the events that would have said so have passed.
    if (secured.destroyed) throw new HandshakeFailed(secured.errored);
    this.#detach = this.#attach(secured);
    if (chosen.asksForCertificate) this.#shownCertificate = shownCertificate(secured);
    return facts;
  }

  /** Sends what is still to be sent and closes. */
  close(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    sayEnd(stream);
    const timer = this.#options.clock.after(CLOSE_GRACE_MS, () => stream.destroy());
    stream.on('close', () => timer.cancel());
    // Reading on lets the client's own FIN arrive; an unread byte would turn our close into a reset.
    stream.removeListener('data', this.#onData);
    stream.resume();
    stream.on('end', () => stream.destroy());
    if (stream.readableEnded) stream.on('finish', () => stream.destroy());
  }

  /** Drops the connection. */
  destroy(): void {
    this.#stream.destroy();
  }

  readonly #onData = (chunk: Buffer) => {
    for (const line of this.#reader.push(chunk)) this.#lines.push(line);
    if (this.#lines.length >= this.#options.queuedLinesMax) this.#stream.pause();
    this.#wake();
  };

  #attach(stream: Socket): () => void {
    const onEnd = () => this.#finish(undefined);
    const onError = (error: unknown) => this.#finish(error);
    stream.on('data', this.#onData).on('end', onEnd).on('error', onError).on('close', onEnd);
    return () => {
      stream.off('data', this.#onData).off('end', onEnd).off('error', onError).off('close', onEnd);
      // Without a listener for errors a reset in the meantime would be thrown at the process.
      stream.on('error', () => undefined);
    };
  }

  #finish(cause: unknown): void {
    this.#end ??= { cause };
    if (!this.#gone.signal.aborted) {
      this.#gone.abort(new Fault('Aborted', { cause: new Error('control connection lost', { cause }) }));
    }
    this.#wake();
  }
}

/** A byte 255 is sent twice: alone it would begin a Telnet command. UTF-8 has none. */
function doubled255(bytes: Buffer): Buffer {
  if (!bytes.includes(IAC)) return bytes;
  return Buffer.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])));
}
