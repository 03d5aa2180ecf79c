/**
 * The control socket: a Unix domain socket in the state directory, by which the operator's programs act on the gateway that
 * runs. Who may use it is said by the permissions of the file alone: its user and root. It is also what tells a second
 * gateway that the state directory is taken.
 */
import { chmod, lstat, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { aside } from '../lib/aside.ts';
import type { Clock } from '../lib/clock.ts';
import { deadline, within } from '../lib/deadline.ts';
import { hasCode, ifThere } from '../lib/error-code.ts';
import { printable } from '../lib/printable.ts';
import { put } from '../lib/put.ts';
import type { Log } from '../spi/log.ts';
import {
  CONTROL_SOCKET,
  type ControlAnswer,
  type ControlRequest,
  controlRequest,
  REQUEST_BYTES_MAX,
} from './control-protocol.ts';

/** Why the socket cannot be had; the message says what to do. */
export class ControlRefused extends Error {
  override readonly name = 'ControlRefused';
}

/** Thrown by an act that does nothing; its message is for the operator. */
export class ActRefused extends Error {
  override readonly name = 'ActRefused';
}

/** What the socket is made of. */
export interface ControlSocketParts {
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Does what is asked, of a gateway that runs since then (milliseconds since 1970, UTC). @throws ActRefused when it does nothing. */
  perform(request: ControlRequest, sinceMs: number): Promise<unknown>;
}

/** Waiting for the next request of a connection, which ends at `IDLE_MAX_MS`. */
interface IdleBound {
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal;
  begin(): void;
  end(): void;
}

/** The longest path that every system takes: 104 bytes with the zero behind it on some, 108 on Linux. */
const PATH_BYTES_MAX = 103;
/** Protects the gateway from a program that opens one connection after the other. */
const CONNECTIONS_MAX = 32;
const IDLE_MAX_MS = 60_000;
/** How long the end of the gateway waits for acts that run. */
const REST_MAX_MS = 8_000;
const NEVER = new AbortController().signal;
/** How long whoever listens at the path already may take to be heard of. */
const KNOCK_MAX_MS = 2_000;

/** See above. */
export class ControlSocket {
  readonly #parts: ControlSocketParts;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  readonly #acting = new Set<Promise<unknown>>();
  #server: Server | undefined;
  /** The file that is ours. */
  #inode: bigint | undefined;
  #state: 'starting' | 'open' | 'stopping' = 'starting';
  #sinceMs = 0;

  constructor(parts: ControlSocketParts) {
    this.#parts = parts;
    this.#path = join(parts.stateDirectory, CONTROL_SOCKET);
  }

  /**
   * Takes the state directory for this gateway; acts are refused until `open`. A directory that cannot be written only means
   * that there is no socket: whoever needs the directory says so. @throws ControlRefused when another gateway has it.
   */
  async claim(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#state = 'starting';
    const bytes = Buffer.byteLength(this.#path);
    if (bytes > PATH_BYTES_MAX) {
      throw new ControlRefused(
        `the path of the control socket, ${this.#path}, has ${bytes} bytes, and a socket's may have ${PATH_BYTES_MAX}: ` +
          'let state_directory be a shorter path',
      );
    }
    try {
      await mkdir(this.#parts.stateDirectory, { recursive: true, mode: 0o700 });
      await this.#requireOwn();
      await this.#requireFree();
      await this.#listen();
    } catch (error) {
      await this.close();
      if (error instanceof ControlRefused) throw error;
      this.#parts.log.error('control.unavailable', { path: this.#path, error });
    }
  }

  /** From now on acts are done. */
  open(): void {
    this.#state = 'open';
    this.#sinceMs = this.#parts.clock.now();
  }

  /** From now on acts are refused again, and those that run are waited for; the directory is still ours. */
  async rest(): Promise<void> {
    this.#state = 'stopping';
    try {
      using bounded = deadline(this.#parts.clock, REST_MAX_MS, NEVER);
      await within(bounded.signal, () => Promise.allSettled(this.#acting));
    } catch (error) {
      // Every act is safe against a crash, and so against an end.
      this.#parts.log.warn('control.act_cut_short', { error });
    }
  }

  /** Lets the directory go. Never throws. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server === undefined) return;
    try {
      if ((await this.#inodeAt()) === this.#inode) await rm(this.#path, { force: true });
    } catch (error) {
      // A socket that nobody listens at is replaced by the next start.
      this.#parts.log.warn('control.socket_stays', { path: this.#path, error });
    }
    await new Promise<void>((done) => server.close(() => done()));
  }

  /** @throws ControlRefused when everybody could put a socket of their own there. */
  async #requireOwn(): Promise<void> {
    const { stateDirectory } = this.#parts;
    const { mode } = await stat(stateDirectory);
    if ((mode & 0o002) === 0) return;
    throw new ControlRefused(
      `everybody on this machine may write to the state directory ${stateDirectory}: chmod 700 it`,
    );
  }

  /** @throws ControlRefused when somebody listens already. */
  async #requireFree(): Promise<void> {
    const there = await ifThere(lstat(this.#path));
    if (there === undefined) return;
    if (!there.isSocket()) throw new ControlRefused(`${this.#path} is no socket: move it away`);
    if (await isAnswered(this.#path)) {
      throw new ControlRefused(
        `another gateway runs with the state directory ${this.#parts.stateDirectory}: stop it, or name another state_directory`,
      );
    }
  }

  /** Under a name that nobody else can reach, then in its place in one step: never a moment with other permissions. */
  async #listen(): Promise<void> {
    const hidden = await mkdtemp(join(this.#parts.stateDirectory, '.c'));
    try {
      const path = join(hidden, 's');
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
      server.maxConnections = CONNECTIONS_MAX;
      await new Promise<void>((done, failed) => {
        server.once('error', failed);
        server.listen(path, done);
      });
      // Accepting may fail later for want of file handles, and works again with the next one.
      server.on('error', (error) => this.#parts.log.error('control.accept_failed', { error }));
      // A gateway that is asked to end does not wait for its operators.
      server.unref();
      this.#server = server;
      await chmod(path, 0o600);
      await rename(path, this.#path);
      this.#inode = await this.#inodeAt();
    } finally {
      await rm(hidden, { recursive: true, force: true });
    }
  }

  async #inodeAt(): Promise<bigint | undefined> {
    return lstat(this.#path, { bigint: true }).then(
      ({ ino }) => ino,
      () => undefined,
    );
  }

  #accept(socket: Socket): void {
    const { log, clock } = this.#parts;
    this.#sockets.add(socket);
    // A client that goes away is no failure of ours.
    socket.on('error', () => undefined);
    const gone = new AbortController();
    const hangUp = () => void socket.destroy();
    let timer = clock.after(IDLE_MAX_MS, hangUp);
    const idle = {
      signal: gone.signal,
      begin: () => {
        if (!gone.signal.aborted) timer = clock.after(IDLE_MAX_MS, hangUp);
      },
      end: () => timer.cancel(),
    };
    socket.once('close', () => {
      gone.abort();
      idle.end();
      this.#sockets.delete(socket);
    });
    aside(
      () => this.#serve(socket, idle),
      (error) => log.debug('control.connection_lost', { error }),
    );
  }

  /** One request after the other; while one is done, no more is read than the system holds. */
  async #serve(socket: Socket, idle: IdleBound): Promise<void> {
    const { clock } = this.#parts;
    const answering = { clock, idleMs: IDLE_MAX_MS, signal: idle.signal };
    let rest: Buffer = Buffer.alloc(0);
    for await (const piece of socket) {
      // An act takes as long as it takes.
      idle.end();
      rest = Buffer.concat([rest, piece]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const line = rest.subarray(0, end);
        rest = rest.subarray(end + 1);
        const answer = await this.#answer(line);
        await put(socket, Buffer.from(`${JSON.stringify(answer)}\n`), answering);
      }
      if (rest.length > REQUEST_BYTES_MAX) {
        const message = `a request has at most ${REQUEST_BYTES_MAX} bytes`;
        socket.end(`${JSON.stringify({ id: null, ok: false, error: { kind: 'request', message } })}\n`);
        return;
      }
      idle.begin();
    }
    socket.end();
  }

  async #act(request: ControlRequest): Promise<unknown> {
    const acting = this.#parts.perform(request, this.#sinceMs);
    this.#acting.add(acting);
    try {
      return await acting;
    } finally {
      this.#acting.delete(acting);
    }
  }

  async #answer(line: Buffer): Promise<ControlAnswer> {
    const given = parsed(line);
    const request = controlRequest.safeParse(given);
    if (!request.success) {
      const [issue] = request.error.issues;
      const message = `this is no request: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.replace(/ +/g, ' ');
      return { id: idOf(given), ok: false, error: { kind: 'request', message: printable(message.slice(0, 500)) } };
    }
    const { id, act } = request.data;
    try {
      if (this.#state !== 'open') throw new ActRefused(`the gateway is ${this.#state}: try again in a moment`);
      return { id, ok: true, result: await this.#act(request.data) };
    } catch (error) {
      if (error instanceof ActRefused) return { id, ok: false, error: { kind: 'refused', message: error.message } };
      this.#parts.log.error('control.act_failed', { act, error });
      return { id, ok: false, error: { kind: 'failed', message: "it went wrong; the gateway's log says why" } };
    }
  }
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    // The answer says that it is no request.
    return undefined;
  }
}

function idOf(given: unknown): number | null {
  const id: unknown = typeof given === 'object' && given !== null ? Reflect.get(given, 'id') : undefined;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null;
}

/** Whether somebody listens at a socket. One that this user may not use, or that is too busy to answer, is somebody's. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(KNOCK_MAX_MS, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', (error) => settle(!hasCode(error, 'ECONNREFUSED', 'ENOENT')));
  });
}
