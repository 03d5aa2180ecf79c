/**
 * Writes down in the audit log what happens in sessions: connections, TLS, logins, refusals, transfers and every change of
 * files. What is answered is recorded before it is answered, so that nothing is acknowledged that the log does not have; what
 * nobody waits for is noted. What is recorded follows from what was done and why it was refused, never from a verb, so that
 * commands of extensions are recorded as the built-in ones are.
 */
import type { Clock } from '../lib/clock.ts';
import { isPositive } from '../protocol/reply.ts';
import { type AuditEventName, AuditFailed, type AuditLog, type AuditRecord, keepLate } from '../spi/audit.ts';
import type { CommandTraits } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import { DECLINED, defineModule, type Module, type Request, type Result } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import { originOf, reasonOf, tlsOf, whoIn } from './audit-facts.ts';
import { recordsOf } from './audit-records.ts';
import { LOGS_OUT } from './observers.ts';

/** Whether the gateway goes on when its audit log cannot be written. */
export type AuditRequirement = 'required' | 'preferred';

/** What the trail is made with. */
export interface AuditTrailParts {
  readonly audit: AuditLog;
  /**
   * `required`: without the log nobody logs in and no file is taken, given or changed. `preferred`: the gateway goes on, and
   * what could not be recorded is in its own log as an error.
   */
  readonly requirement: AuditRequirement;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * How long an answer waits for its records. A guard of replies has ten seconds before it is taken to refuse, which would not do
 * where the gateway is to go on without its log.
 */
const WAIT_MAX_MS = 8_000;

/** @throws Fault `AuditUnavailable` while the log is required and cannot be written. */
export function requireAudit({ audit, requirement }: Pick<AuditTrailParts, 'audit' | 'requirement'>): void {
  const { failure } = audit;
  if (failure !== undefined && requirement === 'required') throw new Fault('AuditUnavailable', { cause: failure });
}

/** Makes the module. It belongs behind everybody who can refuse, so that what it writes down has happened. */
export function auditTrail(parts: AuditTrailParts): Module {
  const { audit, log } = parts;
  /** The accounts of the sessions that are logged in, by the session's id: each login ends once. */
  const inside = new Map<string, string>();
  const note = (record: AuditRecord) => {
    // It lasts when the log can be written again, if that happens before the end.
    if (audit.failure !== undefined) log.error('audit.waits', { ...record, error: audit.failure });
    audit.note(record);
  };
  const noteIn = (session: Session, event: AuditEventName, object: AuditRecord['object'], failure?: string) =>
    note({
      ...{ event, who: whoIn(session), origin: originOf(session), object },
      ...(failure === undefined ? { result: 'success' } : { result: 'failure', reason: failure }),
    });
  const logOut = (session: Session) => {
    const account = inside.get(session.id);
    if (account === undefined) return;
    inside.delete(session.id);
    note({
      ...{ event: 'login.ended', result: 'success', who: whoIn(session, account), origin: originOf(session) },
      object: {},
    });
  };

  return defineModule({
    name: 'audit-trail',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        handle({ traits }) {
          if (needsLog(traits)) requireAudit(parts);
          return DECLINED;
        },
      },
    ],
    onConnect: (_peer, session) =>
      noteIn(session, 'connection.opened', { listener: `${session.local.address} port ${session.local.port}` }),
    onRefused: (session, cause) => noteIn(session, 'connection.refused', {}, reasonOf(cause) ?? 'unknown'),
    onAttack: (session, what) => noteIn(session, 'access.refused', { attack: true }, what),
    onTlsEstablished: (session) => noteIn(session, 'tls.established', { channel: 'control', tls: controlTls(session) }),
    onTlsFailed: (session, cause) =>
      noteIn(session, 'tls.failed', { channel: 'control' }, reasonOf(cause) ?? 'unknown'),
    async onAcknowledge(request, result) {
      const { session } = request.context;
      const { change } = result;
      if (change !== undefined && LOGS_OUT.has(change.kind)) logOut(session);
      await write(recordsOf(request, result), { request, result }, parts);
      if (change?.kind === 'LogIn') inside.set(session.id, change.account.name);
    },
    onDisconnect(session) {
      logOut(session);
      noteIn(session, 'connection.closed', {});
    },
  });
}

/** Whether a command logs in, or takes, gives or changes files. */
function needsLog({ class: kind, data }: CommandTraits): boolean {
  return kind === 'auth' || kind === 'write' || (kind === 'read' && data === 'transfers');
}

function controlTls({ controlTls: facts }: Session) {
  const told = tlsOf(facts);
  return facts?.serverName === undefined ? told : { ...Object(told), server_name: facts.serverName };
}

/** What is said of a login that did not happen because it could not be recorded. */
const LOGIN_REFUSED = {
  event: 'login.failed',
  result: 'failure',
  reason: 'AuditUnavailable: the login could not be recorded, and was refused',
} as const;

/** A command, and how it ended. */
interface Ended {
  readonly request: Request;
  readonly result: Result;
}

/** Resolves when all of them last. @throws Fault `AuditUnavailable` when a success must not be told. */
async function write(records: readonly AuditRecord[], { result }: Ended, parts: AuditTrailParts): Promise<void> {
  if (records.length === 0) return;
  const { audit, requirement, clock, log } = parts;
  const refuses = requirement === 'required' && isPositive(result.reply);
  const appended = records.map((record) => {
    const one = audit.append(record);
    // What has happened is written when the log is back, however late its append fails. A login that is refused has not.
    one.catch((error: unknown) => {
      if (!refuses || record.event !== 'login.succeeded') keepLate(audit, record, error);
    });
    return one;
  });
  const settled = Promise.all(appended);
  // When it is not waited for any more, whatever comes of it must not end the process.
  settled.catch(() => undefined);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = clock.after(WAIT_MAX_MS, () =>
    reject(new AuditFailed(`the audit log took longer than ${WAIT_MAX_MS} ms`)),
  );
  try {
    await Promise.race([settled, late]);
  } catch (error) {
    for (const record of records) log.error('audit.lost', { ...record, error });
    // A failure is told as what it is: there is nothing left to refuse.
    if (!refuses) return;
    const logins = records.filter(({ event }) => event === 'login.succeeded');
    // Also where the success came to stand in the log: it did not happen.
    for (const login of logins) keepLate(audit, { ...login, ...LOGIN_REFUSED });
    throw new Fault('AuditUnavailable', { cause: error });
  } finally {
    timer.cancel();
  }
}
