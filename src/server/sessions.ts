/** The sessions of one process, from the accepted socket to the end: who may come in, who is here, and how all of them end. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { newSession } from '../engine/apply-change.ts';
import { tellDisconnect } from '../engine/module-hooks.ts';
import type { SessionSummary } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { ControlConnection } from '../transport/control-connection.ts';
import { localOf, peerOf } from '../transport/endpoint.ts';
import { Arrivals } from './arrivals.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { SessionLoop } from './session-loop.ts';

/** How long a session that is disconnected may take to say so to a client that does not read. */
const DISCONNECT_GRACE_MS = 2_000;

/** See above. */
export class Sessions {
  readonly #house: House;
  readonly #arrivals: Arrivals;
  readonly #running = new Map<SessionLoop, Promise<void>>();

  constructor(house: House) {
    this.#house = house;
    this.#arrivals = new Arrivals(house);
  }

  /** How many there are. */
  get count(): number {
    return this.#running.size;
  }

  /** They, one by one. */
  get all(): readonly GatewaySession[] {
    return [...this.#running.keys()].map(({ overview }) => overview);
  }

  /** Those of an account that are logged in; none for undefined. */
  of(account: string | undefined): readonly SessionSummary[] {
    return [...this.#running.keys()].flatMap(({ summary }) => (summary?.account === account ? (summary ?? []) : []));
  }

  /**
   * Serves a connection; the socket must be paused. Nothing is said before every module has let it in. Resolves when
   * it is over, whether or not it became a session. Never throws.
   */
  async serve(socket: Socket, mode: 'explicit' | 'implicit'): Promise<void> {
    const { modules, options, log, clock } = this.#house;
    // Until the control connection listens for errors, a reset must not end the process.
    socket.on('error', () => undefined);
    const peer = peerOf(socket);
    const local = localOf(socket);
    if (peer === undefined || local === undefined) {
      socket.destroy();
      return;
    }
    const session = newSession({ id: randomBytes(6).toString('hex'), peer, local });
    if (!(await this.#arrivals.letsIn(socket, session, mode))) return;
    const { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs } = options.limits;
    const bounds = { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs };
    const control = new ControlConnection(socket, { peer, local, clock, ...bounds });
    // A ClientHello that is here already is TLS's to read: what flows in front of that is lost.
    if (mode === 'explicit') socket.resume();
    const loop = new SessionLoop(this.#house, control, session);
    const done = loop.run(mode).finally(() => {
      for (const module of modules) tellDisconnect(module, loop.session, log);
      this.#running.delete(loop);
    });
    this.#running.set(loop, done);
    await done;
  }

  /** Ends one with 421, aborting its transfer. Resolves when it is over. @returns whether there was one of this id. */
  async disconnect(sessionId: string): Promise<boolean> {
    const found = [...this.#running].find(([{ session }]) => session.id === sessionId);
    if (found === undefined) return false;
    const [loop, done] = found;
    loop.dismiss(new Fault('ShuttingDown', { text: 'This session was closed by the operator.' }));
    const timer = this.#house.clock.after(DISCONNECT_GRACE_MS, () => loop.destroy());
    await done;
    timer.cancel();
    return true;
  }

  /** Drops those that are still being asked about, and ends the others: at once when idle, else behind what they do. */
  end(fault: Fault = new Fault('ShuttingDown')): void {
    this.#arrivals.end();
    for (const session of this.#running.keys()) session.end(fault);
  }

  /** Ends all of them as `end` does, and drops what is left behind `graceMs`. Resolves when none is left. */
  async close(graceMs: number): Promise<void> {
    this.end();
    const drop = () => {
      for (const session of this.#running.keys()) session.destroy();
    };
    // Even without grace an idle session gets its turn of the event loop to say 421.
    const timer = this.#house.clock.after(graceMs, drop);
    await Promise.all(this.#running.values());
    timer.cancel();
  }
}
