/** One version of TLS, asked through: suites, their order, groups, primes. */
import { CLASSIC_SUITES, MODERN_SUITES, suiteName } from './cipher-suites.ts';
import type { TlsVersion } from './client-hello.ts';
import type { VersionFacts } from './facts.ts';
import { exchangeHello, type Offer, takenOneByOne } from './hello-exchange.ts';
import { GROUPS, groupName } from './key-groups.ts';
import type { ProbeBounds } from './probe-client.ts';
import type { ServerAnswer } from './server-answer.ts';
import type { ProbeTarget } from './target.ts';

type Hello = Extract<ServerAnswer, { kind: 'hello' }>;

/** What was found out about one version, and what the checks of details make of it. */
export interface ScannedVersion extends VersionFacts {
  /** Whether DEFLATE was taken. */
  readonly compression: boolean;
  /** Whether the safe form of renegotiation is known; it does not exist in TLS 1.3. */
  readonly safeRenegotiation: boolean;
}

/** Asks for everything in one version. @throws as `exchangeHello` does. */
export async function scanVersion(
  target: ProbeTarget,
  bounds: ProbeBounds,
  version: TlsVersion,
): Promise<ScannedVersion> {
  const candidates = [...(version === 'TLSv1.3' ? MODERN_SUITES : CLASSIC_SUITES).keys()];
  const groups = [...GROUPS.keys()];
  const ask = async (offer: Omit<Offer, 'version'>): Promise<Hello | undefined> => {
    const answer = await exchangeHello(target, bounds, { ...offer, version });
    return answer.kind === 'hello' && answer.version === version ? answer : undefined;
  };

  let primeBits: number | undefined;
  const suites = await takenOneByOne(candidates, async (offered) => {
    const hello = await ask({ suites: offered, groups });
    if (hello?.primeBits !== undefined) primeBits = Math.min(primeBits ?? hello.primeBits, hello.primeBits);
    return hello?.suite;
  });
  if (suites.length === 0) return notAccepted(version);

  const withGroups = version === 'TLSv1.3' ? suites : suites.filter((suite) => suiteName(suite).includes('_ECDH'));
  const takenGroups =
    withGroups.length === 0 || version === 'SSLv3'
      ? []
      : await takenOneByOne(groups, async (offered) => (await ask({ suites: withGroups, groups: offered }))?.group);
  const compressed = version === 'TLSv1.3' ? undefined : await ask({ suites, groups, compression: true });
  return {
    version,
    accepted: true,
    suites: suites.map(suiteName),
    suiteOrder: await suiteOrder(suites, async (offered) => (await ask({ suites: offered, groups }))?.suite),
    groups: takenGroups.map(groupName),
    primeBits,
    compression: compressed?.compression ?? false,
    safeRenegotiation: compressed?.safeRenegotiation ?? true,
  };
}

function notAccepted(version: TlsVersion): ScannedVersion {
  return {
    version,
    accepted: false,
    suites: [],
    suiteOrder: undefined,
    groups: [],
    primeBits: undefined,
    compression: false,
    safeRenegotiation: true,
  };
}

/** Whose order counts: the server's when it chooses the same of two, whichever comes first. */
async function suiteOrder(
  suites: readonly number[],
  choice: (offered: readonly number[]) => Promise<number | undefined>,
): Promise<'server' | 'client' | undefined> {
  const [best, ...others] = suites;
  const worst = others.at(-1);
  if (best === undefined || worst === undefined) return undefined;
  return (await choice([worst, best])) === best ? 'server' : 'client';
}
