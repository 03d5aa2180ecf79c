/** What all sessions of a gateway share, as one of its workers sees it: the process above has it, and decides. */
import { type CodeLedger, type CodeRefusal, judgedCode } from '../../auth/totp.ts';
import type { NameClaims } from '../../intake/doors/name-turns.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Correspondent } from '../../lib/correspondent.ts';
import type { ConnectionCounts } from '../../modules/connection-limits.ts';
import type { LoginPlaces } from '../../modules/login-throttle.ts';
import type { TlsSightings } from '../../modules/tls-record-keeper.ts';
import { Fault } from '../../spi/fault.ts';
import type { Claim, LiveUploads, StagingNames } from '../../storage/staging-names.ts';
import type { SharedState } from '../shared-state.ts';
import { asked } from './asked.ts';
import { ANSWERED, named } from './messages.ts';
import { RemoteAudit } from './remote-audit.ts';
import { RemoteBuckets } from './remote-buckets.ts';
import { RemotePromises } from './remote-promises.ts';
import { RemoteQuotas } from './remote-quotas.ts';

/** What a worker's part of the state is made with. */
export interface RemoteStateParts {
  readonly above: Correspondent;
  readonly clock: Clock;
  /** Whether there is an audit log. */
  readonly audited: boolean;
  /** Whether anything may be promised to be kept. */
  readonly retained?: boolean;
}

/** Makes it. Whatever cannot be asked is refused: limits that nobody can check hold. */
export function remoteState({ above, clock, audited, retained = false }: RemoteStateParts): SharedState {
  const holds = new Holds(above);
  return {
    connections: remoteCounts(above),
    logins: remoteLogins(above),
    codes: remoteCodes(above, clock),
    buckets: new RemoteBuckets(above, clock),
    uploads: remoteUploads(above, holds),
    names: remoteNames(holds),
    quotas: new RemoteQuotas(above),
    promises: retained ? new RemotePromises(above) : undefined,
    sessions: {
      async of(account) {
        const sessions = ANSWERED.sessionsOf.parse(await asked(above.ask(named('sessionsOf'), { account })));
        return sessions.map((session) => ({ ...session, transfer: session.transfer }));
      },
    },
    sightings: remoteSightings(above),
    audit: audited ? new RemoteAudit(above) : undefined,
  };
}

function remoteCounts(above: Correspondent): ConnectionCounts {
  const disconnect = (session: string) => above.tell(named('disconnect'), { session });
  return {
    async connect(session, address) {
      try {
        await asked(above.ask(named('connect'), { session, address }));
      } catch (error) {
        // Nobody answered, and it may have been counted all the same.
        if (error instanceof Fault && error.kind === 'Busy') disconnect(session);
        throw error;
      }
    },
    logIn: async (session, account) => void (await asked(above.ask(named('logIn'), { session, account }))),
    disconnect,
  };
}

function remoteLogins(above: Correspondent): LoginPlaces {
  return {
    async admit(login) {
      try {
        // Waiting for a place has its bound where the places are.
        await asked(above.ask(named('admit'), login));
      } catch (error) {
        if (error instanceof Fault && error.kind === 'Busy') {
          above.tell(named('settle'), { login, end: 'unproven' });
        }
        throw error;
      }
    },
    settle: (login, end) => above.tell(named('settle'), { login, end }),
  };
}

function remoteCodes(above: Correspondent, clock: Clock): CodeLedger {
  return {
    async spend(user, secret, code): Promise<CodeRefusal> {
      // The secret stays where it is.
      const judged = judgedCode(user, secret, code, clock.now());
      const answer = await asked(above.ask(named('useCode'), { ...judged, step: judged.step ?? null }));
      return ANSWERED.useCode.parse(answer) ?? undefined;
    },
  };
}

/** What this worker holds above, by numbers of its own: so it can be let go of also when nobody said that it was got. */
class Holds {
  readonly #above: Correspondent;
  #last = 0;

  constructor(above: Correspondent) {
    this.#above = above;
  }

  /** Asks for something to hold, and gives the answer with what lets it go. @throws as `asked`; then nothing is held. */
  async ask(
    name: 'claim' | 'takeName' | 'turn',
    about: object,
    waitMaxMs?: 'long',
  ): Promise<{ readonly answer: unknown; readonly hold: number; release(): void }> {
    this.#last += 1;
    const hold = this.#last;
    const release = () => this.#above.tell(named('release'), { hold });
    try {
      const answer = await asked(this.#above.ask(named(name), { hold, ...about }, { waitMaxMs }));
      return { answer, hold, release };
    } catch (error) {
      release();
      throw error;
    }
  }
}

function remoteUploads(above: Correspondent, holds: Holds): LiveUploads {
  const yes = async (name: 'alone' | 'isActive' | 'isBusy', about: object) =>
    ANSWERED.yes.parse(await asked(above.ask(named(name), about)));
  const staging = (directory: string, { active, partial }: StagingNames) => ({ directory, names: { active, partial } });
  return {
    async claim(directory, names): Promise<Claim> {
      const { answer, hold, release } = await holds.ask('claim', staging(directory, names));
      const { name, first } = ANSWERED.claim.parse(answer);
      return { name, first, alone: () => yes('alone', { hold }), release };
    },
    isActive: (directory, names) => yes('isActive', staging(directory, names)),
    isBusy: (directory) => yes('isBusy', { directory }),
  };
}

function remoteNames(holds: Holds): NameClaims {
  return {
    async take(key) {
      const { answer, release } = await holds.ask('takeName', { key });
      return ANSWERED.yes.parse(answer) ? release : undefined;
    },
    async turn(key) {
      // As long as whoever has the name publishes.
      const { release } = await holds.ask('turn', { key }, 'long');
      return release;
    },
  };
}

function remoteSightings(above: Correspondent): TlsSightings {
  return {
    see: (account, behaviour, nowMs) => above.tell(named('tlsSeen'), { account, behaviour, nowMs }),
    seeLogin: (account, behaviour, place) => above.tell(named('tlsSeen'), { account, behaviour, ...place }),
    refuse: (network, why, nowMs) => above.tell(named('tlsRefused'), { network, why, nowMs }),
  };
}
