/** Versions of TLS, with their suites, groups and old flaws, by ClientHellos of our own. */
import type { CheckResult, OpenCheck } from '../check.ts';
import { suiteWeakness } from '../cipher-suites.ts';
import type { TlsVersion } from '../client-hello.ts';
import type { VersionFacts } from '../facts.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import { isPostQuantum, isWeakGroup } from '../key-groups.ts';
import { type ScannedVersion, scanVersion } from '../version-scan.ts';

const ALL_VERSIONS: readonly TlsVersion[] = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1', 'SSLv3'];
/** A prime below this can be broken in advance for everybody who uses it (Logjam, CVE-2015-4000; NIST SP 800-57). */
const PRIME_BITS_MIN = 2_048;

/**
 * `tls.versions`, `tls.suites`, `tls.suite-order`, `tls.groups`, `tls.post-quantum`, `tls.compression` and
 * `tls.safe-renegotiation`.
 */
export const tlsVersionsCheck: OpenCheck = {
  id: 'tls',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    // Two at a time: quick enough for a slow line, and few enough for servers that count connections.
    const modern = await Promise.all(
      ALL_VERSIONS.slice(0, 2).map((version) => scanVersion(context.target, context, version)),
    );
    const old = await Promise.all(
      ALL_VERSIONS.slice(2).map((version) => scanVersion(context.target, context, version)),
    );
    const scanned = [...modern, ...old];
    const accepted = scanned.filter((one) => one.accepted);
    if (accepted.length === 0) throw new Error('no version of TLS came to an answer');
    return {
      findings: [
        judgeVersions(accepted),
        judgeSuites(accepted),
        judgeOrder(accepted),
        judgeGroups(accepted),
        judgePostQuantum(accepted),
        judgeCompression(accepted),
        judgeSafeRenegotiation(accepted),
      ],
      facts: { versions: scanned.map(factsOf) },
    };
  },
};

function factsOf({ version, accepted, suites, suiteOrder, groups, primeBits }: ScannedVersion): VersionFacts {
  return { version, accepted, suites, suiteOrder, groups, primeBits };
}

function judgeVersions(accepted: readonly VersionFacts[]): Finding {
  const names = accepted.map(({ version }) => version);
  const list = names.join(', ');
  if (names.includes('SSLv3')) {
    return wrong('tls.versions', 'high', `SSL 3.0 is spoken (POODLE, CVE-2014-3566); in all ${list}.`, OLD_ADVICE);
  }
  if (names.some((name) => name === 'TLSv1' || name === 'TLSv1.1')) {
    return wrong('tls.versions', 'medium', `Versions that RFC 8996 forbids are spoken; in all ${list}.`, OLD_ADVICE);
  }
  if (!names.includes('TLSv1.3')) {
    return wrong(
      'tls.versions',
      'low',
      `TLS 1.3 is not spoken, only ${list}.`,
      'Update the server or its TLS library.',
    );
  }
  return fine('tls.versions', `Only versions that are safe today are spoken: ${list}.`);
}

const OLD_ADVICE = 'Set TLS 1.2 as the oldest version, once no partner needs the older ones.';

function judgeSuites(accepted: readonly VersionFacts[]): Finding {
  const suites = [...new Set(accepted.flatMap((one) => one.suites))];
  const of = (weakness: ReturnType<typeof suiteWeakness>) => suites.filter((name) => suiteWeakness(name) === weakness);
  const advice = 'Offer suites with ECDHE and AEAD (GCM or ChaCha20) alone.';
  const broken = of('broken');
  if (broken.length > 0) {
    return wrong('tls.suites', 'high', `Suites that protect nothing are accepted: ${few(broken)}.`, advice);
  }
  const weak = of('weak');
  if (weak.length > 0) {
    return wrong('tls.suites', 'medium', `Suites with 64-bit blocks are accepted (Sweet32): ${few(weak)}.`, advice);
  }
  const primes = accepted.flatMap(({ primeBits }) => primeBits ?? []);
  const smallest = Math.min(...primes);
  if (smallest < PRIME_BITS_MIN) {
    return wrong(
      'tls.suites',
      'medium',
      `Diffie-Hellman with a prime of ${smallest} bits is used (Logjam, CVE-2015-4000).`,
      'Use a prime of 2048 bits or more, or ECDHE alone.',
    );
  }
  const dated = of('dated');
  if (dated.length > 0) {
    return wrong(
      'tls.suites',
      'low',
      `Suites with CBC or without forward secrecy are accepted: ${few(dated)}.`,
      advice,
    );
  }
  return fine('tls.suites', `All ${suites.length} suites that are accepted have forward secrecy and AEAD.`);
}

/** The first three; a sentence is no list. */
function few(names: readonly string[]): string {
  const more = names.length - 3;
  return more > 0 ? `${names.slice(0, 3).join(', ')} and ${more} more` : names.join(', ');
}

function judgeOrder(accepted: readonly VersionFacts[]): Finding {
  const clients = accepted.filter(({ suiteOrder }) => suiteOrder === 'client');
  if (clients.length === 0) return fine('tls.suite-order', 'The server chooses the suite in its own order.');
  const list = clients.map(({ version }) => version).join(', ');
  const harmless = clients.every(({ suites }) => suites.every((name) => suiteWeakness(name) === undefined));
  const meaning = `The client's order of suites counts with ${list}.`;
  if (harmless) return noted('tls.suite-order', `${meaning.slice(0, -1)}, all of them good.`);
  return wrong(
    'tls.suite-order',
    'low',
    meaning,
    'Let the server choose, so that no client takes a weak suite for want of care.',
  );
}

function judgeGroups(accepted: readonly VersionFacts[]): Finding {
  const groups = [...new Set(accepted.flatMap((one) => one.groups))];
  const weak = groups.filter(isWeakGroup);
  if (weak.length > 0) {
    return wrong(
      'tls.groups',
      'medium',
      `Groups of less than 112 bits are accepted: ${few(weak)}.`,
      'Leave X25519, P-256 and P-384, with ML-KEM where it is known.',
    );
  }
  if (groups.length === 0) {
    return wrong('tls.groups', 'low', 'No group for elliptic-curve key exchange is accepted.', 'Switch ECDHE on.');
  }
  return fine('tls.groups', `Keys are agreed on in ${groups.join(', ')}.`);
}

function judgePostQuantum(accepted: readonly VersionFacts[]): Finding {
  const hybrid = accepted.flatMap((one) => one.groups).filter(isPostQuantum);
  if (hybrid.length > 0) {
    return fine(
      'tls.post-quantum',
      `What is recorded today stays secret from quantum computers, with ${[...new Set(hybrid)].join(', ')}.`,
    );
  }
  return noted(
    'tls.post-quantum',
    'What is recorded today can be read by a quantum computer of tomorrow: no group with ML-KEM is accepted.',
    'Offer X25519MLKEM768, with OpenSSL 3.5 or newer for example.',
  );
}

function judgeCompression(accepted: readonly ScannedVersion[]): Finding {
  if (!accepted.some(({ compression }) => compression)) {
    return fine('tls.compression', 'TLS compression is off.');
  }
  return wrong(
    'tls.compression',
    'medium',
    'TLS compression is on, and gives away what it compresses (CRIME, CVE-2012-4929).',
    'Switch TLS compression off.',
  );
}

function judgeSafeRenegotiation(accepted: readonly ScannedVersion[]): Finding {
  if (accepted.every(({ safeRenegotiation }) => safeRenegotiation)) {
    return fine('tls.safe-renegotiation', 'Nobody can splice bytes in front of a session by renegotiation (RFC 5746).');
  }
  return wrong(
    'tls.safe-renegotiation',
    'medium',
    'The server does not know safe renegotiation (RFC 5746), so bytes can be spliced in front of a session (CVE-2009-3555).',
    'Update its TLS library.',
  );
}
