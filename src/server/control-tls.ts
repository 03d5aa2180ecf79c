/** TLS on a control connection: with which certificate, for which name, and what the session is behind it. */
import { withControlTls } from '../engine/apply-change.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Log } from '../spi/log.ts';
import type { Session } from '../spi/session.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import type { ControlConnection } from '../transport/control-connection.ts';
import { identityFor } from '../transport/host-identity.ts';
import { contextAtHost, contextForData, type DataContext } from '../transport/tls-context.ts';
import type { House } from './house.ts';
import { tellTlsEstablished, tellTlsFailed } from './tls-failed.ts';

/** The connection, and whose it is. */
export interface ControlTlsParts {
  readonly house: Pick<House, 'virtualHosts' | 'modules'>;
  readonly control: ControlConnection;
  readonly session: Session;
  readonly log: Log;
  /** Told what its data connections will rest on. */
  readonly use: (context: DataContext) => void;
}

/**
 * Begins TLS: `explicit` behind the reply that AUTH was `accepted` with, `implicit` at once.
 *
 * @returns the session under TLS. @throws HandshakeFailed, logged; the connection is then gone.
 */
export async function beginControlTls(
  { house, control, session, log, use }: ControlTlsParts,
  mode: 'explicit' | 'implicit',
  accepted?: Reply,
): Promise<Session> {
  const { virtualHosts } = house;
  const identity = virtualHosts.identityOf(session.host);
  let context = virtualHosts.contextFor(identity);
  if (accepted !== undefined) log.debug('line.sent', { code: accepted.code, lines: accepted.lines });
  try {
    const facts = await control.startTls(context, accepted, (serverName, hello) => {
      refuseServerName(serverName, session, house);
      const named = virtualHosts.identityOf(serverName);
      // Data connections present the same certificate, and what binds them to this session stays the same.
      if (named !== identity) context = contextAtHost(context, identityFor(named, hello));
      return context;
    });
    use(contextForData(context, facts));
    const secured = withControlTls(session, withCertificate(facts, control, log), mode);
    log.info('tls.control', { ...secured.controlTls });
    tellTlsEstablished(house, secured, log);
    return secured;
  } catch (error) {
    tellTlsFailed(house, { session, mode, log }, error);
    throw error;
  }
}

/** A certificate that does not count is as good as none; that it was shown is for the log. */
function withCertificate(facts: TlsFacts, { shownCertificate: shown }: ControlConnection, log: Log): TlsFacts {
  if (shown.kind === 'trusted') return { ...facts, clientCertificate: shown.certificate };
  if (shown.kind === 'untrusted') log.warn('tls.client_certificate_untrusted', { ...shown });
  return facts;
}

/** @throws Error when TLS must not begin for that name: nobody is served there, or HOST has named another. */
function refuseServerName(serverName: string, { host }: Session, { virtualHosts }: Pick<House, 'virtualHosts'>): void {
  if (host !== undefined && host !== serverName) throw new Error(`server_name ${serverName} is not HOST ${host}`);
  if (!virtualHosts.admits(serverName)) throw new Error(`server_name ${serverName} is not served here`);
}
