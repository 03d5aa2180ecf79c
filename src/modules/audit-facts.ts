/** The parts that audit records are put together of: who, from where, over what TLS, by which command, and why not. */
import { resolvePath } from '../protocol/virtual-path.ts';
import type { AuditOrigin, AuditValue, AuditWho } from '../spi/audit.ts';
import { Fault } from '../spi/fault.ts';
import type { Request } from '../spi/module.ts';
import { accountIn, type Session } from '../spi/session.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';

/** Who a session is: the account, or before a login the name that was tried. `account` says what the session does not know yet. */
export function whoIn(session: Session, account = accountIn(session)?.name ?? triedIn(session)): AuditWho {
  return { account, certificate: session.controlTls?.clientCertificate?.fingerprint };
}

function triedIn({ login }: Session): string | undefined {
  return login.state === 'ExpectPass' ? login.user : undefined;
}

/** Where a session comes from. */
export function originOf({ peer, id, host, clientName }: Session): AuditOrigin {
  return { address: peer.address, port: peer.port, session: id, host, client: clientName };
}

/** What a record tells of TLS; undefined in clear. */
export function tlsOf(facts: TlsFacts | undefined): AuditValue {
  if (facts === undefined) return undefined;
  const { version, suite, group, resumed } = facts;
  return { version, suite, group, resumed };
}

/** The verb, with the word behind it where the verb only gathers others: `SITE CHMOD`. */
export function commandOf({ traits, argument }: Pick<Request, 'traits' | 'argument'>): string {
  const named = `${traits.verb} ${argument.split(' ', 1)[0] ?? ''}`.toUpperCase();
  return traits.subcommands?.some(({ verb }) => verb === named) ? named : traits.verb;
}

/**
 * What a command was to be done to: what it noted, else what was typed. Only what is described as a path is taken from there,
 * and only of members: whatever else is typed, and wherever, may be a password that went to the wrong place.
 */
export function targetOf({ traits, argument, context }: Request, notes: Readonly<Record<string, unknown>>): AuditValue {
  if (typeof notes.path === 'string') return notes.path;
  const { parts } = traits.argument;
  const isPath = parts.length === 1 && parts[0] === 'path' && traits.secret !== true && argument !== '';
  if (!isPath || accountIn(context.session) === undefined) return undefined;
  return resolvePath(context.session.cwd, argument) ?? argument;
}

/** Why something failed, for the operator. */
export function reasonOf(cause: unknown): string | undefined {
  if (cause instanceof Fault)
    return cause.cause instanceof Error ? `${cause.kind}: ${cause.cause.message}` : cause.kind;
  return cause instanceof Error ? cause.message : undefined;
}

/** A time as records have it: RFC 3339, UTC, with milliseconds. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
