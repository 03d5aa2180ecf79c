/**
 * A control connection for probing: lines go out exactly as they are told, in one segment if that is the point, and every
 * wait is bounded. It believes nothing: certificates are looked at by those checks that are about them.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { deadline } from '../lib/deadline.ts';
import { firstOf } from '../lib/first-of.ts';
import { type ProbeTarget, sniOf } from './target.ts';

/** One reply, lines as they came, their ends removed. */
export interface ProbeReply {
  readonly code: number;
  readonly text: string;
}

/** The server closed the connection where an answer was due. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** How a connection is bounded. */
export interface ProbeBounds {
  readonly clock: Clock;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** How long one answer may take: servers that look up the client's name before they greet take several seconds. */
const ANSWER_MS = 10_000;
/** The longest unread text kept of a server that never ends its reply. Protects memory. */
const TEXT_CHARACTERS_MAX = 65_536;

/** What a probe offers in a handshake: whatever old thing the server has, so that it can be named. */
const ANYTHING_TLS = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0', rejectUnauthorized: false } as const;

/** One dialogue with a server. */
export class ProbeClient implements Disposable {
  readonly target: ProbeTarget;
  #bounds: ProbeBounds;
  #socket: Socket;
  #tls: TLSSocket | undefined;
  #session: Buffer | undefined;
  #stapled = false;
  #protectionSaid = false;
  #spoilt = false;
  #text = '';
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(target: ProbeTarget, socket: Socket, bounds: ProbeBounds) {
    this.target = target;
    this.#bounds = bounds;
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects, in clear. @throws the system's error, or when it takes too long. */
  static async connect(target: ProbeTarget, bounds: ProbeBounds): Promise<ProbeClient> {
    return new ProbeClient(target, await connectSocket(target.address, target.port, bounds), bounds);
  }

  /**
   * Connects and comes to where commands can be sent under TLS: by AUTH TLS, or at once with implicit TLS.
   *
   * @throws ConnectionLost; an OpenSSL error; Error when AUTH TLS is refused.
   */
  static async secured(
    target: ProbeTarget,
    bounds: ProbeBounds,
    options: ConnectionOptions = {},
  ): Promise<ProbeClient> {
    const client = await ProbeClient.connect(target, bounds);
    try {
      if (target.mode === 'explicit') await client.askForTls();
      await client.startTls(options);
      if (target.mode === 'implicit') await client.greeting();
      return client;
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
  }

  /** TLS on this connection; undefined while it is in clear. */
  get tls(): TLSSocket | undefined {
    return this.#tls;
  }

  /** The raw socket, its bytes no longer read here. */
  surrenderSocket(): Socket {
    this.#socket.removeAllListeners('data');
    return this.#socket;
  }

  /** The newest TLS session of this connection, for resuming it elsewhere; in TLS 1.3 it comes behind the handshake. */
  get session(): Buffer | undefined {
    // What `getSession` gives in TLS 1.3 before a ticket has come cannot be resumed.
    return this.#session ?? (this.#tls?.getProtocol() === 'TLSv1.3' ? undefined : this.#tls?.getSession());
  }

  /** Whether an OCSP answer came with the handshake, for which `requestOCSP` has to ask. */
  get stapled(): boolean {
    return this.#stapled;
  }

  /** What the server has sent that nobody has read yet. */
  get unread(): string {
    return this.#text;
  }

  /** The server's first reply. @throws Error when it is not 220. */
  async greeting(): Promise<ProbeReply> {
    const reply = await this.reply();
    if (reply.code !== 220) throw new Error(`the server does not serve us: ${reply.text}`);
    return reply;
  }

  /** Reads the greeting and sends AUTH TLS. @throws Error when the answer is not 234. */
  async askForTls(): Promise<void> {
    await this.greeting();
    const reply = await this.send('AUTH TLS');
    if (reply.code !== 234) throw new Error(`AUTH TLS is refused: ${reply.text}`);
  }

  /** Whether PBSZ or PROT has been sent. */
  get protectionSaid(): boolean {
    return this.#protectionSaid;
  }

  /** Whether another question can be asked here, with nothing of the last one left over. */
  get reusable(): boolean {
    return !this.#ended && !this.#spoilt && this.#text === '';
  }

  /** Says that replies may still come to what was asked here. */
  spoil(): void {
    this.#spoilt = true;
  }

  /** Puts the connection under new bounds: those of the check that goes on with it. */
  rebind(bounds: ProbeBounds): void {
    this.#bounds = bounds;
  }

  /** Sends a line. @returns the reply to it. @throws ConnectionLost. */
  async send(line: string): Promise<ProbeReply> {
    if (/^(?:PBSZ|PROT) /.test(line)) this.#protectionSaid = true;
    this.write(`${line}\r\n`);
    return await this.reply();
  }

  /** Writes bytes as they are. */
  write(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** The next reply. @throws ConnectionLost when there is none. */
  async reply(): Promise<ProbeReply> {
    const reply = await this.replyOrEnd();
    if (reply === undefined) throw new ConnectionLost('the server closed the connection instead of answering');
    return reply;
  }

  /** The next reply; undefined when the server closed the connection instead. @throws when it takes too long. */
  async replyOrEnd(withinMs = ANSWER_MS): Promise<ProbeReply | undefined> {
    using late = deadline(this.#bounds.clock, withinMs, this.#bounds.signal);
    for (;;) {
      const reply = this.#takeReply();
      if (reply !== undefined) return reply;
      if (this.#ended) return undefined;
      if (this.#text.length > TEXT_CHARACTERS_MAX) throw new Error('the server sends a reply without an end');
      await this.#movement(late.signal);
    }
  }

  /** Puts TLS on the connection, offering everything that Node can unless `options` say less. @throws an OpenSSL error. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const secured = connectTls({
      ...ANYTHING_TLS,
      ...(this.target.ca !== undefined && { ca: this.target.ca }),
      servername: sniOf(this.target) ?? '',
      host: this.target.serverName,
      ...options,
      socket: this.surrenderSocket(),
    });
    secured.on('session', (session: Buffer) => {
      this.#session = session;
      this.#wake();
    });
    secured.on('OCSPResponse', (answer: Buffer | null) => {
      this.#stapled = answer !== null && answer.length > 0;
    });
    // What came in clear is nobody's answer any more.
    this.#text = '';
    // Before the handshake is awaited: a server with implicit TLS may greet in the same segment.
    this.#listen(secured);
    this.#socket = secured;
    using late = deadline(this.#bounds.clock, ANSWER_MS, this.#bounds.signal);
    const event = await firstOf(secured, ['secureConnect', 'close'], late.signal);
    if (event === 'close') throw new ConnectionLost('the server closed the connection during the handshake');
    this.#tls = secured;
    return secured;
  }

  /** Waits until a session can be resumed, for a short while: not every server gives one. */
  async waitForSession(): Promise<Buffer | undefined> {
    using late = deadline(this.#bounds.clock, 1_000, this.#bounds.signal);
    while (this.session === undefined && !this.#ended && !late.signal.aborted) {
      await this.#movement(late.signal).catch(() => undefined);
    }
    this.#bounds.signal.throwIfAborted();
    return this.session;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #takeReply(): ProbeReply | undefined {
    const match = /^(\d{3})(?: [^\r\n]*|-[\s\S]*?\n\1(?: [^\r\n]*)?|)\r?\n/.exec(this.#text);
    if (match !== null) {
      this.#text = this.#text.slice(match[0].length);
      return { code: Number(match[1]), text: match[0].trimEnd() };
    }
    const line = /^(?!\d{3})[^\n]*\n/.exec(this.#text)?.[0];
    if (line !== undefined) throw new Error(`this is no FTP reply: ${line.trim().slice(0, 80)}`);
    return undefined;
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('utf8');
      this.#wake();
    });
    const end = () => {
      // A raw socket under TLS ends with it, and what TLS still holds comes first.
      if (socket === this.#socket) this.#ended = true;
      this.#wake();
    };
    socket.on('close', end).on('end', end).on('error', end);
  }

  #movement(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }
}

/** Connects a socket. @throws the system's error, or when it takes too long. */
export async function connectSocket(address: string, port: number, { clock, signal }: ProbeBounds): Promise<Socket> {
  using late = deadline(clock, ANSWER_MS, signal);
  const socket = connectTcp({ host: address, port, noDelay: true });
  // A late error of a socket that was given up has nobody else to hear it.
  socket.on('error', () => undefined);
  try {
    await firstOf(socket, ['connect'], late.signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
