/** What is told of a handshake on the control channel: to the log, and to the modules that watch. */
import { tellAttack } from '../engine/module-hooks.ts';
import type { Log } from '../spi/log.ts';
import type { Session } from '../spi/session.ts';
import { HandshakeFailed } from '../transport/tls-handshake.ts';
import type { House } from './house.ts';

/** Tells the modules that TLS has begun. Never throws. */
export function tellTlsEstablished({ modules }: Pick<House, 'modules'>, session: Session, log: Log): void {
  for (const module of modules) {
    try {
      module.onTlsEstablished?.(session);
    } catch (failure) {
      log.error('module.failed', { module: module.name, event: 'tls_established', error: failure });
    }
  }
}

/** Where it failed. */
export interface FailedHandshake {
  readonly session: Session;
  readonly mode: 'explicit' | 'implicit';
  readonly log: Log;
}

/** Tells of it. Never throws. */
export function tellTlsFailed(
  { modules }: Pick<House, 'modules'>,
  { session, mode, log }: FailedHandshake,
  error: unknown,
): void {
  if (error instanceof HandshakeFailed && error.clearText && mode === 'explicit') {
    tellAttack(modules, session, 'bytes sent in clear behind AUTH', log);
    return;
  }
  const cause = error instanceof Error ? error.cause : error;
  log.info('tls.failed', { channel: 'control', error: cause });
  for (const module of modules) {
    try {
      module.onTlsFailed?.(session, cause);
    } catch (failure) {
      log.error('module.failed', { module: module.name, event: 'tls_failed', error: failure });
    }
  }
}
