/** Certificates, and what every TLS connection must keep. */
import { z } from 'zod';
import { TLS_PROFILE_NAMES } from '../transport/tls-profiles.ts';
import { clientCertificateOptions, IF_TRUST_SOUND, requireClientCa } from './client-certificate-options.ts';
import { ifSound } from './option-checks.ts';

/** A certificate: two files, or both as PEM text when the gateway is used as a library. */
export const pairOptions = {
  /** PEM file: the server's certificate, then the intermediate ones. */
  certificateFile: z.string().min(1).max(4_096).optional(),
  /** PEM file with the private key, readable by its owner only. */
  keyFile: z.string().min(1).max(4_096).optional(),
  /** The same as PEM text. */
  certificate: z.string().min(1).max(1_048_576).optional(),
  /** The private key as PEM text; never in a configuration file. */
  key: z.string().min(1).max(1_048_576).optional(),
  /** A file with the passphrase of the key in `keyFile`, readable by its owner only. */
  passphraseFile: z.string().min(1).max(4_096).optional(),
  /** A file with an answer of the authority's OCSP responder, DER, that is passed on to clients while it holds. */
  ocspResponseFile: z.string().min(1).max(4_096).optional(),
};

/** When `requireOnePair` can run. */
export const IF_PAIR_SOUND = ifSound(...Object.keys(pairOptions), 'certificates');

/** What a server proves itself with: one certificate, or several with keys of different kinds. */
export const identityOptions = {
  ...pairOptions,
  /** Certificates with keys of different kinds, RSA and ECDSA say: each client is shown the one that it can best check. */
  certificates: z.array(z.strictObject(pairOptions).superRefine(requireOnePair, IF_PAIR_SOUND)).max(8).default([]),
};

/** The gateway's certificate, and what every TLS connection must keep. */
export const tlsOptions = z
  .strictObject({
    ...identityOptions,
    /** Versions, suites, groups and signature algorithms; `docs/tls.md` lists what each profile offers. */
    profile: z.enum(TLS_PROFILE_NAMES).default('intermediate'),
    /** A floor besides the profile's own. TLS 1.2 is still needed by many partners and safe with the suites that are offered; older versions are not. */
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    ...clientCertificateOptions,
    /** Whether answers about the certificates are fetched from the OCSP responders that they name, to be passed on to clients. */
    ocsp: z.enum(['off', 'fetch']).default('off'),
    /** How often the files of certificates are looked at; what has changed is in force for the sessions that begin then. */
    reloadIntervalMs: z.int().min(1_000).max(86_400_000).default(60_000),
    /** Where the record of the TLS that each account's clients came with is kept; without it there is none. */
    inventoryFile: z.string().min(1).max(4_096).optional(),
    /** How long the record remembers what it has not seen again. */
    inventoryDays: z.int().min(1).max(3_650).default(400),
  })
  .superRefine(requireOnePair, IF_PAIR_SOUND)
  .superRefine(requireClientCa, IF_TRUST_SOUND);

/** Demands a certificate and its key, and only one of each, or else a list of them. */
export function requireOnePair(
  options: { readonly [Key in keyof typeof pairOptions]?: string | undefined } & { readonly certificates?: unknown },
  context: z.RefinementCtx,
): void {
  const { certificates } = options;
  if (Array.isArray(certificates) && certificates.length > 0) {
    for (const key of Object.keys(pairOptions)) {
      if (Reflect.get(options, key) === undefined) continue;
      context.addIssue({ code: 'custom', path: [key], message: 'belongs in certificates, where there is such a list' });
    }
    return;
  }
  const fromFiles = options.certificateFile !== undefined || options.keyFile !== undefined;
  const fromText = options.certificate !== undefined || options.key !== undefined;
  if (fromFiles && fromText) {
    context.addIssue({ code: 'custom', message: 'needs two files or two PEM texts, not some of both' });
    return;
  }
  const pair = fromText ? (['certificate', 'key'] as const) : (['certificateFile', 'keyFile'] as const);
  for (const key of pair) {
    if (options[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' });
  }
  if (fromText && options.passphraseFile !== undefined) {
    context.addIssue({ code: 'custom', path: ['passphraseFile'], message: 'is for a key in a file' });
  }
}
