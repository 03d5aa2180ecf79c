/** The server's certificates: whether clients can trust them, for how long, and under which name. */

import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ShownCertificate, shownCertificate } from '../certificate-facts.ts';
import type { CheckResult, OpenCheck, ProbeContext } from '../check.ts';
import type { CertificateFacts } from '../facts.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';

const DAY_MS = 86_400_000;
/** Time enough to order a new certificate, and the time when it is urgent. */
const EXPIRY_NOTICE_DAYS = 30;
const EXPIRY_URGENT_DAYS = 7;

/** Signature schemes that ask for a certificate of one kind of key only. */
const RSA_SCHEMES =
  'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512:rsa_pkcs1_sha1';
const ECDSA_SCHEMES = 'ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519';

/**
 * `certificate.trust`, `certificate.expiry`, `certificate.name`, `certificate.key`, `certificate.signature` and
 * `certificate.staple`, each about all certificates that the server has: one with RSA and one with ECDSA, if it has both.
 */
export const certificateCheck: OpenCheck = {
  id: 'certificate',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    const shown = await allShown(context);
    const facts = shown.map((one) => one.facts);
    return {
      findings: [
        judgeTrust(facts),
        judgeExpiry(facts, context.clock.now()),
        judgeName(shown, context.target.serverName),
        judgeKey(shown),
        judgeSignature(facts),
        judgeStaple(shown),
      ],
      facts: { certificates: facts, stapled: shown.some(({ stapled }) => stapled) },
    };
  },
};

async function allShown(context: ProbeContext): Promise<readonly ShownCertificate[]> {
  const first = await shownCertificate(context.target, context, {});
  const other = first.certificate.publicKey.asymmetricKeyType === 'rsa' ? ECDSA_SCHEMES : RSA_SCHEMES;
  // A server without one declines, by an alert or by hanging up: then there is one certificate.
  const second = await shownCertificate(context.target, context, { sigalgs: other }).catch(() => undefined);
  context.signal.throwIfAborted();
  return second === undefined || second.facts.fingerprint === first.facts.fingerprint ? [first] : [first, second];
}

function judgeTrust(certificates: readonly CertificateFacts[]): Finding {
  const untrusted = certificates.find(({ trusted }) => !trusted);
  // What has expired is said by certificate.expiry.
  if (untrusted === undefined || untrusted.untrustedBecause === 'CERT_HAS_EXPIRED') {
    return fine('certificate.trust', 'The chain of certificates ends in an authority that is trusted here.');
  }
  const why = untrusted.untrustedBecause ?? '';
  return wrong(
    'certificate.trust',
    'medium',
    `Clients cannot verify who this server is: ${REASONS[why] ?? why}.`,
    'Give the authority with --ca if it is your own; otherwise use a certificate of a public one, with its intermediate ones.',
  );
}

const REASONS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate signs itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the chain ends in an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of its issuer is neither sent nor trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the chain ends in an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'a certificate of the chain is missing',
};

function judgeExpiry(certificates: readonly CertificateFacts[], nowMs: number): Finding {
  const advice = 'Replace the certificate, and have its renewal watched.';
  const early = certificates.find(({ notBefore }) => Date.parse(notBefore) > nowMs);
  if (early !== undefined) {
    return wrong('certificate.expiry', 'high', `A certificate is valid only from ${early.notBefore} on.`, advice);
  }
  const end = Math.min(...certificates.map(({ notAfter }) => Date.parse(notAfter)));
  const days = Math.floor((end - nowMs) / DAY_MS);
  const date = new Date(end).toISOString().slice(0, 10);
  if (end <= nowMs) return wrong('certificate.expiry', 'high', `A certificate has expired on ${date}.`, advice);
  if (days < EXPIRY_URGENT_DAYS) {
    return wrong('certificate.expiry', 'medium', `A certificate expires in ${days} days, on ${date}.`, advice);
  }
  if (days < EXPIRY_NOTICE_DAYS) {
    return wrong('certificate.expiry', 'low', `A certificate expires in ${days} days, on ${date}.`, advice);
  }
  return fine('certificate.expiry', `The certificate is valid until ${date}, for ${days} days.`);
}

function judgeName(shown: readonly ShownCertificate[], name: string): Finding {
  const without = shown.find(({ certificate }) => !isFor(certificate.toLegacyObject(), name));
  if (without === undefined) return fine('certificate.name', `The certificate is for ${name}.`);
  const names = without.facts.names.join(', ') || without.facts.subject;
  return wrong(
    'certificate.name',
    'medium',
    `The certificate is not for ${name} but for ${names || 'nobody'}.`,
    'Use the name that it is for (--server-name when probing by address), or have one made with this name.',
  );
}

function isFor(certificate: PeerCertificate, name: string): boolean {
  // Node tells addresses from names by their form.
  return checkServerIdentity(isIP(name) === 0 ? name.replace(/\.$/, '') : name, certificate) === undefined;
}

function judgeKey(shown: readonly ShownCertificate[]): Finding {
  const weak = shown.find(({ certificate }) => isWeakKey(certificate.publicKey));
  const keys = shown.map(({ facts }) => facts.key).join(' and ');
  if (weak === undefined) return fine('certificate.key', `The server's key is ${keys}.`);
  return wrong(
    'certificate.key',
    'high',
    `The server's key, ${weak.facts.key}, is too short to be safe.`,
    'Have a certificate made for an RSA key of 2048 bits or more, or an EC key on P-256.',
  );
}

function isWeakKey({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: ShownCertificate['certificate']['publicKey']): boolean {
  if (type === 'rsa' || type === 'rsa-pss' || type === 'dsa') return (details?.modulusLength ?? 0) < 2_048;
  return type === 'ec' && /19[0-2]|16[0-3]|224/.test(details?.namedCurve ?? '');
}

function judgeSignature(certificates: readonly CertificateFacts[]): Finding {
  const old = certificates.find(({ signature }) => /md5|sha1/i.test(signature));
  if (old === undefined) return fine('certificate.signature', 'The certificate is signed with a hash that is safe.');
  return wrong(
    'certificate.signature',
    'medium',
    `The certificate is signed with ${old.signature}, a hash for which forgeries are known.`,
    'Have it made anew with SHA-256.',
  );
}

function judgeStaple(shown: readonly ShownCertificate[]): Finding {
  if (shown.some(({ stapled }) => stapled)) {
    return fine('certificate.staple', 'The server brings the proof that its certificate has not been revoked (OCSP).');
  }
  return noted('certificate.staple', 'No OCSP answer is stapled; few FTPS clients look for one.');
}
