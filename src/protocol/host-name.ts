/** Names of hosts, as HOST gives them: a domain name or an address (RFC 7151 section 3.1). */
import { parseIpv4, parseIpv6 } from './ip-address.ts';

/** The longest domain name, written out (RFC 1035 section 2.3.4 counts 255 octets with lengths and root). */
const DOMAIN_CHARS_MAX = 253;

/**
 * Labels of ASCII letters, digits and hyphens, none at an end, of up to 63 characters. Asked of the name as it was typed:
 * there are letters (U+212A) that only become ASCII when they are made small.
 */
const DOMAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/**
 * The one way to write what `text` names: a domain in small letters, or an address as sockets report it. IPv6 addresses
 * stand in square brackets; a port is never part of the name.
 *
 * @returns undefined when it is neither.
 */
export function parseHostName(text: string): string | undefined {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  if (bracketed !== undefined) return parseIpv6(bracketed);
  return parseIpv4(text) ?? (isDomain(text) ? text.toLowerCase() : undefined);
}

function isDomain(text: string): boolean {
  return text.length <= DOMAIN_CHARS_MAX && DOMAIN.test(text);
}
