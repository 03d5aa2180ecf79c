/** Connections that have been accepted and that nobody has let in yet: the modules are asked, in their order. */
import type { Socket } from 'node:net';
import { askGuard, tellDisconnect, tellRefused } from '../engine/module-hooks.ts';
import { formatReply, reply } from '../protocol/reply.ts';
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import type { House } from './house.ts';

/** The arrivals of one gateway. */
export class Arrivals {
  readonly #house: Pick<House, 'modules' | 'log' | 'clock'>;
  readonly #arriving = new Set<Socket>();

  constructor(house: Pick<House, 'modules' | 'log' | 'clock'>) {
    this.#house = house;
  }

  /** Drops those that are still being asked about. */
  end(): void {
    for (const socket of this.#arriving) socket.destroy();
  }

  /** Asks the modules; when one refuses, those that had let the connection in are told, and so is the client. */
  async letsIn(socket: Socket, session: Session, mode: 'explicit' | 'implicit'): Promise<boolean> {
    const { modules, log, clock } = this.#house;
    const gone = new AbortController();
    const leave = () => gone.abort(new Fault('Aborted', { cause: new Error('the connection was lost') }));
    socket.once('close', leave);
    this.#arriving.add(socket);
    const admitted: Module[] = [];
    let letIn: Module | undefined;
    let abandoned = false;
    const ask = async (module: Module) => {
      const answer = await module.onConnect?.(session.peer, session);
      letIn = module;
      // Nobody waited for that any more: it may have counted whom nobody would count down again.
      if (abandoned) tellDisconnect(module, session, log);
      return answer;
    };
    try {
      for (const module of modules) {
        const asking = { clock, log, signal: gone.signal, otherwise: 'Busy' } as const;
        if (module.onConnect) await askGuard(module, 'onConnect', () => ask(module), asking);
        admitted.push(module);
      }
      // Dropped at this moment: nobody will hear of its end any more.
      if (socket.destroyed) throw gone.signal.reason ?? new Fault('Aborted');
      return true;
    } catch (error) {
      abandoned = true;
      // Gone at the very moment at which it was let in.
      if (letIn !== undefined && gone.signal.aborted && !admitted.includes(letIn)) admitted.push(letIn);
      for (const module of admitted) tellDisconnect(module, session, log);
      log.warn('connection.refused', { peer: session.peer.address, error });
      for (const module of modules) tellRefused(module, session, { cause: error, log });
      turnAway(socket, mode, error);
      return false;
    } finally {
      socket.off('close', leave);
      this.#arriving.delete(socket);
    }
  }
}

/** Says why in clear where that is understood: before TLS on an implicit port it would not be. */
function turnAway(socket: Socket, mode: 'explicit' | 'implicit', error: unknown): void {
  if (socket.destroyed) return;
  const fault = error instanceof Fault ? error : new Fault('Busy');
  if (mode === 'explicit') socket.end(formatReply(reply(fault.code, fault.text)));
  socket.destroySoon();
}
