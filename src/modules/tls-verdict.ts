/**
 * What a stricter policy of TLS would do to each account, by what its clients were seen to do. Pure: a record and a policy
 * in, verdicts with their evidence out. Each behaviour that was seen would be refused, let in, or is in doubt; to refuse
 * more can only make a verdict worse.
 */
import type { Requirement } from '../spi/authenticator.ts';
import { isPostQuantum } from '../transport/tls-profiles.ts';
import type { AccountSeen, Behaviour, ControlBehaviour, DataBehaviour, Times, TlsRecordData } from './tls-record.ts';

/** A policy to be tried; what is left out is not looked at. It is taken to hold for everybody, whatever accounts say. */
export interface TriedPolicy {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** IANA names of the cipher suites that are left. */
  readonly suites?: readonly string[];
  /** IANA names of the groups that are left. */
  readonly groups?: readonly string[];
  readonly tlsControlRequired?: boolean;
  readonly tlsDataRequired?: boolean;
  readonly sessionReuse?: Requirement;
  readonly closeNotify?: Requirement;
  readonly postQuantum?: Requirement;
  readonly clientCertificate?: 'off' | 'optional' | 'required';
}

/** An option that can be tried. */
export type TriedOption = keyof TriedPolicy;

/**
 * From the best to the worst. `unknown`: nothing was seen that tells. `might`: some of what was seen would be refused, or
 * it is in doubt. `breaks`: every login that was seen would be, or everything on the data channel.
 */
export const VERDICTS = ['fine', 'unknown', 'might', 'breaks'] as const;

/** What becomes of an account. */
export type Verdict = (typeof VERDICTS)[number];

/** Whether what was seen would be let in, refused, or one cannot know. */
export type Fate = 'let_in' | 'in_doubt' | 'refused';

/** What a verdict stands on. */
export interface Evidence extends Times {
  readonly fate: Fate;
  /** What was seen, in a few words: `TLSv1.2`, `ended without close_notify`. */
  readonly what: string;
  /** What was counted. */
  readonly unit: 'login' | 'transfer' | 'upload' | 'attempt';
  /** What the client says it is. */
  readonly client: string | undefined;
}

/** One account under one option. */
export interface Finding {
  readonly account: string;
  readonly verdict: Verdict;
  /** The worst first. */
  readonly evidence: readonly Evidence[];
  /** When the account was last seen at all; undefined when it never was. */
  readonly lastMs: number | undefined;
  /** Behaviours that the record had no room for: the evidence is not all that there was. */
  readonly dropped: number;
}

/** One option for every account. */
export interface OptionOutcome {
  readonly option: TriedOption;
  readonly findings: readonly Finding[];
}

/** What is asked besides the policy. */
export interface Asked {
  /** Accounts that there are; those that were never seen are unknown. */
  readonly accounts: readonly string[];
  /** What was last seen before then says nothing any more. Milliseconds since 1970 (UTC). */
  readonly sinceMs: number;
  /** Whether the gateway offers post-quantum groups: where it does not, who came without one may know them. */
  readonly hybridsOffered: boolean;
}

/** Tries a policy on a record: each of its options for each account, accounts in the order of their names. */
export function tryPolicy(record: TlsRecordData, policy: TriedPolicy, asked: Asked): OptionOutcome[] {
  const { accounts, sinceMs } = asked;
  const seen = new Map(record.accounts.map((account) => [account.name, account]));
  const names = [...new Set([...accounts, ...seen.keys()])].sort();
  return judgesOf(policy, asked).map(([option, judge]) => ({
    option,
    findings: names.map((name) => findingOf(name, seen.get(name), { judge, sinceMs })),
  }));
}

/** The verdict on each account over all options: the worst. */
export function worstVerdicts(outcomes: readonly OptionOutcome[]): ReadonlyMap<string, Verdict> {
  const worst = new Map<string, Verdict>();
  for (const { account, verdict } of outcomes.flatMap(({ findings }) => findings)) {
    worst.set(account, worse(worst.get(account) ?? 'fine', verdict));
  }
  return worst;
}

/** What one option makes of one behaviour; undefined when that says nothing about it. */
type Judge = (behaviour: Behaviour) => Pick<Evidence, 'fate' | 'what'> | undefined;

/** The options of a policy that are given, each with its judge. One that refuses nobody lets everything in. */
function judgesOf(policy: TriedPolicy, { hybridsOffered }: Asked): (readonly [TriedOption, Judge])[] {
  const { minVersion, suites, groups, tlsControlRequired, tlsDataRequired } = policy;
  const { sessionReuse, closeNotify, postQuantum, clientCertificate } = policy;
  const strict = (required: boolean, judge: Judge): Judge => (required ? judge : () => UNTOUCHED);
  const judges: { readonly [Option in TriedOption]: Judge | undefined } = {
    minVersion: minVersion && ((behaviour) => versionFate(behaviour, minVersion)),
    suites: suites && ((behaviour) => suiteFate(behaviour, suites)),
    groups: groups && onControl((behaviour) => groupFate(behaviour, groups)),
    tlsControlRequired: tlsControlRequired === undefined ? undefined : strict(tlsControlRequired, onControl(clearFate)),
    tlsDataRequired: tlsDataRequired === undefined ? undefined : strict(tlsDataRequired, onData(protectionFate)),
    sessionReuse: sessionReuse && strict(sessionReuse === 'required', onOpened(reuseFate)),
    closeNotify: closeNotify && strict(closeNotify === 'required', onOpened(closeNotifyFate)),
    postQuantum:
      postQuantum && strict(postQuantum === 'required', (behaviour) => hybridFate(behaviour, hybridsOffered)),
    clientCertificate: clientCertificate && strict(clientCertificate === 'required', certificateFate),
  };
  return OPTIONS.flatMap((option) => {
    const judge = judges[option];
    return judge === undefined ? [] : [[option, judge] as const];
  });
}

/** In the order in which they are shown. */
const OPTIONS = [
  'minVersion',
  'suites',
  'groups',
  'postQuantum',
  'clientCertificate',
  'tlsControlRequired',
  'tlsDataRequired',
  'sessionReuse',
  'closeNotify',
] as const satisfies readonly TriedOption[];

const UNTOUCHED = { fate: 'let_in', what: 'seen; this setting refuses nobody' } as const;

function onControl(judge: (behaviour: ControlBehaviour) => ReturnType<Judge>): Judge {
  return (behaviour) => (behaviour.channel === 'control' ? judge(behaviour) : undefined);
}

function onData(judge: (behaviour: DataBehaviour) => ReturnType<Judge>): Judge {
  return (behaviour) => (behaviour.channel === 'data' ? judge(behaviour) : undefined);
}

/** What was refused because it was in clear never came to the point that is asked about. */
function onOpened(judge: (behaviour: DataBehaviour) => ReturnType<Judge>): Judge {
  return onData((behaviour) => (behaviour.refused === 'protection' ? undefined : judge(behaviour)));
}

/** The highest version that both know is negotiated: who came with TLS 1.2 has no TLS 1.3. */
function versionFate({ channel, version }: Behaviour, minVersion: string): ReturnType<Judge> {
  if (version === undefined || (version === 'none' && channel === 'data')) return undefined;
  if (version === 'none') return { fate: 'let_in', what: 'in clear' };
  return { fate: version >= minVersion ? 'let_in' : 'refused', what: version };
}

/** A client may know other suites than the one that was chosen; but none of a version that it did not choose. */
function suiteFate({ channel, version, suite }: Behaviour, suites: readonly string[]): ReturnType<Judge> {
  if (version === 'none' && channel === 'control') return { fate: 'let_in', what: 'in clear' };
  if (suite === undefined) return undefined;
  if (suites.includes(suite)) return { fate: 'let_in', what: suite };
  // Who has TLS 1.3 may go back to 1.2; who came with 1.2 has nothing else.
  const left = version === 'TLSv1.2' ? suites.filter((name) => !isTls13(name)) : suites;
  return { fate: left.length > 0 ? 'in_doubt' : 'refused', what: suite };
}

/** Names of suites of TLS 1.3 tell of no key exchange (RFC 8446 section B.4). */
function isTls13(suite: string): boolean {
  return !suite.includes('_WITH_');
}

function clearFate({ version }: ControlBehaviour): ReturnType<Judge> {
  return version === 'none' ? { fate: 'refused', what: 'in clear' } : { fate: 'let_in', what: version };
}

function protectionFate({ version, refused }: DataBehaviour): ReturnType<Judge> {
  if (refused === 'protection') return { fate: 'refused', what: 'without PROT P, answered 521' };
  if (version === undefined) return undefined;
  return version === 'none' ? { fate: 'refused', what: 'in clear' } : { fate: 'let_in', what: 'protected' };
}

function reuseFate({ version, resumed, refused }: DataBehaviour): ReturnType<Judge> {
  if (refused === 'session_reuse') return { fate: 'refused', what: 'not resumed, answered 522' };
  // Who resumes has the certificate in the session; one that does not help is of a session that others have, too.
  if (refused === 'certificate')
    return { fate: 'refused', what: 'neither resumed nor with the certificate, answered 522' };
  if (version === 'none') return { fate: 'let_in', what: 'in clear' };
  if (resumed === undefined) return undefined;
  return resumed ? { fate: 'let_in', what: 'resumed' } : { fate: 'refused', what: 'not resumed' };
}

function closeNotifyFate({ use, version, closeNotify, refused }: DataBehaviour): ReturnType<Judge> {
  if (refused === 'close_notify') return { fate: 'refused', what: 'ended without close_notify, answered 426' };
  if (use !== 'upload') return undefined;
  if (version === 'none') return { fate: 'let_in', what: 'in clear' };
  if (closeNotify === undefined) return undefined;
  return closeNotify
    ? { fate: 'let_in', what: 'ended with close_notify' }
    : { fate: 'refused', what: 'ended without close_notify' };
}

/** As with suites, a client may know other groups than the one that was chosen. */
function groupFate({ version, group }: ControlBehaviour, groups: readonly string[]): ReturnType<Judge> {
  if (version === 'none') return { fate: 'let_in', what: 'in clear' };
  if (group === undefined) return undefined;
  const isLeft = groups.some((name) => name.toLowerCase() === group.toLowerCase());
  if (isLeft) return { fate: 'let_in', what: group };
  return { fate: groups.length > 0 ? 'in_doubt' : 'refused', what: group };
}

/**
 * Hybrid groups exist in TLS 1.3 alone, and where they are offered a client that knows one gets it. They are asked of each
 * handshake by itself, and of what is in clear as well: there are no keys that would last.
 */
function hybridFate(behaviour: Behaviour, hybridsOffered: boolean): ReturnType<Judge> {
  const { version, group, refused } = behaviour;
  if (version === 'none') return { fate: 'refused', what: 'in clear' };
  if (refused === 'post_quantum') {
    return {
      fate: 'refused',
      what: `${group ?? version ?? 'TLS'}, answered ${behaviour.channel === 'data' ? 522 : 530}`,
    };
  }
  if (version === 'TLSv1.2') return { fate: 'refused', what: version };
  if (group === undefined) return undefined;
  if (isPostQuantum(group)) return { fate: 'let_in', what: group };
  return hybridsOffered ? { fate: 'refused', what: group } : undefined;
}

/**
 * Who was not asked for a certificate has shown nothing by showing none. A data connection says something only where the client
 * had shown one on the control channel.
 */
function certificateFate(behaviour: Behaviour): ReturnType<Judge> {
  if (behaviour.channel === 'data') {
    if (behaviour.refused === 'certificate')
      return { fate: 'refused', what: 'data without the certificate, answered 522' };
    return behaviour.certificate === 'same' ? { fate: 'let_in', what: 'data with the certificate' } : undefined;
  }
  const { version, certificate, refused } = behaviour;
  if (refused === 'certificate' && certificate !== 'not_asked')
    return { fate: 'refused', what: 'without the certificate of the account, answered 530' };
  if (version === 'none') return { fate: 'refused', what: 'in clear' };
  if (certificate === 'not_asked') return undefined;
  return certificate === 'trusted'
    ? { fate: 'let_in', what: 'with a certificate' }
    : { fate: 'refused', what: 'without a certificate that counts' };
}

function findingOf(
  name: string,
  account: AccountSeen | undefined,
  { judge, sinceMs }: { readonly judge: Judge; readonly sinceMs: number },
): Finding {
  const behaviours = account?.behaviours ?? [];
  const evidence = new Map<string, Evidence>();
  for (const { behaviour, count, firstMs, lastMs } of behaviours) {
    const judged = lastMs < sinceMs ? undefined : judge(behaviour);
    if (judged === undefined) continue;
    const { client } = behaviour;
    const unit = unitOf(behaviour);
    const key = JSON.stringify([judged.fate, judged.what, unit, client]);
    const before = evidence.get(key) ?? { count: 0, firstMs, lastMs };
    evidence.set(key, {
      ...judged,
      unit,
      client,
      count: before.count + count,
      firstMs: Math.min(before.firstMs, firstMs),
      lastMs: Math.max(before.lastMs, lastMs),
    });
  }
  const found = [...evidence.values()].sort(byWeight);
  const lastMs = behaviours.length === 0 ? undefined : Math.max(...behaviours.map((seen) => seen.lastMs));
  return { account: name, verdict: verdictOf(found), evidence: found, lastMs, dropped: account?.dropped ?? 0 };
}

/** The worst first, then logins before transfers, then what was seen last. */
function byWeight(a: Evidence, b: Evidence): number {
  const fates = FATES.indexOf(b.fate) - FATES.indexOf(a.fate);
  const logins = Number(b.unit === 'login') - Number(a.unit === 'login');
  return fates || logins || b.lastMs - a.lastMs;
}

const FATES: readonly Fate[] = ['let_in', 'in_doubt', 'refused'];

/** The worse of the two channels: who logs in and can then transfer nothing has no use for that. */
function verdictOf(evidence: readonly Evidence[]): Verdict {
  const channels = Map.groupBy(evidence, ({ unit }) => unit === 'login').values();
  const verdicts = [...channels].map((channel): Verdict => {
    if (channel.every(({ fate }) => fate === 'let_in')) return 'fine';
    return channel.every(({ fate }) => fate === 'refused') ? 'breaks' : 'might';
  });
  return verdicts.length === 0 ? 'unknown' : verdicts.reduce(worse);
}

function worse(one: Verdict, other: Verdict): Verdict {
  return VERDICTS.indexOf(one) > VERDICTS.indexOf(other) ? one : other;
}

function unitOf(behaviour: Behaviour): Evidence['unit'] {
  if (behaviour.channel === 'control') return 'login';
  if (behaviour.use === undefined) return 'attempt';
  return behaviour.use === 'upload' ? 'upload' : 'transfer';
}
