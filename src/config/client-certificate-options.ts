/** Whether clients are asked for a certificate, and whose certificates count: for the gateway, and for a host that differs. */
import { z } from 'zod';
import { ifSound } from './option-checks.ts';

const mode = z.enum(['off', 'optional', 'required']);

/** The authorities, and what they have taken back. */
const trustOptions = {
  /** PEM file: the authorities whose client certificates count. */
  clientCaFile: z.string().min(1).max(4_096).optional(),
  /** The same as PEM text. */
  clientCa: z.string().min(1).max(1_048_576).optional(),
  /**
   * PEM file: the revocation lists of all those authorities. With it a certificate counts only while a list of each issuer in
   * its chain is there, has not ended, and does not name it.
   */
  crlFile: z.string().min(1).max(4_096).optional(),
};

/** The gateway's. */
export const clientCertificateOptions = {
  /**
   * Whether clients are asked for a certificate on the control channel, and whether anybody can log in without one that
   * an authority in `clientCaFile` has issued.
   */
  clientCertificate: mode.default('off'),
  ...trustOptions,
};

/** A host's: without `clientCertificate` it is as at the gateway, without authorities of its own the gateway's count. */
export const hostClientCertificateOptions = { clientCertificate: mode.optional(), ...trustOptions };

/** When the checks here can run. */
export const IF_TRUST_SOUND = ifSound(...Object.keys(hostClientCertificateOptions));

/** What the checks look at. */
type Trust = {
  readonly clientCertificate?: 'off' | 'optional' | 'required' | undefined;
} & { readonly [Key in keyof typeof trustOptions]?: string | undefined };

/** Public authorities sign whoever pays: without a list of one's own, a certificate would say nothing. */
export function requireClientCa(tls: Trust, context: z.RefinementCtx): void {
  refuseTwoLists(tls, context);
  if (tls.clientCertificate === 'off' || hasAuthorities(tls)) return;
  context.addIssue({ code: 'custom', path: ['clientCaFile'], message: 'is missing' });
}

/** Lists of one authority say nothing of the certificates of another. */
export function requireOwnAuthorities(host: Trust, context: z.RefinementCtx): void {
  refuseTwoLists(host, context);
  if (host.crlFile === undefined || hasAuthorities(host)) return;
  context.addIssue({ code: 'custom', path: ['crlFile'], message: 'is for a host with client_ca_file' });
}

/** A host that asks although the gateway does not may take the authorities from there, if they are anywhere at all. */
export function requireSomeAuthorities(
  { tls, hosts }: { readonly tls?: Trust; readonly hosts?: readonly Trust[] },
  context: z.RefinementCtx,
): void {
  // Both may be missing where the whole is something else than a set of keys.
  if (tls === undefined) return;
  hosts?.forEach((host, index) => {
    const asks = (host.clientCertificate ?? tls.clientCertificate) !== 'off';
    if (!asks || hasAuthorities(host) || hasAuthorities(tls)) return;
    context.addIssue({ code: 'custom', path: ['hosts', index, 'clientCaFile'], message: 'is missing' });
  });
}

function hasAuthorities({ clientCaFile, clientCa }: Trust): boolean {
  return clientCaFile !== undefined || clientCa !== undefined;
}

function refuseTwoLists({ clientCaFile, clientCa }: Trust, context: z.RefinementCtx): void {
  if (clientCaFile === undefined || clientCa === undefined) return;
  context.addIssue({ code: 'custom', path: ['clientCa'], message: 'is given twice' });
}
