/** Options that the actions of `sallyport cert` share, and what their words on the command line become. */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { AuthorityFiles } from './certificate-authority.ts';
import {
  CERTIFICATE_DAYS,
  isClientName,
  isMailAddress,
  isTitle,
  isUri,
  KEY_TYPES,
  type KeyType,
  LOCAL_NAMES,
  subjectName,
} from './certificate-names.ts';
import type { SecretSource } from './certificate-secrets.ts';
import type { Terminal } from './terminal.ts';

/** Where new files go, and whether they may take the place of others. */
export interface OutOptions {
  readonly out: string;
  readonly force?: true;
}

/** Which authority signs. */
export interface CaOptions {
  readonly ca?: string;
  readonly caKey?: string;
  readonly caPassphraseFile?: string;
}

/** What key is made, and what locks it. */
export interface KeyOptions {
  readonly keyType: KeyType;
  readonly encryptKey?: true;
  readonly passphraseFile?: string;
}

/** The names of a client beside its common name. */
export interface ClientNameOptions {
  readonly email: readonly string[];
  readonly dns: readonly string[];
  readonly uri: readonly string[];
}

/** How a PKCS #12 file is made. */
export interface Pkcs12Options {
  readonly p12PasswordFile?: string;
  readonly friendlyName?: string;
  readonly legacy?: true;
}

/** The end of every help text; `failure` says what went wrong with exit code 1. */
export function exitHelp(failure = 'files exist already, or something could not be read or written'): string {
  return `
Exit codes:
  0  done; the files written are listed on standard output
  1  ${failure}
  2  wrong options`;
}

export function withOut(command: Command): Command {
  return command
    .option('--out <folder>', 'where to write; made when missing', 'certs')
    .option('--force', 'replace files that exist');
}

export function withCa(command: Command, defaultFile = 'ca.crt in the folder'): Command {
  return command
    .option('--ca <file>', `the certificate of the authority that signs (default: ${defaultFile})`)
    .option('--ca-key <file>', 'its key (default: the file of that name with .key)')
    .option('--ca-passphrase-file <file>', 'the passphrase of its key, if it has one; asked for otherwise');
}

export function withKey(command: Command, preset: string): Command {
  return command
    .addOption(
      new Option('--key-type <type>', `what key to make: ${[...KEY_TYPES.keys()].join(', ')}`)
        .argParser(parseKeyType)
        .default(KEY_TYPES.get(preset), preset),
    )
    .option('--encrypt-key', 'lock the new key with a passphrase, which is asked for')
    .option('--passphrase-file <file>', 'lock the new key with the passphrase in this file (mode 0600 or 0640)');
}

export function withDays(command: Command, meaning = 'how long the certificate is valid'): Command {
  return command.addOption(
    new Option('--days <count>', `${meaning}, 1 to ${DAYS_MAX}`).argParser(parseDays).default(CERTIFICATE_DAYS),
  );
}

export function withServerNames(command: Command): Command {
  return command.addOption(
    new Option('--name <name>', 'a DNS name or IP address of the server (repeatable)')
      .argParser(collectName)
      .default(LOCAL_NAMES, LOCAL_NAMES.join(', ')),
  );
}

export function withClientNames(command: Command): Command {
  const collect = (isRight: (text: string) => boolean, what: string) => (text: string, earlier: readonly string[]) => {
    if (!isRight(text)) throw new InvalidArgumentError(`It is not ${what}.`);
    return earlier.includes(text) ? earlier : [...earlier, text];
  };
  const isDnsName = (text: string) => subjectName(text) === text && !/^[\d.]+$|:/.test(text);
  return command
    .addOption(
      new Option('--email <address>', 'also this address of mail (repeatable)')
        .argParser(collect(isMailAddress, 'an address of mail in ASCII'))
        .default([], 'none'),
    )
    .addOption(
      new Option('--dns <name>', 'also this DNS name (repeatable)')
        .argParser(collect(isDnsName, 'a DNS name in lower case'))
        .default([], 'none'),
    )
    .addOption(
      new Option('--uri <uri>', 'also this URI (repeatable)')
        .argParser(collect(isUri, 'an absolute URI in ASCII'))
        .default([], 'none'),
    );
}

export function withPkcs12(command: Command): Command {
  return command
    .option('--p12-password-file <file>', 'the password of the .p12 (mode 0600 or 0640); asked for otherwise')
    .addOption(new Option('--friendly-name <text>', 'what the .p12 is called in lists').argParser(parseTitle))
    .option('--legacy', 'a .p12 that Windows before 2019 can open: 3DES and SHA-1');
}

export function withSubject(command: Command): Command {
  return command
    .addOption(new Option('--organization <text>', 'the organisation in the subject').argParser(parseTitle))
    .addOption(
      new Option('--country <code>', 'the country in the subject, two letters').argParser((text) => {
        if (!/^[A-Z]{2}$/.test(text)) throw new InvalidArgumentError('It is not two capital letters.');
        return text;
      }),
    );
}

/** The authority's files; `folder` is where they are looked for unless the options say. */
export function authorityFiles({ ca, caKey, caPassphraseFile }: CaOptions, folder: string): AuthorityFiles {
  const cert = ca ?? join(folder, 'ca.crt');
  return {
    cert,
    key: caKey ?? besideCertificate(cert, '.key'),
    passphrase: { file: caPassphraseFile, option: '--ca-passphrase-file' },
  };
}

/** What locks a new key; undefined when nothing does. */
export function newPassphrase({ encryptKey, passphraseFile }: Omit<KeyOptions, 'keyType'>): SecretSource | undefined {
  if (encryptKey !== true && passphraseFile === undefined) return undefined;
  return { file: passphraseFile, option: '--passphrase-file' };
}

/** The file beside a certificate that has its name with another ending. */
export function besideCertificate(path: string, ending: string): string {
  return path.replace(/\.(?:crt|cer|pem)$/, '') + ending;
}

/** The folder that a file is in. */
export function folderOf(path: string): string {
  return dirname(path);
}

/** Prints the files that were written. */
export function printPaths(terminal: Terminal, paths: readonly string[]): void {
  for (const path of paths) terminal.stdout.write(`${path}\n`);
}

/** The name of a client. @throws InvalidArgumentError for one that no file could have. */
export function parseClientName(text: string): string {
  if (isClientName(text)) return text;
  throw new InvalidArgumentError('A client name is up to 64 letters, digits, dots, underscores and hyphens.');
}

/** The first part of a file's name. @throws InvalidArgumentError for one with a folder in it. */
export function parseFileName(text: string): string {
  if (isClientName(text)) return text;
  throw new InvalidArgumentError('It is up to 64 letters, digits, dots, underscores and hyphens.');
}

/** A name for people. @throws InvalidArgumentError when it is empty, too long, or has characters that are not seen. */
export function parseTitle(text: string): string {
  if (isTitle(text)) return text;
  throw new InvalidArgumentError('It is 1 to 64 characters that can be seen, without spaces around them.');
}

/** A number from the command line. @throws InvalidArgumentError out of bounds. */
export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,5}$/.test(text) ? Number(text) : -1;
    if (count < min || count > max) throw new InvalidArgumentError(`It is not a number from ${min} to ${max}.`);
    return count;
  };
}

/** The longest validity, in days: no key should be trusted for longer. */
const DAYS_MAX = 3_650;

export const parseDays = parseCount(1, DAYS_MAX);

/** The first name given takes the place of the default ones. */
export function collectName(text: string, earlier: readonly string[]): readonly string[] {
  const name = subjectName(text);
  if (name === undefined) throw new InvalidArgumentError('It is neither a DNS name nor an IP address.');
  if (earlier === LOCAL_NAMES) return [name];
  return earlier.includes(name) ? earlier : [...earlier, name];
}

/** A kind of key. @throws InvalidArgumentError for one that is not made. */
export function parseKeyType(text: string): KeyType {
  const type = KEY_TYPES.get(text);
  if (type === undefined) throw new InvalidArgumentError(`The types are ${[...KEY_TYPES.keys()].join(', ')}.`);
  return type;
}
