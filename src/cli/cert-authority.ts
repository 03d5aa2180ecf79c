/** `sallyport cert ca`, `revoke` and `crl`: a private authority, and which of its certificates do not count any more. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import {
  exitHelp,
  parseCount,
  parseDays,
  parseTitle,
  printPaths,
  withCa,
  withKey,
  withOut,
  withSubject,
} from './cert-options.ts';
import type { AuthorityOptions } from './certificate-issue.ts';
import { REVOCATION_REASONS } from './certificate-names.ts';
import type { ListOptions, RevokeOptions } from './certificate-revoke.ts';
import type { Terminal } from './terminal.ts';

/** Adds `ca`. */
export function addAuthorityCommand(cert: Command, terminal: Terminal): void {
  withSubject(withKey(withOut(cert.command('ca')), 'rsa-3072'))
    .summary('a private authority, with its revocation list')
    .description('Makes an authority that signs the certificates of your servers and partners, and of nobody else.')
    .argument('<name>', "what it is called, such as 'Acme partners'", parseTitle)
    .addOption(
      new Option('--days <count>', `how long it is valid, 1 to ${AUTHORITY_DAYS_MAX}`)
        .argParser(parseCount(1, AUTHORITY_DAYS_MAX))
        .default(3_650),
    )
    .addOption(
      new Option('--path-length <count>', 'how many authorities may stand below it, 0 to 5')
        .argParser(parseCount(0, 5))
        .default(0),
    )
    .addOption(
      new Option('--crl-days <count>', 'until when the next revocation list has to be there')
        .argParser(parseDays)
        .default(LIST_DAYS),
    )
    .addHelpText('after', CA_HELP)
    .action(async (name: string, options: AuthorityOptions) => {
      const { issueAuthority } = await import('./certificate-issue.ts');
      printPaths(terminal, await issueAuthority(name, options, terminal));
    });
}

/** Adds `revoke` and `crl`. */
export function addRevocationCommands(cert: Command, terminal: Terminal): void {
  withList(cert.command('revoke'))
    .summary('put certificates on the revocation list')
    .description(
      'Puts certificates on the revocation list of their authority; gateways that have the list refuse them.',
    )
    .argument('[file...]', 'the certificates')
    .addOption(
      new Option('--serial <hex>', 'a serial number, where there is no file (repeatable)')
        .argParser(collectSerial)
        .default([], 'none'),
    )
    .addOption(
      new Option('--reason <reason>', `why: ${[...REVOCATION_REASONS.keys()].join(', ')}`)
        .argParser(parseReason)
        .default(0, 'unspecified'),
    )
    .addHelpText('after', REVOKE_HELP)
    .action(async (paths: readonly string[], options: RevokeOptions) => {
      const { revoke } = await import('./certificate-revoke.ts');
      printPaths(terminal, await revoke(paths, options, terminal));
    });

  withList(cert.command('crl'))
    .summary('make the revocation list anew, before it grows old')
    .description('Signs the revocation list again, with what is on it, a higher number and a later date.')
    .addHelpText('after', CRL_HELP)
    .action(async (options: ListOptions) => {
      const { renewList } = await import('./certificate-revoke.ts');
      printPaths(terminal, await renewList(options, terminal));
    });
}

function withList(command: Command): Command {
  return withCa(command, 'certs/ca.crt')
    .option('--crl <file>', 'the list (default: beside the authority, with .crl)')
    .addOption(
      new Option('--days <count>', 'until when the next list has to be there').argParser(parseDays).default(LIST_DAYS),
    )
    .option('--new', 'begin a list where there is none');
}

/** The longest validity of an authority, in days. */
const AUTHORITY_DAYS_MAX = 7_300;
/** How long a list counts, in days: long enough for a holiday, and short enough for one that was stolen back to grow old. */
const LIST_DAYS = 30;

function parseReason(text: string): number {
  const reason = REVOCATION_REASONS.get(text);
  if (reason === undefined)
    throw new InvalidArgumentError(`The reasons are ${[...REVOCATION_REASONS.keys()].join(', ')}.`);
  return reason;
}

/** As OpenSSL, browsers and `cert show` write it: with colons or without, capitals or not. */
function collectSerial(text: string, earlier: readonly string[]): readonly string[] {
  const hex = text
    .replaceAll(':', '')
    .toUpperCase()
    .replace(/^(?:00)+(?=..)/, '');
  if (!/^[0-9A-F]{1,40}$/.test(hex)) throw new InvalidArgumentError('It is not a serial number in hexadecimal.');
  return [...earlier, hex.length % 2 === 0 ? hex : `0${hex}`];
}

const CA_HELP = `
Files written into the folder:
  ca.crt   the authority: tls.client_ca_file of the gateway, and what your partners trust
  ca.key   its key: keep it on another machine than the gateway, or locked (--encrypt-key)
  ca.crl   its revocation list, empty, valid for --crl-days

Examples:
  sallyport cert ca 'Acme partners' --encrypt-key --out /etc/sallyport/partners
  sallyport cert ca 'Acme partners' --key-type ec-p384 --days 1825 --organization Acme --country DE
${exitHelp()}`;

const REVOKE_HELP = `
The list is all that is remembered of revocations: back it up with the key. A gateway reads it as a file of its
configuration; copy it there.

Examples:
  sallyport cert revoke certs/client-acme.crt --reason keyCompromise
  sallyport cert revoke --serial 4F:2A:91:... --ca partners/ca.crt
${exitHelp('the certificate is not of this authority, there is no list, or something could not be read or written')}`;

const CRL_HELP = `
Run it from time to time, sooner than --days: a gateway that has an old list refuses every client certificate.

Examples:
  sallyport cert crl --ca partners/ca.crt --ca-passphrase-file /root/partners-passphrase
  sallyport cert crl --new                    the first list of an authority that came without one
${exitHelp('there is no list, or something could not be read or written')}`;
