/** Addresses of data connections on the control channel: PORT and PASV (RFC 959), EPRT and EPSV (RFC 2428). */

import { parseIpv4, parseIpv6 } from './ip-address.ts';
import { asciiUpper } from './words.ts';

/** An IP address and a TCP port, 1 to 65535. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
}

/**
 * The argument of PORT, `h1,h2,h3,h4,p1,p2` (RFC 959 section 4.1.2), six decimal numbers of one to three digits.
 *
 * @returns undefined when it is anything else, or names port 0.
 */
export function parseHostPort(text: string): HostPort | undefined {
  const fields = text.split(',');
  if (fields.length !== 6 || !fields.every((field) => /^[0-9]{1,3}$/.test(field))) return undefined;
  const [h1 = 0, h2 = 0, h3 = 0, h4 = 0, p1 = 0, p2 = 0] = fields.map(Number);
  if ([h1, h2, h3, h4, p1, p2].some((field) => field > 255)) return undefined;
  const port = p1 * 256 + p2;
  return port === 0 ? undefined : { address: [h1, h2, h3, h4].join('.'), port };
}

/** What EPRT asks for. `family` is that of `address`: an IPv4-mapped IPv6 address comes out as the IPv4 address it is. */
export type ExtendedHostPort =
  | ({ readonly kind: 'ok'; readonly family: 4 | 6 } & HostPort)
  /** A network protocol other than IPv4 and IPv6: 522, naming those two. */
  | { readonly kind: 'unsupportedProtocol' };

/**
 * The argument of EPRT, `|1|132.235.1.2|6275|` with any delimiter from ASCII 33 to 126 (RFC 2428 section 2). IPv6
 * addresses come out in the one form in which sockets report them, ready to be compared.
 *
 * @returns undefined when it is anything else, names port 0, or its address is not one of its protocol.
 */
export function parseExtendedHostPort(text: string): ExtendedHostPort | undefined {
  const delimiter = text.charAt(0);
  if (!/^[!-~]$/.test(delimiter)) return undefined;
  const fields = text.split(delimiter);
  const [before, protocol = '', host = '', portText = '', behind] = fields;
  if (fields.length !== 5 || before !== '' || behind !== '') return undefined;
  const port = parsePort(portText);
  if (port === undefined || !/^[0-9]{1,5}$/.test(protocol)) return undefined;
  if (protocol !== '1' && protocol !== '2') return { kind: 'unsupportedProtocol' };
  const address = protocol === '1' ? parseIpv4(host) : parseIpv6(host);
  if (address === undefined) return undefined;
  return { kind: 'ok', family: address.includes(':') ? 6 : 4, address, port };
}

/** What EPSV asks for (RFC 2428 section 3). */
export type ExtendedPassive =
  /** The network protocol of the control connection. */
  | { readonly kind: 'sameProtocol' }
  | { readonly kind: 'protocol'; readonly family: 4 | 6 }
  /** A network protocol other than IPv4 and IPv6: 522, naming those two. */
  | { readonly kind: 'unsupportedProtocol' }
  /** From now on only EPSV may arrange data connections (RFC 2428 section 4). */
  | { readonly kind: 'all' };

/** The argument of EPSV: nothing, an address family number, or `ALL`. @returns undefined when it is anything else. */
export function parseExtendedPassive(text: string): ExtendedPassive | undefined {
  if (text === '') return { kind: 'sameProtocol' };
  if (asciiUpper(text) === 'ALL') return { kind: 'all' };
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  if (text === '1') return { kind: 'protocol', family: 4 };
  return text === '2' ? { kind: 'protocol', family: 6 } : { kind: 'unsupportedProtocol' };
}

/**
 * The text of 227 (RFC 959 section 4.2.1).
 *
 * @returns undefined when the address is not IPv4, for which PASV has no form: the client must send EPSV.
 */
export function formatPassive({ address, port }: HostPort): string | undefined {
  if (parseIpv4(address) === undefined) return undefined;
  return `Entering Passive Mode (${address.replaceAll('.', ',')},${port >> 8},${port & 255}).`;
}

/** The text of 229 (RFC 2428 section 3). */
export function formatExtendedPassive(port: number): string {
  return `Entering Extended Passive Mode (|||${port}|)`;
}

function parsePort(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
