/**
 * Data connections of a probe: passive, to the address that the control connection has, whatever PASV says. They tell how
 * the other side ended them, which `TLSSocket` alone does not.
 */
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { type Deadline, deadline } from '../lib/deadline.ts';
import { CloseNotifyGuard } from '../transport/close-notify-guard.ts';
import { connectSocket, type ProbeBounds, type ProbeClient, type ProbeReply } from './probe-client.ts';
import { sniOf } from './target.ts';

/** What came of a transfer. */
export interface Transferred {
  /** The reply to the command: 1yz, or a refusal. */
  readonly mark: ProbeReply;
  /** The reply behind it; undefined when the transfer never began, or none came. */
  readonly final: ProbeReply | undefined;
  /** Undefined when there was no handshake, or it failed. */
  readonly tls: { readonly version: string; readonly resumed: boolean } | undefined;
  /** Whether the server sent bytes that are no TLS. */
  readonly clear: boolean;
  /** How the server ended the connection: with close_notify, by closing it alone, or not at all. */
  readonly end: 'closeNotify' | 'cut' | 'none';
  readonly data: Buffer;
}

/** How a transfer is made. */
export interface TransferOptions {
  readonly protection: 'tls' | 'clear';
  /** The TLS session to resume. */
  readonly session?: Buffer | undefined;
  /** What is sent; without it, what comes is received. */
  readonly upload?: { readonly data: Buffer; readonly ending: 'closeNotify' | 'cut' };
}

/** How long a data connection may live: in clear, a server that waits for TLS waits for ever. */
const LIMIT_MS = { tls: 8_000, clear: 4_000 } as const;
/** How long a server may take to notice that a connection has been given up; not all do. */
const LATE_REPLY_MS = 2_000;
/** How long TLS may take to tell of a close_notify that has come together with the end of the connection. */
const SETTLE_MS = 200;
/** The longest listing that is kept; the rest is read and dropped. Protects memory. */
const DATA_BYTES_MAX = 1_048_576;
const GUARD_BYTES = 65_536;

/** Whether the server did what it was asked for. */
export function succeeded({ final }: Transferred): boolean {
  return final !== undefined && final.code >= 200 && final.code < 300;
}

/** Asks for a passive port and connects to it. @returns the refusal when there is none. */
export async function openPassive(client: ProbeClient, bounds: ProbeBounds): Promise<Socket | ProbeReply> {
  const extended = await client.send('EPSV');
  const reply = extended.code === 229 || extended.code === 521 ? extended : await client.send('PASV');
  const port = passivePort(reply);
  return port === undefined ? reply : await connectSocket(client.target.address, port, bounds);
}

/** The port that 229 or 227 names. */
export function passivePort({ code, text }: ProbeReply): number | undefined {
  if (code === 229) return portOf(/\|\|\|([0-9]{1,5})\|/.exec(text)?.[1]);
  if (code !== 227) return undefined;
  const [, high, low] = /[0-9]+,[0-9]+,[0-9]+,[0-9]+,([0-9]{1,3}),([0-9]{1,3})/.exec(text) ?? [];
  return high === undefined ? undefined : portOf(String(Number(high) * 256 + Number(low)));
}

function portOf(digits: string | undefined): number | undefined {
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Asks for a passive port and transfers over it; a refusal of the port counts as one of the command. */
export async function transferPassive(
  client: ProbeClient,
  bounds: ProbeBounds,
  command: string,
  options: TransferOptions,
): Promise<Transferred> {
  const socket = await openPassive(client, bounds);
  return 'code' in socket ? refused(socket) : await transfer(client, socket, bounds, { ...options, command });
}

/** Sends the command and transfers over a connection that is there. The connection is gone afterwards. */
export async function transfer(
  client: ProbeClient,
  socket: Socket,
  bounds: ProbeBounds,
  options: TransferOptions & { readonly command: string },
): Promise<Transferred> {
  try {
    const mark = await client.send(options.command);
    if (mark.code >= 200) return refused(mark);
    using late = deadline(bounds.clock, LIMIT_MS[options.protection], bounds.signal);
    const moved =
      options.protection === 'clear'
        ? await moveClear(socket, late)
        : await moveTls(client, socket, { ...bounds, late }, options);
    bounds.signal.throwIfAborted();
    // A server that waits for TLS where none comes has not done it; one that is still sending has to be stopped.
    if (moved.end === 'none') socket.destroy();
    const final =
      moved.end === 'none' ? await client.replyOrEnd(LATE_REPLY_MS).catch(() => undefined) : await client.replyOrEnd();
    bounds.signal.throwIfAborted();
    const transferred = { mark, final, ...moved };
    if (!succeeded(transferred)) client.spoil();
    return transferred;
  } finally {
    socket.destroy();
  }
}

function refused(mark: ProbeReply): Transferred {
  return { mark, final: undefined, tls: undefined, clear: false, end: 'none', data: Buffer.alloc(0) };
}

type Moved = Omit<Transferred, 'mark' | 'final'>;

function moveClear(socket: Socket, late: Deadline): Promise<Moved> {
  return new Promise((resolve) => {
    const kept = new Kept();
    const settle = (end: Moved['end']) => resolve({ tls: undefined, clear: isClear(kept.first), end, data: kept.data });
    late.signal.addEventListener('abort', () => settle('none'), { once: true });
    socket
      .on('data', (chunk: Buffer) => kept.add(chunk))
      .on('end', () => settle('cut'))
      .on('close', () => settle('cut'));
  });
}

function moveTls(
  client: ProbeClient,
  socket: Socket,
  { clock, late }: Pick<ProbeBounds, 'clock'> & { readonly late: Deadline },
  options: TransferOptions,
): Promise<Moved> {
  return new Promise((resolve) => {
    const kept = new Kept();
    let tls: Moved['tls'];
    const settle = (end: Moved['end']) => {
      resolve({ tls, clear: isClear(guard.firstByte), end, data: kept.data });
      secured.destroy();
    };
    // Java's close_notify comes to light only when TLS is made to read on (see `CloseNotifyGuard`).
    const testEnd = () => {
      guard.passEnd(tls?.version === 'TLSv1.3' ? 'tested' : 'plain');
      clock.after(SETTLE_MS, () => settle('cut'));
    };
    const onProgress = () => {
      if (!guard.endSeen || guard.endPassed) return;
      // The close_notify may be in what TLS is still working on.
      clock.after(SETTLE_MS, testEnd);
    };
    const guard: CloseNotifyGuard = new CloseNotifyGuard(socket, onProgress, GUARD_BYTES);
    // Nothing is to be withheld on this side.
    guard.release();
    const secured = connectTls(tlsOptions(client, guard, options.session));
    guard.on('error', () => settle('cut'));
    secured
      .on('error', () => settle('cut'))
      .on('close', () => settle('cut'))
      .on('end', () => settle(guard.endPassed && tls?.version !== 'TLSv1.3' ? 'cut' : 'closeNotify'))
      .on('data', (chunk: Buffer) => kept.add(chunk))
      .on('secureConnect', () => {
        tls = { version: secured.getProtocol() ?? 'unknown', resumed: secured.isSessionReused() };
        if (options.upload !== undefined) send(secured, socket, options.upload);
      });
    late.signal.addEventListener('abort', () => settle('none'), { once: true });
  });
}

/** Whether what came begins otherwise than TLS does. */
function isClear(first: number | undefined): boolean {
  return first !== undefined && (first < FIRST_RECORD_TYPE || first > LAST_RECORD_TYPE);
}

/** Types of TLS records (RFC 8446 section 5.1). */
const FIRST_RECORD_TYPE = 20;
const LAST_RECORD_TYPE = 24;

function tlsOptions(client: ProbeClient, guard: CloseNotifyGuard, session: Buffer | undefined): ConnectionOptions {
  return {
    socket: guard,
    servername: sniOf(client.target) ?? '',
    // Node resumes a session only under the host for which it was begun.
    host: client.target.serverName,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
    // The control connection has been verified if it had to be; here the session says who it is.
    rejectUnauthorized: false,
    ...(session !== undefined && { session }),
  };
}

function send(secured: TLSSocket, socket: Socket, { data, ending }: NonNullable<TransferOptions['upload']>): void {
  if (ending === 'closeNotify') secured.end(data);
  // The connection ends under TLS, as when a cable is cut and somebody in between closes it.
  else secured.write(data, () => socket.end());
}

/** What was received, up to a bound. */
class Kept {
  readonly #chunks: Buffer[] = [];
  bytes = 0;

  /** The first byte. */
  get first(): number | undefined {
    return this.#chunks[0]?.[0];
  }

  add(chunk: Buffer): void {
    if (this.bytes < DATA_BYTES_MAX) this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
