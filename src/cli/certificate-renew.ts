/**
 * Renewing a certificate: the same names and usages from the same authority, for the key that it has or for a new one. What
 * was there stays beside it as `.bak`, one generation. The key of somebody else is not needed: its public half is in the
 * certificate, so that those made from requests are renewed like all others.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../lib/clock.ts';
import { authorityFiles, besideCertificate, type CaOptions, folderOf, type KeyOptions } from './cert-options.ts';
import { type Authority, openKey, parsed, readAuthority } from './certificate-authority.ts';
import { certificatesIn, lockedKey, signedBy, warnOfDays } from './certificate-issue.ts';
import { isLocked, publicKeyDer } from './certificate-keys.ts';
import { KEY_BITS, type KeyType } from './certificate-names.ts';
import { nameText } from './certificate-names-der.ts';
import {
  type CertificateParts,
  constraintsOf,
  EXTENSION,
  isIssuedBy,
  isSelfIssued,
  purposesOf,
  subjectKey,
} from './certificate-parts.ts';
import { exists, type NewFile, writeFiles } from './certificate-write.ts';
import { DAY_MS, makeKey, period, selfSignedCertificate } from './certificates.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** How a certificate is renewed. */
export type RenewOptions = CaOptions &
  Omit<KeyOptions, 'keyType'> & {
    readonly days?: number;
    readonly newKey?: true;
    readonly key?: string;
    /** What opens the key that is there. */
    readonly keyPassphraseFile?: string;
  };

/** Renews the certificate in a file. @returns the files written. @throws CommandFailure when it cannot be renewed here. */
export async function renewCertificate(path: string, options: RenewOptions, terminal: Terminal) {
  const oldText = (await readFile(path)).toString('utf8');
  const [old] = parsed(path, () => certificatesIn(oldText));
  if (old === undefined) throw new CommandFailure('failure', `${path} has no certificate in PEM.`);
  const keyPath = options.key ?? besideCertificate(path, '.key');
  const nowMs = systemClock.now();
  const days = options.days ?? Math.max(1, Math.round((old.notAfterMs - old.notBeforeMs) / DAY_MS));
  const signer = isSelfIssued(old)
    ? await ownKey(path, keyPath, old, options, terminal)
    : await authorityOf(path, old, options, nowMs, terminal);
  if (options.newKey === true) refuseNewKey(path, old);
  if (purposesOf(old.extensions)?.includes('serverAuth') === true) warnOfDays(days, terminal);

  const oldKey = options.newKey === true ? await readOldKey(keyPath) : undefined;
  const key = options.newKey === true ? await makeKey(sameType(subjectKey(old))) : undefined;
  if (oldKey !== undefined) refuseUnlocking(keyPath, oldKey, options);
  const locked = key === undefined ? undefined : await lockedKey(key, options, terminal, keyPath);
  const contents = {
    subject: old.subject,
    spki: key === undefined ? old.spki : publicKeyDer(createPrivateKey(key)),
    extensions: old.extensions.filter(({ id }) => !NAMES_OF_KEYS.includes(id)),
  };
  const when = period({ nowMs, days });
  const cert =
    signer.kind === 'itself'
      ? selfSignedCertificate(key === undefined ? signer.key : createPrivateKey(key), { ...contents, ...when })
      : signedBy(signer.authority, contents, when, terminal) + signer.authority.intermediates;

  await writeFiles(backups(path, oldText, keyPath, oldKey), 'replace');
  const files: NewFile[] = [{ path, contents: cert, holds: 'certificate' }];
  if (locked !== undefined) files.unshift({ path: keyPath, contents: locked, holds: 'key' });
  const written = await writeFiles(files, 'replace');
  const p12 = besideCertificate(path, '.p12');
  if (await exists(p12))
    terminal.stderr.write(`${p12} still has the old one; 'sallyport cert p12 --force' makes it anew.\n`);
  return written;
}

type Signer =
  | { readonly kind: 'itself'; readonly key: KeyObject }
  | { readonly kind: 'authority'; readonly authority: Authority };

/** The extensions that name keys: they are made anew. */
const NAMES_OF_KEYS: readonly string[] = [EXTENSION.subjectKeyIdentifier, EXTENSION.authorityKeyIdentifier];

async function ownKey(
  path: string,
  keyPath: string,
  old: CertificateParts,
  { keyPassphraseFile }: RenewOptions,
  terminal: Terminal,
): Promise<Signer> {
  if (parsed(path, () => isIssuedBy(old, old)) !== true) {
    throw new CommandFailure(
      'failure',
      `${path} names itself as its issuer, but is not signed by its own key in a way that counts.`,
    );
  }
  const key = await openKey(keyPath, { file: keyPassphraseFile, option: '--key-passphrase-file' }, terminal);
  if (!publicKeyDer(key).equals(old.spki))
    throw new CommandFailure('failure', `${path} does not belong to ${keyPath}.`);
  return { kind: 'itself', key };
}

async function authorityOf(
  path: string,
  old: CertificateParts,
  options: RenewOptions,
  nowMs: number,
  terminal: Terminal,
): Promise<Signer> {
  if (constraintsOf(old.extensions).ca) {
    throw new CommandFailure('failure', `${path} is an authority below another one, which has to renew it.`);
  }
  const files = authorityFiles(options, folderOf(path));
  const authority = await readAuthority(files, nowMs, terminal);
  if (parsed(path, () => isIssuedBy(old, authority.certificate)) !== true) {
    throw new CommandFailure(
      'failure',
      `${path} was issued by ${nameText(old.issuer)} and not by ${files.cert}, so it cannot be renewed here. ` +
        "Say with --ca where its authority is, or ask that for a new one with 'sallyport cert csr --key'.",
    );
  }
  return { kind: 'authority', authority };
}

function refuseNewKey(path: string, old: CertificateParts): void {
  if (!constraintsOf(old.extensions).ca) return;
  throw new CommandFailure(
    'failure',
    `${path} is an authority: with a new key it would be another one, and nothing that it has signed would count. ` +
      "'sallyport cert ca' makes a new one in a folder of its own.",
  );
}

/** @throws CommandFailure when a new key would lie open where a locked one lay. */
function refuseUnlocking(keyPath: string, oldKey: string, { encryptKey, passphraseFile }: RenewOptions): void {
  if (!isLocked(oldKey) || encryptKey === true || passphraseFile !== undefined) return;
  throw new CommandFailure(
    'wrongUse',
    `${keyPath} is locked with a passphrase: say --encrypt-key or --passphrase-file for the new one, too.`,
  );
}

async function readOldKey(path: string): Promise<string> {
  if (await exists(path)) return readFile(path, 'utf8');
  throw new CommandFailure(
    'failure',
    `There is no ${path}: a certificate made from a request gets a new key where its old one is, by a new request.`,
  );
}

function backups(path: string, text: string, keyPath: string, key: string | undefined): readonly NewFile[] {
  return [
    ...(key === undefined ? [] : [{ path: `${keyPath}.bak`, contents: key, holds: 'key' as const }]),
    { path: `${path}.bak`, contents: text, holds: 'certificate' },
  ];
}

/** A key of the kind that was there; the next better one where that is not made any more. */
function sameType(key: KeyObject): KeyType {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'P-256' : 'P-384';
  return KEY_BITS.find((bits) => bits >= modulusLength) ?? 4096;
}
