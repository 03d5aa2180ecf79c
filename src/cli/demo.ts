/**
 * A first try in two commands: what `serve --demo` writes before it serves. Every step looks whether it has been done, so
 * that a second start reuses everything and one after an interruption completes it. Nothing that exists is overwritten.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatePassword, hashPassword } from '../auth/password-hash.ts';
import { addUser } from '../config/users-file.ts';
import { hasCode } from '../lib/error-code.ts';
import type { Secret } from '../lib/secret.ts';
import { writeDevelopmentCertificates } from './certificate-files.ts';
import { CERTIFICATE_DAYS, LOCAL_NAMES } from './certificate-names.ts';
import { CommandFailure } from './command-failure.ts';
import { shellWord } from './shell-word.ts';
import { writeWholeFile } from './whole-file.ts';

/** What the demo consists of. Paths are as the operator would type them. */
export interface Demo {
  readonly caFile: string;
  readonly usersFile: string;
  readonly configFile: string;
  readonly homeFolder: string;
  /** The account's password, on the start that made the account; undefined ever after. */
  readonly password: Secret | undefined;
  /** The files that this start has written. */
  readonly written: readonly string[];
}

/**
 * Writes what is missing below `folder`; `nowMs` is the time in milliseconds since 1970.
 *
 * @throws CommandFailure when a certificate has expired, or is of no use without what has been taken away.
 */
export async function prepareDemo(folder: string, nowMs: number): Promise<Demo> {
  const certificateFolder = join(folder, 'certs');
  const stateFolder = join(folder, 'var');
  const homeFolder = join(stateFolder, ACCOUNT);
  const usersFile = join(stateFolder, 'users.yaml');
  const configFile = join(stateFolder, 'sallyport.yaml');
  const caFile = join(certificateFolder, 'ca.crt');

  const certificates = await writeDevelopmentCertificates({
    folder: certificateFolder,
    names: LOCAL_NAMES,
    clients: [],
    days: CERTIFICATE_DAYS,
    bits: 2048,
    existing: 'complete',
    nowMs,
  });
  for (const path of [caFile, join(certificateFolder, 'server.crt')])
    await refuseExpired(path, certificateFolder, nowMs);

  await mkdir(homeFolder, { recursive: true, mode: 0o750 });
  const configWritten = await writeConfiguration(configFile);
  const password = await addAccount(usersFile);
  return {
    caFile,
    usersFile,
    configFile,
    homeFolder,
    password,
    written: [...certificates, ...(configWritten ? [configFile] : []), ...(password === undefined ? [] : [usersFile])],
  };
}

/** What to say before the start: what was written, and the account. */
export function demoPreamble({ written, password, usersFile }: Demo): string {
  const files = written.map((path) => `Wrote ${path}\n`).join('');
  const told =
    password === undefined
      ? 'the one shown when the account was made. For a new one run\n' +
        `            npm run sallyport -- user passwd ${ACCOUNT} --users ${shellWord(usersFile)}`
      : `${password.reveal()}   (shown this once: only its hash is kept)`;
  return `${files}\n  account   ${ACCOUNT}\n  password  ${told}\n\n`;
}

/** What to say once it listens: commands to paste that upload, list and fetch, the server's certificate checked. */
export function demoCommands({ caFile, password, homeFolder, configFile }: Demo, port: number): string {
  // Without the password here, curl asks for it.
  const user = password === undefined ? ACCOUNT : `${ACCOUNT}:${password.reveal()}`;
  const curl = `  curl --ssl-reqd --cacert ${shellWord(caFile)} --user ${user}`;
  const url = `ftp://localhost:${port}/`;
  return `
Upload a file, list what is there, and fetch it again, over TLS and with the certificate checked:
${curl} -T README.md ${url}
${curl} ${url}
${curl} -o fetched.md ${url}README.md

Uploads arrive in ${homeFolder}, the configuration is ${configFile}. Ctrl-C stops the server.

`;
}

const ACCOUNT = 'demo';

/** @returns the new account's password; undefined when there is an account of that name already. */
async function addAccount(usersFile: string): Promise<Secret | undefined> {
  const password = generatePassword();
  const passwordHash = await hashPassword(password);
  const added = await addUser(usersFile, { name: ACCOUNT, passwordHash, home: ACCOUNT, permissions: 'elradfmwMT' });
  return added ? password : undefined;
}

/** @returns whether it had to be written. */
async function writeConfiguration(path: string): Promise<boolean> {
  try {
    await writeWholeFile(path, CONFIGURATION, { mode: 0o644, existing: 'keep' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function refuseExpired(path: string, folder: string, nowMs: number): Promise<void> {
  const { validToDate } = new X509Certificate(await readFile(path));
  if (validToDate.getTime() > nowMs) return;
  throw new CommandFailure(
    'failure',
    `${path} expired on ${validToDate.toISOString().slice(0, 10)}. To make all development certificates anew:\n` +
      `  npm run sallyport -- cert dev --force --out ${shellWord(folder)}`,
  );
}

const CONFIGURATION = `# What 'npm start' serves. Change it as you like: it is written once and never overwritten.
# Relative paths are relative to this file. 'npm run sallyport -- check -c var/sallyport.yaml' checks it.

listen:
  - host: 127.0.0.1
    port: 2121
    tls: explicit

tls:
  certificate_file: ../certs/server.crt
  key_file: ../certs/server.key

# No password and no file ever crosses the network in clear.
tls_control_required: true
tls_data_required: true

passive:
  port_min: 50000
  port_max: 50999

# Accounts: 'npm run sallyport -- user --help' says how to add one.
users_file: users.yaml
`;
