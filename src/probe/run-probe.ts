/** A whole probe: every check in its turn, within one bound of time, and what they have come to. */
import { lookup } from 'node:dns/promises';
import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { deadline } from '../lib/deadline.ts';
import { printable } from '../lib/printable.ts';
import type { Check, CheckResult, ProbeContext } from './check.ts';
import { activeCheck } from './checks/active.ts';
import { applicationProtocolCheck } from './checks/application-protocol.ts';
import { authInjectionCheck } from './checks/auth-injection.ts';
import { certificateCheck } from './checks/certificate.ts';
import { clearLoginCheck } from './checks/clear-login.ts';
import { closeNotifyCheck } from './checks/close-notify.ts';
import { dataProtectionCheck } from './checks/data-protection.ts';
import { featuresCheck } from './checks/features.ts';
import { greetingCheck } from './checks/greeting.ts';
import { httpRequestCheck } from './checks/http-request.ts';
import { loginCheck } from './checks/login.ts';
import { passiveCheck } from './checks/passive.ts';
import { protectionOrderCheck } from './checks/protection-order.ts';
import { renegotiationCheck } from './checks/renegotiation.ts';
import { serverNameCheck } from './checks/server-name.ts';
import { sessionReuseCheck } from './checks/session-reuse.ts';
import { tlsVersionsCheck } from './checks/tls-versions.ts';
import { uploadCheck } from './checks/upload.ts';
import type { ProbeFacts } from './facts.ts';
import { type Finding, fine, type Skipped, wrong } from './finding.ts';
import { Logins, type LoginWay, type ProbeCredentials } from './logins.ts';
import { connectSocket, type ProbeBounds, ProbeClient } from './probe-client.ts';
import type { ProbeTarget } from './target.ts';

/** What is asked for. */
export interface ProbeRequest extends Omit<ProbeTarget, 'address'>, Omit<LoginWay, 'credentials'> {
  /** For all checks together, in milliseconds. */
  readonly timeoutMs: number;
  readonly credentials: ProbeCredentials | undefined;
  /** Leave to upload a file of its own, and to delete it. */
  readonly write: boolean;
}

/** What a probe has come to. */
export interface ProbeReport {
  readonly target: Pick<ProbeTarget, 'host' | 'port' | 'address' | 'mode' | 'serverName'>;
  /** When it began, in milliseconds since 1970, and how long it took. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly facts: ProbeFacts;
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
  /** Whether every check that was asked for came to an answer. */
  readonly complete: boolean;
}

/** The server cannot be reached, or is no FTP server. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The longest that one check may take: a server that is silent to one question may answer the others. */
const CHECK_MS = 25_000;

/** Every check, in its order: what is open to anybody first. */
export const CHECKS: readonly Check[] = [
  greetingCheck,
  clearLoginCheck,
  tlsVersionsCheck,
  certificateCheck,
  authInjectionCheck,
  protectionOrderCheck,
  renegotiationCheck,
  applicationProtocolCheck,
  serverNameCheck,
  httpRequestCheck,
  featuresCheck,
  loginCheck,
  sessionReuseCheck,
  dataProtectionCheck,
  closeNotifyCheck,
  passiveCheck,
  activeCheck,
  uploadCheck,
];

/**
 * Probes a server.
 *
 * @param onCheck hears of each check when it begins.
 * @throws Unreachable when there is no FTP server to be probed.
 */
export async function runProbe(
  request: ProbeRequest,
  clock: Clock,
  onCheck: (id: string) => void = () => undefined,
): Promise<ProbeReport> {
  const startedMs = clock.now();
  const beginMs = clock.monotonicMs();
  using late = deadline(clock, request.timeoutMs, new AbortController().signal);
  const bounds: ProbeBounds = { clock, signal: late.signal };
  const target = await reach(request, bounds);
  const offered = await judgeOffer(target, bounds);

  const findings: Finding[] = [offered];
  const skipped: Skipped[] = [];
  const { credentials } = request;
  using logins = credentials === undefined ? undefined : new Logins(target, { ...request, credentials });
  let facts: ProbeFacts = {};
  let noLogin: string | undefined;
  for (const check of CHECKS) {
    const reason = whyNotAsked(check, request, offered);
    const refusal = check.needs === 'login' || check.needs === 'write' ? noLogin : undefined;
    if (reason !== undefined || refusal !== undefined) {
      skipped.push({
        id: check.id,
        why: reason === undefined ? 'failed' : 'notAsked',
        reason: reason ?? refusal ?? '',
      });
      continue;
    }
    onCheck(check.id);
    try {
      const result = await runCheck(check, { ...bounds, target, facts }, logins);
      findings.push(...result.findings);
      facts = { ...facts, ...result.facts };
    } catch (error) {
      const why = late.signal.aborted ? `out of time after ${request.timeoutMs / 1_000} s` : messageOf(error);
      if (check === loginCheck) noLogin = `no login: ${why}`;
      skipped.push({ id: check.id, why: 'failed', reason: why });
    }
  }
  const { host, port, address, mode, serverName } = target;
  return {
    target: { host, port, address, mode, serverName },
    startedMs,
    durationMs: Math.round(clock.monotonicMs() - beginMs),
    facts,
    findings: findings.map(shown),
    skipped: skipped.map((one) => ({ ...one, reason: printable(one.reason) })),
    complete: skipped.every(({ why }) => why === 'notAsked'),
  };
}

/** Runs one check within its own bound. */
async function runCheck(check: Check, context: ProbeContext, logins: Logins | undefined): Promise<CheckResult> {
  context.signal.throwIfAborted();
  using late = deadline(context.clock, CHECK_MS, context.signal);
  const bounded = { ...context, signal: late.signal };
  if (check.needs === 'nothing' || check.needs === 'explicit') return await check.run(bounded);
  assert(logins !== undefined, 'checks that log in are asked only with an account');
  return await check.run({ ...bounded, logins });
}

function whyNotAsked({ id, needs }: Check, request: ProbeRequest, offered: Finding): string | undefined {
  if (offered.severity !== 'ok' && id !== greetingCheck.id && id !== clearLoginCheck.id)
    return 'the server offers no TLS';
  switch (needs) {
    case 'nothing':
      return undefined;
    case 'explicit':
      return request.mode === 'implicit' ? 'TLS begins with the connection (implicit)' : undefined;
    case 'login':
      return request.credentials === undefined ? 'no account was given (--user)' : undefined;
    case 'write':
      if (request.credentials === undefined) return 'no account was given (--user)';
      return request.write ? undefined : 'it writes, which was not allowed (--write)';
    default:
      return needs;
  }
}

/** Looks the host up and finds an address of it that answers. */
async function reach(request: ProbeRequest, bounds: ProbeBounds): Promise<ProbeTarget> {
  const { host, port, mode, serverName, ca } = request;
  const addresses = await lookup(host, { all: true, order: 'verbatim' }).catch((error: unknown) => {
    throw new Unreachable(`${host} cannot be looked up: ${messageOf(error)}`, { cause: error });
  });
  let last: unknown;
  for (const { address } of addresses) {
    try {
      const socket = await connectSocket(address, port, bounds);
      socket.destroy();
      return { host, port, address, mode, serverName, ca };
    } catch (error) {
      last = error;
    }
  }
  throw new Unreachable(`${host} cannot be reached on port ${port}: ${messageOf(last)}`, { cause: last });
}

/** `tls.offered`: whether there is TLS at all. @throws Unreachable when what answers is no FTP server. */
async function judgeOffer(target: ProbeTarget, bounds: ProbeBounds): Promise<Finding> {
  if (target.mode === 'implicit') return fine('tls.offered', 'TLS begins with the connection (implicit).');
  try {
    using client = await ProbeClient.connect(target, bounds);
    await client.greeting();
    const { code } = await client.send('AUTH TLS');
    if (code === 234) return fine('tls.offered', 'The server offers TLS (AUTH TLS).');
    return wrong(
      'tls.offered',
      'high',
      `The server offers no TLS (${code}): passwords and files travel in clear.`,
      'Give it a certificate and switch TLS on; or probe its port for implicit TLS with --implicit.',
    );
  } catch (error) {
    throw new Unreachable(`${target.host} does not speak FTP on port ${target.port}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What strangers wrote is in these sentences. */
function shown({ id, severity, meaning, advice }: Finding): Finding {
  return {
    id,
    severity,
    meaning: printable(meaning.replace(/\s*\r?\n\s*/g, ' ').replace(/\.\.$/, '.')),
    advice: printable(advice),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
