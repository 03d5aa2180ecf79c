/** Certificates, and what every TLS connection must keep. */
import { z } from 'zod';
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
};

/** When `requireOnePair` can run. */
export const IF_PAIR_SOUND = ifSound('certificateFile', 'keyFile', 'certificate', 'key');

/** The gateway's certificate, and what every TLS connection must keep. */
export const tlsOptions = z
  .strictObject({
    ...pairOptions,
    /** TLS 1.2 is still needed by many partners and safe with the suites that are offered; older versions are not. */
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    /**
     * Whether clients are asked for a certificate on the control channel, and whether anybody can log in without one that
     * an authority in `clientCaFile` has issued.
     */
    clientCertificate: z.enum(['off', 'optional', 'required']).default('off'),
    /** PEM file: the authorities whose client certificates count. */
    clientCaFile: z.string().min(1).max(4_096).optional(),
    /** The same as PEM text. */
    clientCa: z.string().min(1).max(1_048_576).optional(),
  })
  .superRefine(requireOnePair, IF_PAIR_SOUND)
  .superRefine(requireClientCa, ifSound('clientCertificate', 'clientCaFile', 'clientCa'));

/** Demands a certificate and its key, and only one of each. */
export function requireOnePair(
  options: { readonly [Key in keyof typeof pairOptions]?: string | undefined },
  context: z.RefinementCtx,
): void {
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
}

/** Public authorities sign whoever pays: without a list of one's own, a certificate would say nothing. */
function requireClientCa(
  tls: {
    readonly clientCertificate: 'off' | 'optional' | 'required';
    readonly clientCaFile?: string | undefined;
    readonly clientCa?: string | undefined;
  },
  context: z.RefinementCtx,
): void {
  const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  if (tls.clientCaFile !== undefined && tls.clientCa !== undefined) issue('clientCa', 'is given twice');
  if (tls.clientCertificate === 'off') return;
  if (tls.clientCaFile === undefined && tls.clientCa === undefined) issue('clientCaFile', 'is missing');
}
