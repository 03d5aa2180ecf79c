/** The virtual hosts of a gateway: which certificate and greeting a name stands for (RFC 7151). */
import type { GatewayOptions } from '../config/options.ts';
import type { Clock } from '../lib/clock.ts';
import { oncePer } from '../lib/once-per.ts';
import type { Session } from '../spi/session.ts';
import { SharedContexts } from '../transport/shared-contexts.ts';
import type { TlsContext } from '../transport/tls-context.ts';
import type { TlsIdentity } from '../transport/tls-identity.ts';
import { type TlsTerms, tlsTerms } from '../transport/tls-terms.ts';
import type { CertificateMaterial, Certificates } from './certificates.ts';
import type { ClientAuthorities, ClientTrust } from './client-authorities.ts';
import { wishesOf } from './tls-wishes.ts';

/** What names of hosts stand for. Names are in small letters; undefined is a client that has named none. */
export interface VirtualHosts {
  /**
   * The certificate to present: a virtual host's own, or the gateway's; the same object for the same host until its
   * certificate, or what it asks of clients, is replaced.
   */
  identityOf(name: string | undefined): TlsIdentity;
  /** What a control connection begins TLS with that comes to such an identity. */
  contextFor(identity: TlsIdentity): TlsContext;
  /** Whether clients are asked for a certificate there, and whose count. */
  clientTrustOf(name: string | undefined): ClientTrust;
  /**
   * What is said to those who come to that name; undefined when it is neither a virtual host's nor one that the gateway's
   * own certificate holds.
   */
  greetingOf(name: string | undefined): string | undefined;
  /**
   * Whether TLS may begin for that name (SNI). Where hosts are named every other name is a stranger's, perhaps of a web
   * server that shares a certificate with this one (ALPACA, CVE-2021-3618); where none are, any name will do.
   */
  admits(serverName: string): boolean;
  /**
   * The same for the data connections of a session: where hosts are named, that of the control connection, if it was begun
   * for one. Undefined when any name will do.
   */
  dataNames(session: Session): ((serverName: string) => boolean) | undefined;
}

/** What the hosts' TLS is made of. */
export interface IdentityParts {
  readonly certificates: Certificates;
  readonly authorities: ClientAuthorities;
  readonly clock: Clock;
  readonly keyLog?: TlsTerms['keyLog'];
}

/** Composes the hosts of a gateway. @throws an OpenSSL error when a certificate or an authority cannot be used. */
export function virtualHosts(
  options: GatewayOptions,
  { certificates, authorities, clock, keyLog }: IdentityParts,
): VirtualHosts {
  const terms = tlsTerms({ ...wishesOf(options), keyLog });
  const identities = oncePer(({ ca: clientCa, crls: clientCrls }: ClientTrust) =>
    oncePer(({ covers: _, ...material }: CertificateMaterial) => ({ ...material, terms, clientCa, clientCrls })),
  );
  const identityOf = (name: string | undefined) => identities(authorities.of(name))(certificates.materialOf(name));
  const hosts = new Map(options.hosts.map((host) => [host.name, { greeting: host.banner ?? options.banner }]));
  const contexts = new SharedContexts(clock, options.limits.sessionTimeMaxMs);
  // The first real handshake would be a late moment to learn that a certificate cannot be used on these terms.
  for (const name of [undefined, ...hosts.keys()]) {
    contexts.contextFor(identityOf(name));
  }
  const isOwn = (name: string) => certificates.materialOf(undefined).covers(name);
  const admits = (serverName: string) => hosts.size === 0 || hosts.has(serverName) || isOwn(serverName);
  return {
    identityOf,
    contextFor: (identity) => contexts.contextFor(identity),
    clientTrustOf: (name) => authorities.of(name),
    greetingOf(name) {
      const host = hosts.get(name ?? '');
      if (host !== undefined) return host.greeting;
      return name === undefined || isOwn(name) ? options.banner : undefined;
    },
    admits,
    dataNames({ controlTls }) {
      if (hosts.size === 0) return undefined;
      const own = controlTls?.serverName;
      return own === undefined ? admits : (serverName) => serverName === own;
    },
  };
}
