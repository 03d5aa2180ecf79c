/**
 * The shared state of a gateway with several workers, where it is kept: what workers ask is decided at this one place, in the
 * order in which it comes in, so that limits hold exactly. What a worker held is given back when it is gone.
 */
import type { TotpLedger } from '../../auth/totp.ts';
import type { OwnNames } from '../../intake/doors/name-turns.ts';
import type { Promises } from '../../intake/policy/keeping.ts';
import type { QuotaBook } from '../../intake/policy/quota-book.ts';
import { assert } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Answers, Correspondent } from '../../lib/correspondent.ts';
import type { OwnCounts } from '../../modules/connection-limits.ts';
import type { LoginPlaces, LoginTry } from '../../modules/login-throttle.ts';
import type { TlsSightings } from '../../modules/tls-record-keeper.ts';
import type { AuditLog } from '../../spi/audit.ts';
import type { SessionSummary } from '../../spi/command.ts';
import { Fault } from '../../spi/fault.ts';
import type { Claim, OwnUploads } from '../../storage/staging-names.ts';
import type { OwnBuckets } from '../../transfer/buckets.ts';
import { AuditDesk } from './audit-desk.ts';
import { named, SAID } from './messages.ts';
import { PromiseSeat } from './promise-desk.ts';
import { QuotaSeat } from './quota-desk.ts';
import { type RateNews, RateSeat } from './rate-desk.ts';

/** What is shared. Whatever can be decided at once is: nothing that comes behind a question may overtake its answer. */
export interface StateDeskParts {
  readonly connections: OwnCounts;
  readonly logins: LoginPlaces;
  readonly codes: Pick<TotpLedger, 'use'>;
  readonly buckets: OwnBuckets;
  /** What the buckets tell of their rates. */
  readonly rateNews: RateNews;
  readonly uploads: OwnUploads;
  readonly names: OwnNames;
  readonly quotas: QuotaBook;
  /** The book of what has to be kept; nothing can be promised by default. */
  readonly promisesOf?: (() => Promises) | undefined;
  readonly audit: AuditLog | undefined;
  /** Where it is noted with what TLS clients come. */
  readonly sightings?: TlsSightings | undefined;
  readonly clock: Clock;
  /** The sessions of an account in all workers but the one that asks. */
  sessionsOf(account: string, asking: Correspondent): Promise<readonly SessionSummary[]>;
}

/** The desk. */
export class StateDesk {
  readonly #parts: StateDeskParts;
  readonly #audit: AuditDesk | undefined;
  readonly #quotas = new Set<QuotaSeat>();

  constructor(parts: StateDeskParts) {
    this.#parts = parts;
    this.#audit = parts.audit && new AuditDesk(parts.audit, parts.clock);
  }

  /**
   * Serves a worker from now on, until it is gone. What its uploads have taken, their names and their part of quotas, is theirs
   * until `settled`: what is recorded of them may still be published. By default nothing is left when it is gone.
   */
  attach(worker: Correspondent, settled: Promise<void> = Promise.resolve()): void {
    const seat = new Seat(this.#parts);
    const quotas = new QuotaSeat(this.#parts.quotas, worker);
    this.#quotas.add(quotas);
    const { promisesOf } = this.#parts;
    const promises = promisesOf && new PromiseSeat(promisesOf);
    worker.serve({
      ...seat.answers(),
      ...quotas.answers(),
      ...promises?.answers(),
      ...this.#audit?.answers(worker),
      ...answersOf(this.#parts.sightings),
      [named('sessionsOf')]: ({ argument }) => this.#parts.sessionsOf(SAID.sessionsOf.parse(argument).account, worker),
    });
    worker.onGone(() => {
      this.#quotas.delete(quotas);
      seat.end();
      // What is left is published by somebody else, who promises it himself.
      promises?.end();
      void settled.then(() => {
        seat.endUploads();
        quotas.end();
      });
    });
    this.#parts.rateNews.follow(worker, this.#parts.buckets);
    this.#audit?.follow(worker);
  }

  /** Tells workers that quotas have been met, so that what they change is followed. */
  quotasMet(): void {
    for (const quotas of this.#quotas) quotas.tellMet();
  }

  /** Tells workers nothing more; what they ask is answered as long as they are there. */
  end(): void {
    this.#audit?.end();
  }
}

/** Without a record, what is seen is seen and no more. */
function answersOf(sightings: TlsSightings | undefined): Answers {
  return {
    [named('tlsSeen')]: ({ argument }) => {
      const { account, behaviour, nowMs, network } = SAID.tlsSeen.parse(argument);
      if (network === undefined || behaviour.channel === 'data') sightings?.see(account, behaviour, nowMs);
      else sightings?.seeLogin(account, behaviour, { network, nowMs });
    },
    [named('tlsRefused')]: ({ argument }) => {
      const { network, why, nowMs } = SAID.tlsRefused.parse(argument);
      sightings?.refuse(network, why, nowMs);
    },
  };
}

/** What one worker has of the shared state. */
class Seat {
  readonly #parts: StateDeskParts;
  readonly #rates: RateSeat;
  /** The addresses of its sessions, by session. */
  readonly #sessions = new Map<string, string>();
  /** Its logins that are under way, by session. */
  readonly #logins = new Map<string, LoginTry>();
  readonly #claims = new Map<number, Claim>();
  readonly #names = new Map<number, () => void>();
  /** What it waits for: when it is let go of in front of its turn, it is not wanted any more. */
  readonly #wanted = new Set<number>();

  constructor(parts: StateDeskParts) {
    this.#parts = parts;
    this.#rates = new RateSeat(parts.buckets);
  }

  answers(): Answers {
    return { ...this.#aboutSessions(), ...this.#aboutRates(), ...this.#aboutHolds() };
  }

  /** Gives back everything but what its uploads have taken. */
  end(): void {
    for (const [session, address] of this.#sessions) this.#parts.connections.disconnect(session, address);
    this.#sessions.clear();
    for (const login of [...this.#logins.values()]) this.#settle(login, 'unproven');
    this.#rates.end();
    this.#wanted.clear();
    for (const hold of [...this.#claims.keys()]) this.#release(hold);
  }

  /** Gives back the names under which it was publishing. */
  endUploads(): void {
    for (const hold of [...this.#names.keys()]) this.#release(hold);
  }

  #aboutSessions(): Answers {
    const { connections, codes } = this.#parts;
    return {
      [named('connect')]: ({ argument }) => {
        const { session, address } = SAID.connect.parse(argument);
        connections.connect(session, address);
        this.#sessions.set(session, address);
      },
      [named('logIn')]: ({ argument }) => {
        const { session, account } = SAID.logIn.parse(argument);
        // Gone in the meantime: nobody would count it down again.
        if (!this.#sessions.has(session)) throw new Fault('TooManyConnections');
        connections.logIn(session, account);
      },
      [named('disconnect')]: ({ argument }) => {
        const { session } = SAID.disconnect.parse(argument);
        const address = this.#sessions.get(session);
        if (address !== undefined) connections.disconnect(session, address);
        this.#sessions.delete(session);
      },
      [named('admit')]: ({ argument }) => {
        const login = SAID.admit.parse(argument);
        this.#logins.set(login.session, login);
        return this.#parts.logins.admit(login);
      },
      [named('settle')]: ({ argument }) => {
        const { login, end } = SAID.settle.parse(argument);
        this.#settle(login, end);
      },
      [named('useCode')]: ({ argument }) => {
        const { user, step, sent } = SAID.useCode.parse(argument);
        return codes.use({ user, step: step ?? undefined, sent }) ?? null;
      },
    };
  }

  #settle(login: LoginTry, end: 'succeeded' | 'failed' | 'unproven'): void {
    this.#logins.delete(login.session);
    this.#parts.logins.settle(login, end);
  }

  #aboutRates(): Answers {
    return {
      [named('rate')]: ({ argument }) => {
        const { key, rate } = SAID.rate.parse(argument);
        this.#rates.say(key, rate ?? undefined);
      },
      [named('leaveRate')]: ({ argument }) => this.#rates.leave(SAID.leaveRate.parse(argument).key),
      [named('take')]: ({ argument, signal }) => {
        const { key, bytes } = SAID.take.parse(argument);
        return this.#rates.take(key, bytes, signal);
      },
    };
  }

  #aboutHolds(): Answers {
    const { uploads, names } = this.#parts;
    return {
      [named('claim')]: ({ argument }) => {
        const { hold, directory, names: staging } = SAID.claim.parse(argument);
        const claim = uploads.claim(directory, staging);
        this.#claims.set(hold, claim);
        return { name: claim.name, first: claim.first };
      },
      [named('alone')]: ({ argument }) => {
        const claim = this.#claims.get(SAID.alone.parse(argument).hold);
        assert(claim !== undefined, 'who asks whether it is alone has a claim');
        return claim.alone();
      },
      [named('isActive')]: ({ argument }) => {
        const { directory, names: staging } = SAID.isActive.parse(argument);
        return uploads.isActive(directory, staging);
      },
      [named('isBusy')]: ({ argument }) => uploads.isBusy(SAID.isBusy.parse(argument).directory),
      [named('takeName')]: ({ argument }) => {
        const { hold, key } = SAID.takeName.parse(argument);
        const release = names.take(key);
        if (release !== undefined) this.#names.set(hold, release);
        return release !== undefined;
      },
      [named('turn')]: async ({ argument }) => {
        const { hold, key } = SAID.turn.parse(argument);
        this.#wanted.add(hold);
        const release = await names.turn(key);
        if (this.#wanted.delete(hold)) this.#names.set(hold, release);
        else release();
      },
      [named('release')]: ({ argument }) => this.#release(SAID.release.parse(argument).hold),
    };
  }

  #release(hold: number): void {
    const claim = this.#claims.get(hold);
    const name = this.#names.get(hold);
    this.#wanted.delete(hold);
    this.#claims.delete(hold);
    this.#names.delete(hold);
    claim?.release();
    name?.();
  }
}
