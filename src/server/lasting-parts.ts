/**
 * What lives in the state directory: control socket, audit log, retention, deliveries, uploads between the doors, receipts.
 * Each begins when what it stands on is there, and ends while that still is.
 */
import { type ControlledGateway, controlOf } from './control-acts.ts';
import type { ControlSocket } from './control-socket.ts';
import type { GatewayAddress } from './gateway-parts.ts';
import type { House } from './house.ts';

/** The parts of a gateway that need it. */
type LastingHouse = Pick<
  House,
  'options' | 'clock' | 'log' | 'audit' | 'intakePolicy' | 'deliveries' | 'intake' | 'receipts'
>;

/** See above. */
export class LastingParts {
  readonly #house: LastingHouse;
  readonly #control: ControlSocket | undefined;

  constructor(house: LastingHouse, gateway: ControlledGateway) {
    this.#house = house;
    this.#control = controlOf(house, gateway);
  }

  /** Begins them, before anybody can connect. @throws whatever keeps one of them from its work. */
  async begin(): Promise<void> {
    const { audit, intakePolicy, deliveries, intake, receipts, log } = this.#house;
    // In front of everything that writes there: the state directory is one gateway's.
    await this.#control?.claim();
    await audit?.open();
    await intakePolicy.start();
    await deliveries?.prepare();
    await intake.start();
    // Behind the recovery of uploads, which makes promises itself.
    await intakePolicy.mend(intake, log);
    // Behind the recovery of uploads: what that takes back has no receipt.
    await receipts?.start();
    deliveries?.start();
  }

  /** Tells them that the gateway listens. @throws AuditNotOpened when that cannot be recorded and has to be. */
  async listening(addresses: readonly GatewayAddress[]): Promise<void> {
    await this.#house.audit?.started(addresses);
    this.#control?.open();
  }

  /** Ends what works on accounts' files, which are needed to the end of what runs behind replies. */
  async endWork(): Promise<void> {
    await this.#control?.rest();
    await this.#house.deliveries?.stop();
    await this.#house.intake.stop();
  }

  /** Ends the others, and lets the state directory go. */
  async end(): Promise<void> {
    const { receipts, intakePolicy, audit } = this.#house;
    await receipts?.stop();
    await intakePolicy.stop();
    await audit?.close();
    await this.#control?.close();
  }
}
