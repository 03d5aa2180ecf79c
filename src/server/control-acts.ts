/** What is done for those who ask through the control socket. Every act that changes something is recorded with its operator. */
import { NoteRefused } from '../audit/notes/signed-note.ts';
import { type Deliveries, DeliveryRefused } from '../delivery/deliveries.ts';
import type { ItemState } from '../intake/doors/item-state.ts';
import { QuarantineRefused } from '../intake/doors/quarantine.ts';
import { AuditFailed } from '../spi/audit.ts';
import type { ControlParameters, ControlRequest, ControlResults } from './control-protocol.ts';
import { ActRefused, ControlSocket } from './control-socket.ts';
import type { Gateway } from './gateway-parts.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { packageVersion } from './package-version.ts';

/** The parts of a gateway that can be acted on. */
export type ControlledParts = Pick<House, 'options' | 'clock' | 'log' | 'intake' | 'audit' | 'deliveries'>;

/** The gateway itself, as far as its state is shown. */
export interface ControlledGateway extends Pick<Gateway, 'addresses'> {
  readonly sessions: readonly GatewaySession[] | Promise<readonly GatewaySession[]>;
  /** The processes that serve its sessions; none where that is the gateway's own. */
  readonly workers?: readonly WorkerState[];
}

/** A process that serves sessions. */
export interface WorkerState {
  readonly number: number;
  readonly pid: number;
  /** Since when it runs, in milliseconds since 1970 (UTC). */
  readonly sinceMs: number;
  readonly connections: number;
  /** Whether it has been replaced, and takes no new connections. */
  readonly retiring: boolean;
}

/** The control socket of a gateway; undefined without a state directory, and on systems without such sockets. */
export function controlOf(parts: ControlledParts, gateway: ControlledGateway): ControlSocket | undefined {
  const { stateDirectory } = parts.options;
  if (stateDirectory === undefined || process.platform === 'win32') return undefined;
  const acts = new ControlActs(parts, gateway);
  const { clock, log } = parts;
  return new ControlSocket({
    stateDirectory,
    clock,
    log,
    perform: (request, sinceMs) => acts.perform(request, sinceMs),
  });
}

/** In records, of what came this way. */
const THROUGH = 'control socket';

/** The acts. */
export class ControlActs {
  readonly #parts: ControlledParts;
  readonly #gateway: ControlledGateway;

  constructor(parts: ControlledParts, gateway: ControlledGateway) {
    this.#parts = parts;
    this.#gateway = gateway;
  }

  /** Does one of them. @throws ActRefused when nothing was done, with words for the operator. */
  async perform(request: ControlRequest, sinceMs: number): Promise<ControlResults[keyof ControlResults]> {
    switch (request.act) {
      case 'status':
        return this.#status(sinceMs);
      case 'quarantine.list':
        return { uploads: this.#held() };
      case 'quarantine.show':
        return { upload: this.#held().find(({ upload }) => upload.id === request.upload) ?? null };
      case 'quarantine.release':
        return this.#release(request);
      case 'quarantine.destroy':
        return this.#destroy(request);
      case 'deliveries.list':
        return this.#deliveries().list();
      case 'deliveries.retry':
        return this.#deliver('retry', request);
      case 'deliveries.discard':
        return this.#deliver('discard', request);
      case 'audit.cosign':
        return this.#cosign(request);
    }
  }

  async #status(startedMs: number): Promise<ControlResults['status']> {
    const { intake, audit, deliveries } = this.#parts;
    const { addresses, workers = [] } = this.#gateway;
    const sessions = await this.#gateway.sessions;
    const uploads: Partial<Record<ItemState, number>> = {};
    for (const { state } of intake.items()) uploads[state] = (uploads[state] ?? 0) + 1;
    return {
      ...{ version: packageVersion(), pid: process.pid, startedMs, uploads },
      listen: addresses.map(({ host, port, tls }) => ({ host, port, tls })),
      workers: workers.map((worker) => ({ ...worker })),
      deliveries:
        deliveries === undefined
          ? null
          : {
              pending: deliveries.overview.reduce((sum, { pending }) => sum + pending, 0),
              dead: deliveries.overview.reduce((sum, { dead }) => sum + dead, 0),
            },
      sessions: {
        all: sessions.length,
        loggedIn: sessions.filter(({ account }) => account !== undefined).length,
        transfers: sessions.filter(({ transfer }) => transfer !== undefined).length,
      },
      audit:
        audit === undefined
          ? null
          : {
              requirement: audit.requirement,
              records: audit.size,
              writable: audit.failure === undefined,
              failure: audit.failure?.message ?? null,
            },
    };
  }

  #held() {
    return this.#parts.intake.waiting().filter(({ state }) => state === 'quarantined');
  }

  async #release({ upload, operator, reason }: ControlParameters<'quarantine.release'>) {
    const { intake } = this.#parts;
    await refusing(QuarantineRefused, () => intake.release(upload, operator, { reason, through: THROUGH }));
    return { path: intake.items().find(({ id }) => id === upload)?.path ?? '' };
  }

  async #destroy({ upload, operator, reason }: ControlParameters<'quarantine.destroy'>) {
    await refusing(QuarantineRefused, () => this.#parts.intake.destroy(upload, operator, { reason, through: THROUGH }));
    return {};
  }

  #deliveries(): Deliveries {
    const { deliveries } = this.#parts;
    if (deliveries === undefined) throw new ActRefused('this gateway has no deliveries');
    return deliveries;
  }

  async #deliver(act: 'retry' | 'discard', { delivery, operator, reason }: ControlParameters<'deliveries.retry'>) {
    const deliveries = this.#deliveries();
    await refusing(DeliveryRefused, () => deliveries[act](delivery, operator, { reason, through: THROUGH }));
    return {};
  }

  async #cosign({ note, operator }: ControlParameters<'audit.cosign'>) {
    const { audit } = this.#parts;
    if (audit === undefined) throw new ActRefused('this gateway has no audit log');
    const added = await refusing(AuditFailed, () => refusing(NoteRefused, () => audit.addCosignature(note)));
    audit.note({
      ...{ event: 'administration.acted', result: 'success', who: { operator }, origin: { program: 'cli' } },
      object: { act: 'audit.cosign', added, through: THROUGH },
    });
    return { added };
  }
}

/** What is refused with words for the operator is so. */
async function refusing<T>(kind: new (...args: never[]) => Error, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof kind) throw new ActRefused(error.message, { cause: error });
    throw error;
  }
}
