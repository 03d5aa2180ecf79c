/** Classes: which of the configuration's names for kinds of sessions fit a session at this moment (ProFTPD's classes). */
import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { isInNetwork, parseIpNetwork } from '../protocol/ip-network.ts';
import type { Session } from '../spi/session.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import type { ClassOptions } from './class-options.ts';
import { clocksIn, isInWindow, parseClockTime, parseDays } from './week-time.ts';

/** What of a session decides its classes; none of it needs a login. */
export type Classified = Pick<Session, 'peer' | 'controlTls' | 'host'>;

type Criterion = (session: Classified) => boolean;

/**
 * Makes the function that gives the names of all classes that a session belongs to, in the configuration's order. It
 * asks anew each time, since the time of day is part of the answer, and TLS and HOST may have come meanwhile.
 */
export function classesFrom(
  options: readonly ClassOptions[],
  clock: Pick<Clock, 'now'>,
): (session: Classified) => readonly string[] {
  const classes = options.map((one) => ({ name: one.name, satisfy: one.satisfy, criteria: criteriaOf(one, clock) }));
  return (session) =>
    classes
      .filter(({ criteria, satisfy }) => {
        const met = (criterion: Criterion) => criterion(session);
        return satisfy === 'all' ? criteria.every(met) : criteria.some(met);
      })
      .map(({ name }) => name);
}

function criteriaOf({ networks, tls, hosts, time }: ClassOptions, clock: Pick<Clock, 'now'>): readonly Criterion[] {
  const criteria: Criterion[] = [];
  if (networks !== undefined) {
    const parsed = networks.map((text) => parsedOnce(parseIpNetwork(text)));
    criteria.push(({ peer }) => parsed.some((network) => isInNetwork(peer.address, network)));
  }
  if (tls !== undefined) criteria.push(({ controlTls }) => controlTls !== undefined && isSuch(controlTls, tls));
  if (hosts !== undefined) criteria.push(({ host }) => host !== undefined && hosts.includes(host));
  if (time !== undefined) {
    const clocks = clocksIn(time.zone);
    const window = {
      days: new Set(time.days.flatMap((text) => parsedOnce(parseDays(text)))),
      fromMinute: parsedOnce(parseClockTime(time.from)),
      toMinute: parsedOnce(parseClockTime(time.to)),
    };
    criteria.push(() => isInWindow(clocks(clock.now()), window));
  }
  return criteria;
}

function isSuch(facts: TlsFacts, wanted: NonNullable<ClassOptions['tls']>): boolean {
  const { minVersion, clientCertificate, suites } = wanted;
  if (minVersion === 'TLSv1.3' && facts.version !== 'TLSv1.3') return false;
  if (clientCertificate !== undefined && clientCertificate !== (facts.clientCertificate !== undefined)) return false;
  return suites === undefined || suites.includes(facts.suite);
}

/** A part of the options as it is worked with. */
function parsedOnce<T>(parsed: T | undefined): T {
  assert(parsed !== undefined, 'classes were checked when they were read');
  return parsed;
}
