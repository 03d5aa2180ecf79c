/**
 * What certificates can be asked for: names, kinds of keys and days. Apart from their making, so that only commands that
 * make some load what makes them.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { printable } from '../lib/printable.ts';

/** The sizes of RSA keys on offer, in bits. Below 2048 no current TLS library takes the certificate. */
export const KEY_BITS = [2048, 3072, 4096] as const;
export type KeyBits = (typeof KEY_BITS)[number];

/** A kind of key: RSA of a size, or EC on a curve. */
export type KeyType = KeyBits | 'P-256' | 'P-384';

/** The kinds of keys, as the command line names them. */
export const KEY_TYPES: ReadonlyMap<string, KeyType> = new Map<string, KeyType>([
  ['rsa-2048', 2048],
  ['rsa-3072', 3072],
  ['rsa-4096', 4096],
  ['ec-p256', 'P-256'],
  ['ec-p384', 'P-384'],
]);

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

/** Whether `text` can be an address of mail in a certificate: ASCII, and one `@` with something on both sides. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && /^[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+$/.test(text);
}

/** Whether `text` can be a URI in a certificate: absolute, and in ASCII. */
export function isUri(text: string): boolean {
  return text.length <= 1_024 && /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(text);
}

/** Whether `text` can be the name of an authority or an organisation: letters of any language, no invisible ones. */
export function isTitle(text: string): boolean {
  return text.trim() === text && text !== '' && text.length <= COMMON_NAME_LENGTH_MAX && printable(text) === text;
}

/** Why a certificate does not count any more, with the numbers of RFC 5280. */
export const REVOCATION_REASONS: ReadonlyMap<string, number> = new Map([
  ['unspecified', 0],
  ['keyCompromise', 1],
  ['affiliationChanged', 3],
  ['superseded', 4],
  ['cessationOfOperation', 5],
  ['privilegeWithdrawn', 9],
]);

const DOMAIN_LENGTH_MAX = 253;
const DOMAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
