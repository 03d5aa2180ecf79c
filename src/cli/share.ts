/**
 * Sharing a folder in one line: what `serve --anonymous` serves. Nothing is written down but the certificate that clients
 * have to trust; keys stay in memory and are gone with the process.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { GatewayOptionsInput } from '../config/options.ts';
import { LOCAL_NAMES } from './certificate-names.ts';
import { makeAuthority, makeKey, makeServerCertificate } from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import { shellWord } from './shell-word.ts';

/** What is asked for on the command line. */
export interface ShareOptions {
  readonly directory: string;
  readonly port: number;
  /** The address to listen on. */
  readonly interface: string;
  /** Whether guests may change anything. */
  readonly write: boolean;
}

/** A folder that is ready to be shared. */
export interface Share {
  readonly options: GatewayOptionsInput;
  /** The authority's certificate, PEM, for clients. */
  readonly caFile: string;
  /** SHA-256 of the server's certificate, as openssl writes it. */
  readonly fingerprint: string;
  /** Removes what was written. */
  remove(): Promise<void>;
}

/** How long such a server may run before its certificate has expired, in days. */
const DAYS = 90;

/** Makes it ready. @throws CommandFailure when there is no such folder. */
export async function prepareShare(wanted: ShareOptions, nowMs: number): Promise<Share> {
  const home = resolve(wanted.directory);
  if (isIP(wanted.interface) === 0) {
    throw new CommandFailure(
      'wrongUse',
      `${wanted.interface} is no IP address; 0.0.0.0 is every IPv4 address of this machine.`,
    );
  }
  const isDirectory = await stat(home).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new CommandFailure('wrongUse', `${wanted.directory} is no folder that can be shared.`);

  const [authorityKey, key] = await Promise.all([makeKey(2048), makeKey(2048)]);
  const validity = { nowMs, days: DAYS };
  const ca = makeAuthority(authorityKey, validity);
  const certificate = makeServerCertificate(
    key,
    { cert: ca, key: authorityKey },
    { ...validity, names: names(wanted) },
  );
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  const caFile = join(folder, 'ca.crt');
  await writeFile(caFile, ca, { mode: 0o644 });
  return {
    options: {
      listen: [{ host: wanted.interface, port: wanted.port }],
      tls: { certificate, key },
      passive: { portMin: 0, portMax: 0 },
      authentication: [{ type: 'anonymous', account: { home, permissions: wanted.write ? 'elradfmwMT' : 'elr' } }],
    },
    caFile,
    fingerprint: new X509Certificate(certificate).fingerprint256,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What to say once it listens: what is shared, to whom, and a command to paste. */
export function shareAnnouncement({ caFile, fingerprint }: Share, wanted: ShareOptions, port: number): string {
  const may = wanted.write ? 'read, store, rename and DELETE' : 'list and read';
  const reach =
    wanted.interface === '127.0.0.1' || wanted.interface === '::1'
      ? 'Programs on this machine'
      : 'EVERYBODY who can reach it';
  const curl = `  curl --ssl-reqd --cacert ${shellWord(caFile)}`;
  const url = `ftp://localhost:${port}/`;
  return `
Sharing ${resolve(wanted.directory)}: ${reach} may ${may} what is in it, as 'anonymous' with any password.

${curl} ${url}
${wanted.write ? `${curl} -T README.md ${url}\n` : ''}
The certificate is made anew at each start; SHA-256 ${fingerprint}.
Ctrl-C stops the server.

`;
}

/** The names by which clients may come: those of this machine, and the address that was asked for. */
function names(wanted: ShareOptions): string[] {
  const any = wanted.interface === '0.0.0.0' || wanted.interface === '::';
  const own = /^[A-Za-z0-9.-]+$/.test(hostname()) ? [hostname()] : [];
  return [...new Set([...LOCAL_NAMES, ...own, ...(any ? [] : [wanted.interface])])];
}
