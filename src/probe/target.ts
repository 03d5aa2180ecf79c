/** Which server is probed, and as what it is taken. */
import { isIP } from 'node:net';

/** The port of FTP, and that of FTP with TLS from the first byte. */
const EXPLICIT_PORT = 21;
const IMPLICIT_PORT = 990;

/** A host and a port, as somebody typed them. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** A server to be probed. */
export interface ProbeTarget extends HostAndPort {
  /** The address that every connection goes to: looked up once, so that all checks meet the same machine. */
  readonly address: string;
  /** Whether TLS begins with the connection, or with AUTH TLS. */
  readonly mode: 'explicit' | 'implicit';
  /** The name that the certificate must have, and that is sent as SNI unless it is an address. */
  readonly serverName: string;
  /** PEM: the authorities that are trusted; undefined for those that Node trusts. */
  readonly ca: string | undefined;
}

/**
 * Reads `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; the port is 21, or 990 for implicit TLS, when it
 * is not said.
 *
 * @returns undefined when it is none of these.
 */
export function parseHostAndPort(text: string, mode: ProbeTarget['mode']): HostAndPort | undefined {
  const defaultPort = mode === 'implicit' ? IMPLICIT_PORT : EXPLICIT_PORT;
  if (isIP(text) === 6) return { host: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+))(?::([0-9]{1,5}))?$/.exec(text);
  const [, bracketed, name, digits] = match ?? [];
  const host = bracketed ?? name;
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  const port = digits === undefined ? defaultPort : Number(digits);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** The name for SNI: it holds names, never addresses (RFC 6066 section 3). */
export function sniOf({ serverName }: Pick<ProbeTarget, 'serverName'>): string | undefined {
  return isIP(serverName) === 0 ? serverName : undefined;
}
