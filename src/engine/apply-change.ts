/** The only maker of a Session: how it begins, and what each change makes of it. */
import { unreachable } from '../lib/assert.ts';
import { DEFAULT_FACTS } from '../protocol/facts.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import type { CommandTraits } from '../spi/command.ts';
import type { Endpoint, Session, SessionChange, TlsFacts } from '../spi/session.ts';

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
    ...LOGGED_OUT,
  };
}

/** Everything that USER, PASS and the commands behind them set; REIN and AUTH put it back (RFC 4217 sections 4.2 and 13). */
const LOGGED_OUT = {
  login: { state: 'ExpectUser' },
  cwd: ROOT,
  type: 'A',
  restartBytes: 0,
  renameFrom: undefined,
  epsvAll: false,
  mlstFacts: DEFAULT_FACTS,
} as const;

/** The session behind a finished TLS handshake on the control channel. */
export function withControlTls(session: Session, facts: TlsFacts, mode: 'explicit' | 'implicit'): Session {
  // Clients of implicit FTPS may send neither PBSZ nor PROT and still expect protected data: there is no clear state to
  // go back to, so that is what they get.
  const implicit = mode === 'implicit' ? ({ pbszSeen: true, protection: 'P' } as const) : {};
  return { ...session, controlTls: facts, ...implicit };
}

/** The session after a command: the change it asked for, and the one-shot states that every command uses up. */
export function afterCommand(session: Session, command: CommandTraits, change: SessionChange | undefined): Session {
  const restartBytes = command.data === 'transfers' ? 0 : session.restartBytes;
  const next = { ...session, renameFrom: undefined, restartBytes };
  return change === undefined ? next : applyChange(next, change);
}

function applyChange(session: Session, change: SessionChange): Session {
  switch (change.kind) {
    case 'StartTls':
      return { ...session, ...LOGGED_OUT, pbszSeen: change.protection === 'P', protection: change.protection };
    case 'SeePbsz':
      return { ...session, pbszSeen: true };
    case 'SetProtection':
      return { ...session, protection: change.level };
    case 'NameUser':
      // A new login within a session starts from a clean state, whoever it was before (RFC 959 section 4.1.1).
      return { ...session, ...LOGGED_OUT, epsvAll: session.epsvAll, login: { state: 'ExpectPass', user: change.user } };
    case 'LogIn':
      return { ...session, login: { state: 'LoggedIn', account: change.account } };
    case 'FailLogin':
      return { ...session, login: { state: 'ExpectUser' }, failedLogins: session.failedLogins + 1 };
    case 'Reinitialise':
      return { ...session, ...LOGGED_OUT };
    case 'ChangeDirectory':
      return { ...session, cwd: change.path };
    case 'SetType':
      return { ...session, type: change.type };
    case 'SetRestart':
      return { ...session, restartBytes: change.offsetBytes };
    case 'SetRenameFrom':
      return { ...session, renameFrom: change.path };
    case 'SetEpsvAll':
      return { ...session, epsvAll: true };
    case 'SetMlstFacts':
      return { ...session, mlstFacts: change.facts };
    case 'Close':
      return session;
    default:
      return unreachable(change);
  }
}
