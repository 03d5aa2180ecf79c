/** The authority that signs: its certificate and key as they lie in files, and whether they can sign at all. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { openToOthers } from '../config/secret-mode.ts';
import { DerError } from '../lib/der.ts';
import { ifThere } from '../lib/error-code.ts';
import { isLocked, publicKeyDer, whyNoSigner } from './certificate-keys.ts';
import {
  type CertificateParts,
  constraintsOf,
  firstCertificate,
  isSelfIssued,
  keyUsagesOf,
} from './certificate-parts.ts';
import { type SecretSource, secretFor } from './certificate-secrets.ts';
import type { Issuer } from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** Where an authority lies, and what opens its key. */
export interface AuthorityFiles {
  readonly cert: string;
  readonly key: string;
  readonly passphrase: SecretSource;
}

/** An authority that can sign. */
export interface Authority extends Issuer {
  /** What goes behind the certificates that it signs (PEM): itself, unless it is a root, which peers have already. */
  readonly intermediates: string;
  /** All that is in its file, PEM. */
  readonly pem: string;
}

/** The authority in these files. @throws CommandFailure when it cannot sign what a peer would believe. */
export async function readAuthority(files: AuthorityFiles, nowMs: number, terminal: Terminal): Promise<Authority> {
  const pem = (await readAuthorityFile(files.cert)).toString('utf8');
  const certificate = parsed(files.cert, () => firstCertificate(pem));
  const key = await openKey(files.key, files.passphrase, terminal);
  const reason = whyNoAuthority(certificate, key, files.key, nowMs);
  if (reason !== undefined)
    throw new CommandFailure('failure', `${files.cert} ${reason}, so it cannot sign certificates.`);
  return { certificate, key, pem, intermediates: isSelfIssued(certificate) ? '' : pem };
}

/** Why nothing that these two sign would be believed, in words behind the certificate's file; undefined when it would. */
export function whyNoAuthority(
  certificate: CertificateParts,
  key: KeyObject,
  keyFile: string,
  nowMs: number,
): string | undefined {
  if (!constraintsOf(certificate.extensions).ca) return 'is not the certificate of an authority';
  const usages = keyUsagesOf(certificate.extensions);
  if (usages !== undefined && !usages.includes('keyCertSign')) return 'is not for signing certificates';
  const signer = whyNoSigner(key);
  if (signer !== undefined) return signer;
  if (!publicKeyDer(key).equals(certificate.spki)) return `does not belong to ${keyFile}`;
  return certificate.notAfterMs <= nowMs ? 'has expired' : undefined;
}

/** A private key from its file, opened with its passphrase if it has one; a file that others may read is told of. */
export async function openKey(path: string, source: SecretSource, terminal: Terminal): Promise<KeyObject> {
  const pem = await ifThere(readFile(path, 'utf8'));
  if (pem === undefined) throw new CommandFailure('failure', `There is no ${path}, the key that is needed for this.`);
  const open = openToOthers(path, (await stat(path)).mode);
  if (open !== undefined) terminal.stderr.write(`Warning: ${path} ${open}.\n`);
  if (!isLocked(pem)) return parsed(path, () => createPrivateKey(pem));
  const passphrase = await secretFor(source, terminal, `Passphrase of ${path}: `);
  try {
    return createPrivateKey({ key: pem, passphrase: passphrase.reveal() });
  } catch (error) {
    throw new CommandFailure('failure', `${path} is not opened by that passphrase.`, { cause: error });
  }
}

/** What `read` makes of a file. @throws CommandFailure that names the file when it is damaged or something else. */
export function parsed<Value>(path: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    // OpenSSL's words are about its own insides; ours say what is wrong.
    const reason = error instanceof DerError ? ` (${error.message})` : '';
    throw new CommandFailure('failure', `${path} cannot be read as what it should be${reason}.`, { cause: error });
  }
}

async function readAuthorityFile(path: string): Promise<Buffer> {
  const contents = await ifThere(readFile(path));
  if (contents !== undefined) return contents;
  throw new CommandFailure(
    'failure',
    `There is no ${path}, the authority that should sign. 'sallyport cert ca' makes one; --ca says where another is.`,
  );
}
