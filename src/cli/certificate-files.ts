/**
 * The folder of certificates: which files there are, and what happens to those that exist. A key is written before its
 * certificate, so that whatever interrupts us leaves something that `complete` can finish: a certificate without its key
 * could never be used again.
 */
import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ifThere } from '../lib/error-code.ts';
import { whyNoAuthority } from './certificate-authority.ts';
import type { KeyType } from './certificate-names.ts';
import { firstCertificate } from './certificate-parts.ts';
import { alreadyThere } from './certificate-write.ts';
import type { CertificateWithKey } from './certificates.ts';
import {
  AUTHORITY_DAYS,
  makeAuthority,
  makeClientCertificate,
  makeKey,
  makeServerCertificate,
} from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import { writeWholeFile } from './whole-file.ts';

/** What happens to files that exist: `refuse` writes nothing at all, `complete` keeps them and adds what is missing. */
export type ExistingFiles = 'refuse' | 'complete' | 'replace';

/** What to make, and where. */
export interface CertificateRequest {
  readonly folder: string;
  /** The server's DNS names and addresses, as `subjectName` gives them. */
  readonly names: readonly string[];
  /** How long server and client certificates are valid. */
  readonly days: number;
  /** The kind of the keys. */
  readonly bits: KeyType;
  readonly existing: ExistingFiles;
  /** The time it is, in milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Writes a development authority (`ca`), a server certificate (`server`) and one certificate a client (`client-NAME`), each
 * as `.crt` and `.key`.
 *
 * @returns the paths of the files written, in their order.
 * @throws CommandFailure when files exist that must not, or those that exist cannot be completed.
 */
export async function writeDevelopmentCertificates(
  request: CertificateRequest & { readonly clients: readonly string[] },
): Promise<readonly string[]> {
  const { folder, names, clients, nowMs, days } = request;
  const caFiles = pairFiles(folder, 'ca');
  const leaves = [
    {
      files: pairFiles(folder, 'server'),
      issue: (key: string, ca: CertificateWithKey) => makeServerCertificate(key, ca, { names, nowMs, days }),
    },
    ...clients.map((name) => ({
      files: pairFiles(folder, `client-${name}`),
      issue: (key: string, ca: CertificateWithKey) => makeClientCertificate(key, ca, { name, nowMs, days }),
    })),
  ];

  const writer = await pairWriter(request, [caFiles, ...leaves.map(({ files }) => files)]);
  const unfinished = leaves.filter(({ files }) => !writer.finished(files));
  // An authority whose key was taken away for safety is no reason to stop when nothing is left to sign.
  if (unfinished.length === 0 && writer.exists(caFiles.cert)) return [];
  const ca = await writer.write(caFiles, (key) => makeAuthority(key, { nowMs, days: Math.max(days, AUTHORITY_DAYS) }));
  assertCanSign(caFiles, ca, nowMs);
  for (const { files, issue } of unfinished) await writer.write(files, (key) => issue(key, ca));
  return writer.written;
}

/**
 * Writes one self-signed server certificate, `server.crt` and `server.key`.
 *
 * @returns the paths of the files written. @throws CommandFailure as `writeDevelopmentCertificates` does.
 */
export async function writeSelfSignedCertificate(request: CertificateRequest): Promise<readonly string[]> {
  const files = pairFiles(request.folder, 'server');
  const writer = await pairWriter(request, [files]);
  if (!writer.finished(files)) await writer.write(files, (key) => makeServerCertificate(key, 'itself', request));
  return writer.written;
}

interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

function pairFiles(folder: string, name: string): PairFiles {
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

/** Reads what exists of `pairs` and writes what is missing. @throws CommandFailure when something exists and must not. */
async function pairWriter({ folder, bits, existing }: CertificateRequest, pairs: readonly PairFiles[]) {
  await mkdir(folder, { recursive: true });
  const paths = pairs.flatMap(({ cert, key }) => [cert, key]);
  const texts = new Map<string, string>();
  for (const path of paths) {
    const text = await ifThere(readFile(path, 'utf8'));
    if (text !== undefined) texts.set(path, text);
  }
  if (existing === 'refuse' && texts.size > 0) throw alreadyThere([...texts.keys()]);
  if (existing === 'replace') texts.clear();

  const written: string[] = [];
  const writeNew = async (path: string, text: string, mode: number) => {
    await writeWholeFile(path, text, { mode, existing: existing === 'replace' ? 'replace' : 'keep' }).catch((error) => {
      throw hasCode(error, 'EEXIST') ? alreadyThere([path]) : error;
    });
    written.push(path);
    return text;
  };

  return {
    written,
    exists: (path: string) => texts.has(path),
    finished: (files: PairFiles) => texts.has(files.cert) && texts.has(files.key),
    async write(files: PairFiles, issue: (key: string) => string): Promise<CertificateWithKey> {
      const cert = texts.get(files.cert);
      if (cert !== undefined && !texts.has(files.key)) {
        throw new CommandFailure(
          'failure',
          `${files.cert} has no ${files.key} to go with it. Bring the key back, or remove the certificate to have both made anew.`,
        );
      }
      const key = texts.get(files.key) ?? (await writeNew(files.key, await makeKey(bits), 0o600));
      return { key, cert: cert ?? (await writeNew(files.cert, issue(key), 0o644)) };
    },
  };
}

/** @throws CommandFailure when what is in the authority's files could sign nothing that a peer would believe. */
function assertCanSign(files: PairFiles, ca: CertificateWithKey, nowMs: number): void {
  const reason = whyNoAuthority(firstCertificate(ca.cert), createPrivateKey(ca.key), files.key, nowMs);
  if (reason !== undefined)
    throw new CommandFailure('failure', `${files.cert} ${reason}, so it cannot sign certificates.`);
}
