/** The virtual hosts of a gateway: which certificate and greeting a name stands for (RFC 7151). */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GatewayOptions } from '../config/options.ts';
import type { TlsIdentity } from '../transport/tls-context.ts';
import { tlsContext } from '../transport/tls-context.ts';

/** What names of hosts stand for. Names are in small letters; undefined is a client that has named none. */
export interface VirtualHosts {
  /** The certificate to present: a virtual host's own, or the gateway's; always the same object for the same host. */
  identityOf(name: string | undefined): TlsIdentity;
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
}

/** Reads the certificates of the gateway and its hosts. @throws an OpenSSL error when a pair of them cannot be used. */
export function virtualHosts(options: GatewayOptions): VirtualHosts {
  const identity = identityOf(options.tls, options);
  const own = new X509Certificate(identity.certificate);
  const hosts = new Map(
    options.hosts.map((host) => [
      host.name,
      { identity: identityOf(host, options), greeting: host.banner ?? options.banner },
    ]),
  );
  const isOwn = (name: string) => own.checkHost(name) !== undefined;
  return {
    identityOf: (name) => hosts.get(name ?? '')?.identity ?? identity,
    greetingOf(name) {
      const host = hosts.get(name ?? '');
      if (host !== undefined) return host.greeting;
      return name === undefined || isOwn(name) ? options.banner : undefined;
    },
    admits: (serverName) => hosts.size === 0 || hosts.has(serverName) || isOwn(serverName),
  };
}

/** Certificate and key, as PEM text or in files. */
type Pair = Pick<GatewayOptions['hosts'][number], 'certificate' | 'key' | 'certificateFile' | 'keyFile'>;

function identityOf(pair: Pair, { tls, limits }: GatewayOptions): TlsIdentity {
  const identity = {
    certificate: pair.certificate ?? readFileSync(pair.certificateFile ?? '', 'utf8'),
    key: pair.key ?? readFileSync(pair.keyFile ?? '', 'utf8'),
    minVersion: tls.minVersion,
    clientCa: clientCaOf(tls),
  };
  // The first real handshake would be a late moment to learn that the key does not fit the certificate.
  tlsContext(identity, limits.sessionTimeMaxMs);
  return identity;
}

/** Whose client certificates count, at every host alike. */
function clientCaOf({ clientCertificate, clientCa, clientCaFile }: GatewayOptions['tls']): string | undefined {
  if (clientCertificate === 'off') return undefined;
  return clientCa ?? readFileSync(clientCaFile ?? '', 'utf8');
}
