/** Revoking certificates, and making the revocation list anew before it grows old. */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../lib/clock.ts';
import { authorityFiles, besideCertificate, type CaOptions } from './cert-options.ts';
import { type Authority, parsed, readAuthority } from './certificate-authority.ts';
import { certificatesIn } from './certificate-issue.ts';
import {
  isIssuedBy,
  keyUsagesOf,
  type Revocation,
  type RevocationListParts,
  readRevocationList,
} from './certificate-parts.ts';
import { pemBlocks } from './certificate-pem.ts';
import { makeRevocationList } from './certificate-revocation.ts';
import { exists, writeFiles } from './certificate-write.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** Which list, of whom, and for how long. */
export type ListOptions = CaOptions & { readonly crl?: string; readonly days: number; readonly new?: true };

/** What is revoked, and why. */
export type RevokeOptions = ListOptions & { readonly serial: readonly string[]; readonly reason: number };

/**
 * Puts certificates on the list of their authority. Those that are on it already stay as they are.
 *
 * @returns the file written. @throws CommandFailure for a certificate of somebody else.
 */
export async function revoke(paths: readonly string[], options: RevokeOptions, terminal: Terminal) {
  if (paths.length + options.serial.length === 0) {
    throw new CommandFailure('wrongUse', 'Say what to revoke: certificate files, or --serial.');
  }
  const nowMs = systemClock.now();
  const { authority, listPath, previous } = await readList(options, nowMs, terminal);
  const serials = [...options.serial];
  for (const path of paths) serials.push(await serialOf(path, authority));

  const revocations = [...(previous === 'none' ? [] : previous.revocations)];
  for (const serialNumber of serials) {
    if (revocations.some((known) => known.serialNumber === serialNumber)) {
      terminal.stderr.write(`${serialNumber} was revoked before.\n`);
      continue;
    }
    const revocation: Revocation = { serialNumber, revokedMs: nowMs, reason: options.reason };
    revocations.push(revocation);
    terminal.stderr.write(`Revoked ${serialNumber}.\n`);
  }
  return writeList(listPath, makeRevocationList(authority, { previous, revocations, nowMs, days: options.days }));
}

/** Makes the list anew, with what is on it. @returns the file written. */
export async function renewList(options: ListOptions, terminal: Terminal): Promise<readonly string[]> {
  const nowMs = systemClock.now();
  const { authority, listPath, previous } = await readList(options, nowMs, terminal);
  const revocations = previous === 'none' ? [] : previous.revocations;
  return writeList(listPath, makeRevocationList(authority, { previous, revocations, nowMs, days: options.days }));
}

async function readList(
  options: ListOptions,
  nowMs: number,
  terminal: Terminal,
): Promise<{ authority: Authority; listPath: string; previous: RevocationListParts | 'none' }> {
  const files = authorityFiles(options, 'certs');
  const listPath = options.crl ?? besideCertificate(files.cert, '.crl');
  const there = await exists(listPath);
  if (!there && options.new !== true) {
    // To begin anew in silence would let in everybody who has been shut out, had the list only been mislaid.
    throw new CommandFailure('failure', `There is no ${listPath}. Bring it back, or begin a list with --new.`);
  }
  if (there && options.new === true) {
    throw new CommandFailure('failure', `${listPath} exists: without --new its revocations are kept.`);
  }
  const authority = await readAuthority(files, nowMs, terminal);
  if (keyUsagesOf(authority.certificate.extensions)?.includes('cRLSign') === false) {
    throw new CommandFailure('failure', `${files.cert} is not for signing revocation lists.`);
  }
  if (!there) return { authority, listPath, previous: 'none' };
  const bytes = await readFile(listPath);
  const [block] = pemBlocks(bytes.toString('latin1'));
  const previous = parsed(listPath, () => readRevocationList(block?.bytes ?? bytes));
  if (isIssuedBy(previous, authority.certificate) !== true) {
    throw new CommandFailure('failure', `${listPath} is not signed by ${files.cert}; nothing on it can be believed.`);
  }
  return { authority, listPath, previous };
}

async function serialOf(path: string, authority: Authority): Promise<string> {
  const text = (await readFile(path)).toString('utf8');
  const [found] = parsed(path, () => certificatesIn(text));
  if (found === undefined) throw new CommandFailure('failure', `${path} has no certificate in PEM.`);
  if (found.raw.equals(authority.certificate.raw)) {
    throw new CommandFailure('failure', `${path} is the authority itself: who trusts it has to stop doing so.`);
  }
  if (isIssuedBy(found, authority.certificate) === true) return found.serialNumber;
  throw new CommandFailure('failure', `${path} was not issued by this authority, whose list would not count for it.`);
}

/** The list is the one file that is always replaced: what was in it is in the new one. */
function writeList(path: string, list: string): Promise<readonly string[]> {
  return writeFiles([{ path, contents: list, holds: 'certificate' }], 'replace');
}
