/**
 * `post_quantum`: whether keys must be agreed on in a way that a quantum computer would not break. At the top it decides
 * what the handshake offers (`transport/tls-terms.ts`). Who comes is known only behind the handshake, so for hosts, classes
 * and accounts it is asked at the login, and of every data connection.
 */
import { z } from 'zod';
import { loggedInAs } from '../engine/apply-change.ts';
import type { Account } from '../spi/authenticator.ts';
import { defineDirective } from '../spi/directive.ts';
import { Fault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { isPostQuantum } from '../transport/tls-profiles.ts';

/** The directive. */
export const postQuantum = defineDirective({
  name: 'postQuantum',
  help: 'Whether TLS keys must be agreed on in a way that a quantum computer would not break (X25519MLKEM768).',
  contexts: ['server', 'host', 'class', 'account'],
  schema: z.enum(['required', 'preferred', 'off']),
  initial: 'preferred',
});

/** Whether it is required in this session. */
export function requiresPostQuantum(settings: Settings, session: Session): boolean {
  return settings.inSession(postQuantum, session) === 'required';
}

/** Refuses a login over keys that would not last where it is required. @throws Fault `PostQuantumRequired`. */
export function guardLogin(settings: Settings, account: Account, session: Session): void {
  if (!requiresPostQuantum(settings, loggedInAs(session, account))) return;
  if (!isPostQuantum(session.controlTls?.group)) throw new Fault('PostQuantumRequired');
}

/**
 * Refuses a data connection over keys that would not last where it is required, also when it resumed a session whose keys
 * would: what is asked for is then true of each handshake by itself. @throws Fault `DataPostQuantumRequired`,
 * `ProtectionRequired`.
 */
export function guardData(settings: Settings, session: Session, tls: TlsFacts | undefined): void {
  if (!requiresPostQuantum(settings, session) || isPostQuantum(tls?.group)) return;
  if (tls === undefined) throw new Fault('ProtectionRequired');
  throw new Fault('DataPostQuantumRequired');
}
