/**
 * Client certificates as a way to prove who you are: which user a certificate stands for, and whether it is enough. That
 * it is genuine was found out in the TLS handshake; here are only those that are.
 */
import { z } from 'zod';
import type { Prover } from '../spi/authenticator.ts';
import type { ClientCertificate } from '../spi/tls-facts.ts';
import { certificateDigest } from './certificate-digest.ts';
import { accountKeys, entryKeys, totpKeys } from './entry-options.ts';
import { userName } from './users.ts';

/** One certificate, or one key whatever certificate it stands in, and whom it stands for. */
const certificateOptions = z
  .strictObject({
    /** SHA-256 of the certificate; it changes with every renewal. */
    fingerprint: certificateDigest.optional(),
    /** SHA-256 of its public key (SubjectPublicKeyInfo, DER), which a renewal may keep. */
    publicKey: certificateDigest.optional(),
    user: userName,
  })
  .refine(({ fingerprint, publicKey }) => fingerprint !== undefined || publicKey !== undefined, {
    error: 'needs fingerprint or public_key',
  });

/** Client certificates. */
export const certificateEntry = z
  .strictObject({
    type: z.literal('certificate'),
    ...entryKeys,
    ...totpKeys,
    ...accountKeys,
    /** The name in the certificate that is the user's. */
    userFrom: z.enum(['common_name', 'email', 'dns', 'uri']).optional(),
    /** How that name is made of the user's, such as `{user}@partners.example`. */
    pattern: z
      .string()
      .max(1_024)
      .refine((text) => text.split('{user}').length === 2, { error: 'must hold {user} once' })
      .default('{user}'),
    /** Certificates that stand for a user whatever their names are. */
    certificates: z.array(certificateOptions).max(100_000).default([]),
    /**
     * `needed`: no one gets any further without the certificate of the name that was sent, and then the rest of the chain
     * asks for the password. `not_needed`: the certificate is enough, and the user is logged in by USER (232).
     */
    password: z.enum(['needed', 'not_needed']).default('needed'),
  })
  .refine(({ userFrom, certificates }) => userFrom !== undefined || certificates.length > 0, {
    error: 'needs user_from or certificates',
  })
  .refine(({ password, totp }) => password === 'not_needed' || totp !== 'required', {
    error: 'asks for nothing here: write it in the entry that checks the password',
    path: ['totp'],
  });

/** Client certificates, checked and with their defaults. */
export type CertificateEntry = z.output<typeof certificateEntry>;

/** Which certificates stand for whom. */
export type CertificateRules = Pick<CertificateEntry, 'userFrom' | 'pattern' | 'certificates'>;

/** Proves names by the certificate, or shuts out those who have none, as `password` says. */
export function certificateProver(options: CertificateRules & Pick<CertificateEntry, 'password'>): Prover {
  return {
    name: 'certificate',
    async prove({ user, password, tls }) {
      const isTheirs = standsFor(options, tls?.clientCertificate, user);
      if (options.password === 'needed') {
        if (password === undefined || isTheirs) return { verdict: 'declined' };
        const reason = tls?.clientCertificate ? 'the certificate is not of this user' : 'no client certificate';
        return { verdict: 'refused', reason };
      }
      // What is left of the password field behind a code is empty; a password would be for somebody else to judge.
      const isAlone = password === undefined || password.reveal() === '';
      if (!isTheirs || !isAlone) return { verdict: 'declined' };
      return { verdict: 'accepted', identity: { user, groups: [] } };
    },
  };
}

/** Whether a certificate stands for a user. Names are compared whole and with their capitals. */
export function standsFor(
  { userFrom, pattern, certificates }: CertificateRules,
  shown: ClientCertificate | undefined,
  user: string,
): boolean {
  if (shown === undefined || !userName.safeParse(user).success) return false;
  const listed = certificates.some(
    (entry) =>
      entry.user === user &&
      (entry.fingerprint ?? shown.fingerprint) === shown.fingerprint &&
      (entry.publicKey ?? shown.publicKeyFingerprint) === shown.publicKeyFingerprint,
  );
  if (listed || userFrom === undefined) return listed;
  // In one piece: a name like `$&` must not mean anything to `replace`.
  const wanted = pattern.split('{user}').join(user);
  if (userFrom === 'common_name') return shown.commonName === wanted;
  return shown.alternativeNames.includes(`${userFrom}:${wanted}`);
}
