/**
 * Keeps floods of new connections from taking the processor away from transfers. The work of a login that costs no hash is a handshake,
 * some milliseconds in the thread that moves the files of everybody: clients that log in again and again would halve what they get.
 */
import type { Clock } from '../lib/clock.ts';
import { FairQueue } from '../lib/fair-queue.ts';
import type { LoopLoad } from '../lib/loop-load.ts';
import { networkOf } from '../protocol/ip-address.ts';
import { Fault } from '../spi/fault.ts';
import type { Module, Request } from '../spi/module.ts';
import { DECLINED, defineModule } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';

/** What it goes by. */
export interface ArrivalPaceParts {
  readonly clock: Clock;
  readonly loopLoad: LoopLoad;
}

/**
 * While transfers of some length go on and leave the event loop little rest, connections are let in one after the other, each when
 * the thread has had `PACE_CPU_MS` of processor since the one before, and networks (an IPv4 address, an IPv6 /64) take turns. At all other times nobody waits.
 */
export function arrivalPace(parts: ArrivalPaceParts): Module {
  const pace = new Pace(parts);
  const ended = ({ context: { session } }: Request) => pace.transferEnded(session);
  return defineModule({
    name: 'arrival-pace',
    onConnect: (_, session) => pace.admit(session),
    onDisconnect: (session) => pace.transferEnded(session),
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        handle({ traits, context: { session } }) {
          if (traits.data === 'transfers') pace.transferBegan(session);
          return DECLINED;
        },
      },
      { phase: 'LOG_CMD', verb: '*', handle: ended },
      { phase: 'LOG_CMD_ERR', verb: '*', handle: ended },
    ],
  });
}

/** A login takes 2 to 5 ms of it: a fifteenth, however much the thread gets of a machine that others use as well. */
const PACE_CPU_MS = 60;

/** Somebody is let in after this long, whatever the thread is busy with. */
const PACE_MAX_MS = 500;

/** How often is looked whether the next one may come in, while somebody waits. */
const LOOK_MS = 5;

/** Small files are over before: who moves those has as many connections as anybody. */
const LONG_TRANSFER_MS = 100;

/** Between the files of one who fetches or stores several; a flood must not come in there all at once. */
const BETWEEN_FILES_MS = 500;

/**
 * Below this the loop has time for newcomers that nobody else wants. One stream alone keeps it busy for 0.7 to 1 of the time, the less
 * the more the other side, or another program, takes of the processors.
 */
const BUSY_SHARE = 0.6;

/** Guards are given ten seconds: a wait ends before that, with a reply that says why. */
const WAIT_MAX_MS = 8_000;

/** Connections that may wait; beyond it the network that has most of them gives one up. Protects memory. */
const WAITING_MAX = 1_024;

/** A connection that waits. */
interface Waiter {
  /** Its turn has come, or never will. */
  end(refusal?: Fault): void;
}

class Pace {
  readonly #clock: Clock;
  readonly #loopLoad: LoopLoad;
  readonly #waiting = new FairQueue<Waiter>();
  /** When the transfer of each session began, the oldest first. */
  readonly #transfers = new Map<string, number>();
  /** The moment from which on a transfer that has ended is over for good. */
  #betweenUntilMs = Number.NEGATIVE_INFINITY;
  /** When the last one was let in, by the clock and by the processor time of the thread. */
  #last = { ms: Number.NEGATIVE_INFINITY, cpuMs: 0 };

  constructor({ clock, loopLoad }: ArrivalPaceParts) {
    this.#clock = clock;
    this.#loopLoad = loopLoad;
  }

  transferBegan({ id }: Session): void {
    this.#transfers.set(id, this.#clock.monotonicMs());
  }

  transferEnded({ id }: Session): void {
    const beganMs = this.#transfers.get(id);
    if (beganMs === undefined) return;
    this.#transfers.delete(id);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - beganMs >= LONG_TRANSFER_MS) this.#betweenUntilMs = nowMs + BETWEEN_FILES_MS;
  }

  /** Resolves when a connection may go on. @throws Fault `Busy` when its turn does not come in time, or too many wait. */
  async admit({ peer }: Session): Promise<void> {
    if (this.#waiting.size > 0 || !this.#hasRoom()) await this.#turn(networkOf(peer.address));
    else this.#note();
  }

  #turn(network: string): Promise<void> {
    if (this.#waiting.size >= WAITING_MAX) this.#makeRoomFor(network);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(WAIT_MAX_MS, () => {
        this.#waiting.delete(network, waiter);
        waiter.end(new Fault('Busy'));
      });
      const waiter: Waiter = {
        end(refusal) {
          timer.cancel();
          if (refusal === undefined) resolve();
          else reject(refusal);
        },
      };
      this.#waiting.push(network, waiter);
      if (this.#waiting.size === 1) this.#next();
    });
  }

  #makeRoomFor(network: string): void {
    const youngest = this.#waiting.popOfMost(this.#waiting.countOf(network) + 1);
    if (youngest === undefined) throw new Fault('Busy');
    youngest.end(new Fault('Busy'));
  }

  /** Lets those that wait in, one after the other. */
  #next(): void {
    this.#clock.after(LOOK_MS, () => {
      if (this.#hasRoom()) {
        this.#note();
        this.#waiting.shift()?.end();
      }
      if (this.#waiting.size > 0) this.#next();
    });
  }

  #note(): void {
    this.#last = { ms: this.#clock.monotonicMs(), cpuMs: this.#loopLoad.cpuMs() };
  }

  /** Whether a newcomer takes nothing from transfers, or his turn has come all the same. */
  #hasRoom(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const [oldestMs = nowMs] = this.#transfers.values();
    if (nowMs - oldestMs < LONG_TRANSFER_MS && nowMs >= this.#betweenUntilMs) return true;
    if (nowMs - this.#last.ms >= PACE_MAX_MS || this.#loopLoad.cpuMs() - this.#last.cpuMs >= PACE_CPU_MS) return true;
    return this.#loopLoad.share() < BUSY_SHARE;
  }
}
