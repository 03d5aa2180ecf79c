/**
 * Checks what a schema cannot see: that the directories and files which a configuration names are there and of use. It
 * looks at whatever could be read, also when other parts are wrong, so that all mistakes show at once.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseHostName } from '../protocol/host-name.ts';
import { readBoundedFile, whyNot } from './bounded-file.ts';
import type { KeyPath } from './key-names.ts';

/** A mistake whose place in the file is known by its path alone. */
export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
}

/** What the checks need to know. */
export interface RealityOptions {
  /** The folder that relative paths at a place are relative to: that of the file in which they stand. */
  baseDirAt(path: KeyPath): string;
  /** Now, in milliseconds since 1970 (UTC). */
  readonly nowMs: number;
}

/** Checks that the home of every user is a directory. The value need not be valid otherwise. */
export async function homeFindings(
  value: unknown,
  { baseDirAt }: Pick<RealityOptions, 'baseDirAt'>,
): Promise<Finding[]> {
  const { users = [] } = sketch.parse(value);
  const findings = users.map(async ({ home }, index) => {
    const path = ['users', index, 'home'];
    const message = home ? await notADirectory(resolve(baseDirAt(path), home)) : undefined;
    return message === undefined ? [] : [{ path, message }];
  });
  return (await Promise.all(findings)).flat();
}

/**
 * Checks that each certificate and key can be used, now and with each other, and that the certificate of a virtual host
 * is for its name. The value need not be valid otherwise.
 */
export async function tlsFindings(value: unknown, options: RealityOptions): Promise<Finding[]> {
  const { tls = {}, hosts = [] } = sketch.parse(value);
  const findings = [
    pairFindings(['tls'], tls, options),
    ...hosts.map((host, index) => pairFindings(['hosts', index], host, options)),
  ];
  return (await Promise.all(findings)).flat();
}

const FILE_BYTES_MAX = 1_048_576;

/** Certificate and key of the gateway, or of the host that has a name. */
interface Pair {
  readonly name?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly key?: string | undefined;
}

const pairSketch = {
  certificateFile: z.string().optional().catch(undefined),
  keyFile: z.string().optional().catch(undefined),
  key: z.string().optional().catch(undefined),
};

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    users: z
      .array(z.object({ home: z.string().optional().catch(undefined) }).catch({}))
      .optional()
      .catch(undefined),
    tls: z.object(pairSketch).optional().catch(undefined),
    hosts: z
      .array(z.object({ ...pairSketch, name: z.string().optional().catch(undefined) }).catch({}))
      .optional()
      .catch(undefined),
  })
  .catch({});

async function pairFindings(at: KeyPath, pair: Pair, options: RealityOptions): Promise<Finding[]> {
  const { name, certificateFile, keyFile, key } = pair;
  const findings: Finding[] = [];
  const find = (option: keyof Pair, message: string) => findings.push({ path: [...at, option], message });
  // A configuration is copied, mailed and committed; a key in it would travel along.
  if (key) find('key', 'belongs in a file of its own: use key_file');
  const place = (option: keyof Pair) => ({ baseDir: options.baseDirAt([...at, option]), nowMs: options.nowMs });
  const certificate = certificateFile
    ? await readCertificate(certificateFile, (message) => find('certificateFile', message), place('certificateFile'))
    : undefined;
  const privateKey = keyFile
    ? await readKey(keyFile, (message) => find('keyFile', message), place('keyFile'))
    : undefined;
  if (certificate !== undefined && privateKey !== undefined && !certificate.checkPrivateKey(privateKey)) {
    find('keyFile', 'does not belong to the certificate');
  }
  // A name that is none is the schema's business.
  const host = name && parseHostName(name);
  if (certificate !== undefined && host && certificate.checkHost(host) === undefined) {
    find('certificateFile', `is not for ${host}`);
  }
  return findings;
}

async function notADirectory(folder: string): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : `is not a directory: ${folder}`;
  } catch (error) {
    return `${whyNot(error)}: ${folder}`;
  }
}

/** What a relative name is relative to, and the time. */
interface FilePlace {
  readonly baseDir: string;
  readonly nowMs: number;
}

async function readCertificate(
  file: string,
  find: (message: string) => void,
  { baseDir, nowMs }: FilePlace,
): Promise<X509Certificate | undefined> {
  const read = await readBoundedFile(resolve(baseDir, file), FILE_BYTES_MAX);
  if (!read.ok) {
    find(read.message);
    return undefined;
  }
  const certificate = attempt(() => new X509Certificate(read.text));
  if (certificate === undefined) {
    find('holds no certificate in PEM form');
    return undefined;
  }
  if (Date.parse(certificate.validTo) < nowMs) {
    find(`has expired: it was valid until ${certificate.validTo}`);
  }
  if (Date.parse(certificate.validFrom) > nowMs) {
    find(`is not valid yet: only from ${certificate.validFrom}`);
  }
  return certificate;
}

async function readKey(
  file: string,
  find: (message: string) => void,
  { baseDir }: FilePlace,
): Promise<KeyObject | undefined> {
  const read = await readBoundedFile(resolve(baseDir, file), FILE_BYTES_MAX);
  if (!read.ok) {
    find(read.message);
    return undefined;
  }
  if ((read.mode & 0o077) !== 0 && process.platform !== 'win32') {
    const mode = read.mode.toString(8).padStart(4, '0');
    find(`can be used by others (mode ${mode}): run chmod 600 ${file}`);
  }
  const key = attempt(() => createPrivateKey(read.text));
  if (key === undefined) {
    find('holds no private key in PEM form, or one that needs a passphrase');
  }
  return key;
}

/** The parser's own words help nobody and may quote the file, so that only its success is of interest. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
