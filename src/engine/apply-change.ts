/** The only maker of a Session: how it begins, and what each change makes of it. */
import { unreachable } from '../lib/assert.ts';
import { DEFAULT_FACTS } from '../protocol/facts.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import type { CommandTraits } from '../spi/command.ts';
import type { Endpoint, Session, SessionChange } from '../spi/session.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';

/** zlib's own: what compresses well for the time that it takes. */
const DEFLATE_LEVEL = 6;

/** What a session is made of when the client has just connected. */
export interface SessionStart {
  readonly id: string;
  readonly peer: Endpoint;
  readonly local: Endpoint;
}

/** The session of a client that has just connected, in clear. */
export function newSession(start: SessionStart): Session {
  return {
    ...start,
    controlTls: undefined,
    pbszSeen: false,
    protection: 'C',
    failedLogins: 0,
    host: undefined,
    ...UNNAMED,
    ...LOGGED_OUT,
  };
}

/** What CLNT and CSID set. */
const UNNAMED = { clientName: undefined, clientNamedBy: [] } as const;

/** Everything that USER, PASS and the commands behind them set; REIN and AUTH put it back (RFC 4217 section 4.2). */
const LOGGED_OUT = {
  login: { state: 'ExpectUser' },
  cwd: ROOT,
  type: 'A',
  restartBytes: 0,
  range: undefined,
  mode: 'S',
  deflateLevel: DEFLATE_LEVEL,
  hashAlgorithm: 'SHA-256',
  renameFrom: undefined,
  copyFrom: undefined,
  epsvAll: false,
  mlstFacts: DEFAULT_FACTS,
  utf8Asked: false,
} as const;

/** The session behind a finished TLS handshake on the control channel. */
export function withControlTls(session: Session, facts: TlsFacts, mode: 'explicit' | 'implicit'): Session {
  // Clients of implicit FTPS may send neither PBSZ nor PROT and still expect protected data: there is no clear state to
  // go back to, so that is what they get.
  const implicit = mode === 'implicit' ? ({ pbszSeen: true, protection: 'P' } as const) : {};
  return { ...session, controlTls: facts, host: facts.serverName ?? session.host, ...implicit };
}

/** The same session as if its client had shown no certificate. */
function withoutCertificate(session: Session): Session {
  if (session.controlTls === undefined) return session;
  const { clientCertificate: _, ...controlTls } = session.controlTls;
  return { ...session, controlTls };
}

/** The session after a command: the change it asked for, and the one-shot states that every command uses up. */
export function afterCommand(session: Session, command: CommandTraits, change: SessionChange | undefined): Session {
  const transfers = command.data === 'transfers';
  const restartBytes = transfers ? 0 : session.restartBytes;
  const range = transfers || command.usesRange === true ? undefined : session.range;
  const next = { ...session, renameFrom: undefined, copyFrom: undefined, restartBytes, range };
  return change === undefined ? next : applyChange(next, change);
}

/** The session as it will be once this account is logged in, for guards of logins to look at. */
export function loggedInAs(session: Session, account: Account): Session {
  return applyChange(session, { kind: 'LogIn', account });
}

function applyChange(session: Session, change: SessionChange): Session {
  switch (change.kind) {
    case 'StartTls':
      return {
        ...session,
        ...LOGGED_OUT,
        // What was said in clear may have been said by somebody else; HOST alone still chooses the certificate.
        ...UNNAMED,
        pbszSeen: change.protection === 'P',
        protection: change.protection,
      };
    case 'SeePbsz':
      return { ...session, pbszSeen: true };
    case 'SetProtection':
      return { ...session, protection: change.level };
    case 'NameUser':
      // A new login within a session starts from a clean state, whoever it was before (RFC 959 section 4.1.1).
      // What was said of the wire itself was said for the connection; many clients ask for UTF-8 before they log in.
      return {
        ...session,
        ...LOGGED_OUT,
        epsvAll: session.epsvAll,
        utf8Asked: session.utf8Asked,
        login: { state: 'ExpectPass', user: change.user },
      };
    case 'LogIn': {
      const { account, by } = change;
      const cwd = account.startDirectory ?? ROOT;
      if (by !== 'certificate') return { ...session, cwd, login: { state: 'LoggedIn', account } };
      // It happens at USER, and so begins anew what USER begins anew.
      const named = applyChange(session, { kind: 'NameUser', user: account.name });
      return { ...named, cwd, login: { state: 'LoggedIn', account, by } };
    }
    case 'FailLogin':
      return { ...session, login: { state: 'ExpectUser' }, failedLogins: session.failedLogins + 1 };
    case 'Reinitialise':
      return { ...session, ...LOGGED_OUT, host: undefined };
    case 'ChangeDirectory':
      return { ...session, cwd: change.path };
    case 'SetType':
      return { ...session, type: change.type };
    // Both say where the next transfer begins: the later one holds.
    case 'SetRestart':
      return { ...session, restartBytes: change.offsetBytes, range: undefined };
    case 'SetRange':
      return { ...session, range: change.range, restartBytes: 0 };
    case 'SetMode':
      return { ...session, mode: change.mode };
    case 'SetDeflateLevel':
      return { ...session, deflateLevel: change.level };
    case 'SetHashAlgorithm':
      return { ...session, hashAlgorithm: change.algorithm };
    case 'SetHost':
      // HOST comes before USER (RFC 7151 section 3.2.2): it begins the login anew.
      return {
        ...(change.keepsCertificate ? session : withoutCertificate(session)),
        ...LOGGED_OUT,
        epsvAll: session.epsvAll,
        host: change.host,
      };
    case 'SetClientName':
      return {
        ...session,
        clientName: change.name,
        clientNamedBy: [...new Set([...session.clientNamedBy, change.verb])],
      };
    case 'SetCopyFrom':
      return { ...session, copyFrom: change.path };
    case 'SetRenameFrom':
      return { ...session, renameFrom: change.path };
    case 'SetEpsvAll':
      return { ...session, epsvAll: true };
    case 'SetMlstFacts':
      return { ...session, mlstFacts: change.facts };
    case 'AskUtf8':
      return { ...session, utf8Asked: change.asked };
    case 'Close':
      return session;
    default:
      return unreachable(change);
  }
}
