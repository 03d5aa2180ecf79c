/** One of several processes that serve the sessions of a gateway: it listens nowhere, and what there is once is not its own. */
import type { Socket } from 'node:net';
import type { GatewayOptions } from '../config/options.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { Fault } from '../spi/fault.ts';
import type { GatewayCertificate } from './certificates.ts';
import { type ComposedHouse, composeHouse } from './compose-house.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { startModules, stopModules } from './module-life.ts';
import type { WorkerPosition } from './position.ts';
import { type ReloadedPart, reloadAll } from './reload.ts';
import { Sessions } from './sessions.ts';

/** See above. */
export class WorkerGateway {
  readonly #composed: ComposedHouse;
  readonly #house: House;
  readonly #sessions: Sessions;

  /** @throws as `createGateway`. */
  constructor(options: GatewayOptions, parts: GatewayParts, position: WorkerPosition) {
    this.#composed = composeHouse(options, parts, position);
    const { house, shared } = this.#composed;
    this.#house = {
      ...house,
      sessionsOf: async (account) => {
        const elsewhere = account === undefined ? [] : ((await shared.sessions?.of(account)) ?? []);
        return [...this.#sessions.of(account), ...elsewhere];
      },
    };
    this.#sessions = new Sessions(this.#house);
  }

  /** Sessions at this moment. */
  get sessionCount(): number {
    return this.#sessions.count;
  }

  /** They, one by one. */
  get sessions(): readonly GatewaySession[] {
    return this.#sessions.all;
  }

  /** Those of an account that are logged in here. */
  sessionsOf(account: string): readonly SessionSummary[] {
    return this.#sessions.of(account);
  }

  /** The certificates in force here. */
  get certificates(): readonly GatewayCertificate[] {
    return this.#composed.certificates.overview;
  }

  /** Reads what it needs; from then on it serves. @throws what keeps it from that; it has ended then. */
  async start(): Promise<void> {
    const { authentication, certificates, authorities } = this.#composed;
    const { audit, intakePolicy, intake } = this.#house;
    await authentication.load();
    try {
      await audit?.open();
      await intakePolicy.start();
      await intake.start();
      await certificates.start();
      await authorities.start();
      await startModules(this.#house);
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Serves a connection that another process has accepted. Resolves when it is over. Never throws. */
  serve(socket: Socket, mode: 'explicit' | 'implicit'): Promise<void> {
    return this.#sessions.serve(socket, mode);
  }

  /** See `Gateway.disconnect`. */
  disconnect(sessionId: string): Promise<boolean> {
    return this.#sessions.disconnect(sessionId);
  }

  /** See `Gateway.reload`. */
  async reload(): Promise<readonly ReloadedPart[]> {
    const { authentication, certificates, authorities } = this.#composed;
    return reloadAll([certificates, authorities, ...authentication.reloadable], this.#house.log);
  }

  /** Ends every session with this reply: at once where nothing runs, else behind what does, however long that takes. */
  endSessions(fault: Fault): void {
    this.#sessions.end(fault);
  }

  /** Ends the sessions as `Gateway.close` does, and then all the rest. */
  async close(graceMs: number): Promise<void> {
    const { authentication, certificates, authorities } = this.#composed;
    const { audit, intake, intakePolicy, receipts } = this.#house;
    await this.#sessions.close(graceMs);
    certificates.stop();
    authorities.stop();
    await intake.stop();
    await authentication.close();
    await stopModules(this.#house);
    await receipts?.stop();
    await intakePolicy.stop();
    await audit?.close();
  }
}
