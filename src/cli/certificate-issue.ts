/** New certificates with new keys: an authority, servers, clients with their PKCS #12 file, and requests. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';
import {
  authorityFiles,
  besideCertificate,
  type CaOptions,
  type ClientNameOptions,
  type KeyOptions,
  newPassphrase,
  type OutOptions,
  type Pkcs12Options,
} from './cert-options.ts';
import { openKey, parsed, readAuthority } from './certificate-authority.ts';
import { lockKey, publicKeyDer } from './certificate-keys.ts';
import { CERTIFICATE_DAYS } from './certificate-names.ts';
import { type AlternativeName, distinguishedName, nameText } from './certificate-names-der.ts';
import { type CertificateParts, firstCertificate, readCertificate } from './certificate-parts.ts';
import { pemBlocks } from './certificate-pem.ts';
import { makeRequest } from './certificate-request.ts';
import { makeRevocationList } from './certificate-revocation.ts';
import { newSecretFor } from './certificate-secrets.ts';
import { type NewFile, refuseExisting, writeFiles } from './certificate-write.ts';
import {
  type Contents,
  certificate,
  clientContents,
  type Issuer,
  makeAuthority,
  makeKey,
  period,
  selfSignedCertificate,
  serverCommonName,
  serverContents,
} from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** What the command line says of a subject. */
interface SubjectOptions {
  readonly organization?: string;
  readonly country?: string;
}

export type AuthorityOptions = OutOptions &
  KeyOptions &
  SubjectOptions & { readonly days: number; readonly pathLength: number; readonly crlDays: number };

/** Makes an authority with an empty revocation list. @returns the files written. */
export async function issueAuthority(name: string, options: AuthorityOptions, terminal: Terminal) {
  const [keyPath, path, listPath] = ['ca.key', 'ca.crt', 'ca.crl'].map((file) => join(options.out, file));
  if (keyPath === undefined || path === undefined || listPath === undefined) return [];
  await refuseUnlessForced(options, [keyPath, path, listPath]);
  const key = await makeKey(options.keyType);
  const locked = await lockedKey(key, options, terminal, keyPath);
  const nowMs = systemClock.now();
  const { organization, country, days, pathLength } = options;
  const cert = makeAuthority(key, { subject: { commonName: name, organization, country }, nowMs, days, pathLength });
  const issuer: Issuer = { certificate: firstCertificate(cert), key: createPrivateKey(key) };
  const list = makeRevocationList(issuer, { previous: 'none', revocations: [], nowMs, days: options.crlDays });
  return writeFiles(
    [
      { path: keyPath, contents: locked, holds: 'key' },
      { path, contents: cert, holds: 'certificate' },
      { path: listPath, contents: list, holds: 'certificate' },
    ],
    existing(options),
  );
}

export type ServerOptions = OutOptions &
  CaOptions &
  KeyOptions & {
    readonly name: readonly string[];
    readonly days: number;
    readonly file: string;
    readonly selfSigned?: true;
  };

/** Makes a key and a certificate for a server. @returns the files written. */
export async function issueServer(options: ServerOptions, terminal: Terminal): Promise<readonly string[]> {
  const pair = pairPaths(options.out, options.file);
  await refuseUnlessForced(options, Object.values(pair));
  const nowMs = systemClock.now();
  const authority = options.selfSigned ? 'itself' : await readAuthority(authorityFilesOf(options), nowMs, terminal);
  warnOfDays(options.days, terminal);
  const key = await makeKey(options.keyType);
  const locked = await lockedKey(key, options, terminal, pair.key);
  const contents = serverContents(publicKeyDer(createPrivateKey(key)), options.name);
  const when = period({ nowMs, days: options.days });
  const cert =
    authority === 'itself'
      ? selfSignedCertificate(createPrivateKey(key), { ...contents, ...when })
      : signedBy(authority, contents, when, terminal) + authority.intermediates;
  return writeFiles(pairFiles(pair, locked, cert), existing(options));
}

export type ClientOptions = OutOptions &
  CaOptions &
  KeyOptions &
  ClientNameOptions &
  Pkcs12Options & { readonly days: number; readonly p12?: true };

/** Makes a key and a certificate for a client, and a PKCS #12 file if one is wanted. @returns the files written. */
export async function issueClient(name: string, options: ClientOptions, terminal: Terminal) {
  const pair = pairPaths(options.out, `client-${name}`);
  const p12Path = join(options.out, `client-${name}.p12`);
  await refuseUnlessForced(options, [...Object.values(pair), ...(options.p12 ? [p12Path] : [])]);
  const nowMs = systemClock.now();
  const authority = await readAuthority(authorityFilesOf(options), nowMs, terminal);
  const key = await makeKey(options.keyType);
  const locked = await lockedKey(key, options, terminal, pair.key);
  const contents = clientContents(publicKeyDer(createPrivateKey(key)), name, clientAlternatives(options));
  const cert = signedBy(authority, contents, period({ nowMs, days: options.days }), terminal) + authority.intermediates;
  const files = [...pairFiles(pair, locked, cert)];
  if (options.p12) {
    const chain = certificatesIn(authority.pem).map(({ raw }) => raw);
    files.push(await pkcs12File(p12Path, { cert, key, chain, name }, options, terminal));
  }
  return writeFiles(files, existing(options));
}

export type ExportOptions = Pkcs12Options &
  Omit<OutOptions, 'out'> & {
    readonly key?: string;
    readonly passphraseFile?: string;
    readonly chain?: string;
    readonly out?: string;
  };

/** Puts a certificate that is there, its key and its authorities into a PKCS #12 file. @returns the file written. */
export async function exportPkcs12(path: string, options: ExportOptions, terminal: Terminal) {
  const p12Path = options.out ?? besideCertificate(path, '.p12');
  await refuseUnlessForced(options, [p12Path]);
  const text = (await readFile(path)).toString('utf8');
  const [leaf, ...behind] = parsed(path, () => certificatesIn(text));
  if (leaf === undefined) throw new CommandFailure('failure', `${path} has no certificate in PEM.`);
  const keyPath = options.key ?? besideCertificate(path, '.key');
  const key = await openKey(keyPath, { file: options.passphraseFile, option: '--passphrase-file' }, terminal);
  if (!publicKeyDer(key).equals(leaf.spki))
    throw new CommandFailure('failure', `${path} does not belong to ${keyPath}.`);
  const chainPath = options.chain;
  const more = chainPath === undefined ? [] : await readChain(chainPath);
  const chain = [...behind, ...more]
    .map(({ raw }) => raw)
    .filter((der, at, all) => all.findIndex((one) => one.equals(der)) === at);
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const file = await pkcs12File(
    p12Path,
    { cert: text, key: pem, chain, name: nameText(leaf.subject) },
    options,
    terminal,
  );
  return writeFiles([file], existing(options));
}

export type RequestOptions = OutOptions &
  KeyOptions &
  SubjectOptions &
  ClientNameOptions & {
    readonly name: readonly string[];
    readonly client?: string;
    readonly file: string;
    readonly key?: string;
  };

/** Makes a request, with a new key or for one that is there. @returns the files written. */
export async function issueRequest(options: RequestOptions, terminal: Terminal): Promise<readonly string[]> {
  const base = options.client === undefined ? options.file : `client-${options.client}`;
  const [keyPath, path] = [join(options.out, `${base}.key`), join(options.out, `${base}.csr`)];
  await refuseUnlessForced(options, options.key === undefined ? [keyPath, path] : [path]);
  const source = { file: options.passphraseFile, option: '--passphrase-file' };
  const key =
    options.key === undefined
      ? await makeKey(options.keyType)
      : (await openKey(options.key, source, terminal)).export({ type: 'pkcs8', format: 'pem' }).toString();
  const spki = publicKeyDer(createPrivateKey(key));
  const { extensions } =
    options.client === undefined
      ? serverContents(spki, options.name)
      : clientContents(spki, options.client, clientAlternatives(options));
  const { organization, country } = options;
  const commonName = options.client ?? serverCommonName(options.name);
  const request = makeRequest(key, distinguishedName({ commonName, organization, country }), extensions);
  const files: NewFile[] = [{ path, contents: request, holds: 'certificate' }];
  if (options.key === undefined)
    files.unshift({ path: keyPath, contents: await lockedKey(key, options, terminal, keyPath), holds: 'key' });
  return writeFiles(files, existing(options));
}

/** The alternative names of a client. */
export function clientAlternatives({ email, dns, uri }: ClientNameOptions): readonly AlternativeName[] {
  return [
    ...email.map((name): AlternativeName => `email:${name}`),
    ...dns.map((name): AlternativeName => `dns:${name}`),
    ...uri.map((name): AlternativeName => `uri:${name}`),
  ];
}

/** A certificate by the authority, which ends no later than the authority does. @returns PEM. */
export function signedBy(
  issuer: Issuer,
  contents: Contents,
  when: { readonly notBeforeMs: number; readonly notAfterMs: number },
  terminal: Terminal,
): string {
  const end = issuer.certificate.notAfterMs;
  if (when.notAfterMs > end) {
    const date = new Date(end).toISOString().slice(0, 10);
    terminal.stderr.write(`Warning: it ends on ${date}, since the authority does.\n`);
  }
  return certificate(issuer, { ...contents, ...when, notAfterMs: Math.min(when.notAfterMs, end) });
}

/** Says when a server's certificate lasts longer than some clients take. */
export function warnOfDays(days: number, terminal: Terminal): void {
  if (days <= CERTIFICATE_DAYS) return;
  terminal.stderr.write(
    `Warning: several clients refuse server certificates that are valid for more than ${CERTIFICATE_DAYS} days.\n`,
  );
}

/** A new key as it goes into its file: locked, if that is wanted. */
export async function lockedKey(
  key: string,
  options: Omit<KeyOptions, 'keyType'>,
  terminal: Terminal,
  what: string,
): Promise<string> {
  const source = newPassphrase(options);
  return source === undefined ? key : lockKey(key, await newSecretFor(source, terminal, `New passphrase of ${what}: `));
}

/** The certificates in a PEM text, in their order. */
export function certificatesIn(pem: string): readonly CertificateParts[] {
  return pemBlocks(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ bytes }) => readCertificate(bytes));
}

/** What happens to files that are there. */
export function existing({ force }: { readonly force?: true }): 'keep' | 'replace' {
  return force === true ? 'replace' : 'keep';
}

async function pkcs12File(
  path: string,
  { cert, key, chain, name }: { cert: string; key: string; chain: readonly Buffer[]; name: string },
  options: Pkcs12Options,
  terminal: Terminal,
): Promise<NewFile> {
  const source = { file: options.p12PasswordFile, option: '--p12-password-file' };
  const password: Secret = await newSecretFor(source, terminal, `New password of ${path}: `);
  // node-forge, 14 MB, is for these files only.
  const { makePkcs12 } = await import('./certificate-pkcs12.ts');
  const strength = options.legacy === true ? 'legacy' : 'modern';
  const friendlyName = options.friendlyName ?? name;
  return { path, contents: makePkcs12({ cert, key, chain, friendlyName, password, strength }), holds: 'key' };
}

async function readChain(path: string): Promise<readonly CertificateParts[]> {
  const text = (await readFile(path)).toString('utf8');
  return parsed(path, () => certificatesIn(text));
}

function authorityFilesOf(options: OutOptions & CaOptions) {
  return authorityFiles(options, options.out);
}

async function refuseUnlessForced(options: { readonly force?: true }, paths: readonly string[]): Promise<void> {
  if (options.force !== true) await refuseExisting(paths);
}

function pairPaths(folder: string, base: string) {
  return { key: join(folder, `${base}.key`), cert: join(folder, `${base}.crt`) };
}

function pairFiles(paths: { key: string; cert: string }, key: string, cert: string): readonly NewFile[] {
  return [
    { path: paths.key, contents: key, holds: 'key' },
    { path: paths.cert, contents: cert, holds: 'certificate' },
  ];
}
