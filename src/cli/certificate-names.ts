/**
 * What certificates can be asked for: names, sizes and days. Apart from their making, so that only commands that make some
 * load node-forge (14 MB and 40 ms).
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** The sizes of RSA keys on offer, in bits. Below 2048 no current TLS library takes the certificate. */
export const KEY_BITS = [2048, 3072, 4096] as const;
export type KeyBits = (typeof KEY_BITS)[number];

/** How long server and client certificates are valid unless said otherwise, in days; several clients refuse 398 and more. */
export const CERTIFICATE_DAYS = 397;

/** The names of a server on the machine where it is developed. */
export const LOCAL_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** The longest common name, in characters: the bound that RFC 5280 sets as `ub-common-name`. */
export const COMMON_NAME_LENGTH_MAX = 64;

/**
 * The form that `text` has in a certificate: an IP address, or a DNS name in lower case and in ASCII; `*` may stand for
 * its first label.
 *
 * @returns undefined when it is neither.
 */
export function subjectName(text: string): string | undefined {
  // A scoped address (fe80::1%eth0) means something on one machine only and has no form in a certificate.
  if (isIP(text) !== 0) return text.includes('%') ? undefined : text;
  const wildcard = text.startsWith('*.') ? '*.' : '';
  const domain = domainToASCII(text.slice(wildcard.length));
  if (domain.length === 0 || domain.length + wildcard.length > DOMAIN_LENGTH_MAX || isIP(domain) !== 0)
    return undefined;
  return domain.split('.').every((label) => DOMAIN_LABEL.test(label)) ? wildcard + domain : undefined;
}

/** Whether `text` can name a client's certificate; it becomes part of a file's name too. */
export function isClientName(text: string): boolean {
  return text.length <= COMMON_NAME_LENGTH_MAX && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text);
}

const DOMAIN_LENGTH_MAX = 253;
const DOMAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
