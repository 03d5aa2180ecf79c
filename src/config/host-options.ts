/** Virtual hosts, and the text that they greet with. */
import { z } from 'zod';
import { userName } from '../auth/users.ts';
import { parseHostName } from '../protocol/host-name.ts';
import { parseIpv4 } from '../protocol/ip-address.ts';
import type { Directive } from '../spi/directive.ts';
import { hostClientCertificateOptions, IF_TRUST_SOUND, requireOwnAuthorities } from './client-certificate-options.ts';
import { directiveKeys } from './directive-keys.ts';
import { sectionsWith } from './directory-options.ts';
import { IF_PAIR_SOUND, identityOptions, requireOnePair } from './tls-options.ts';

/** One line for a greeting. It never names a version: that would help only those who look for a hole. */
export const bannerText = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u, { error: 'must be one line of 1 to 200 characters' });

/** A virtual host: another name of this server, with a certificate of its own (RFC 7151). */
export const hostOptions = z
  .strictObject({
    /** What clients say with HOST or SNI. Addresses are no virtual hosts: certificates and SNI hold names. */
    name: z
      .string()
      .toLowerCase()
      .refine((name) => parseHostName(name) === name && parseIpv4(name) === undefined, {
        error: 'must be a domain name, such as ftp.example.com',
      }),
    ...identityOptions,
    ...hostClientCertificateOptions,
    /** The greeting there; without it the gateway's. */
    banner: bannerText.optional(),
    /** The accounts that may log in there; without it all may. */
    users: z.array(userName).max(100_000).optional(),
  })
  .superRefine(requireOnePair, IF_PAIR_SOUND)
  .superRefine(requireOwnAuthorities, IF_TRUST_SOUND);

/** The same with the keys of directives. */
export function hostOptionsWith(directives: readonly Directive[]) {
  return hostOptions.safeExtend({
    ...directiveKeys('host', directives),
    /** What modules are told of single directories, for those who come to this host. */
    directories: sectionsWith(directives),
  });
}
