/** `sallyport cert`: keys and certificates for development, and for servers and partners of a private authority. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { addAuthorityCommand, addRevocationCommands } from './cert-authority.ts';
import { addIssueCommands } from './cert-issue.ts';
import { collectName, exitHelp, parseClientName, parseDays, parseKeyType } from './cert-options.ts';
import { addRequestCommands } from './cert-request.ts';
import { addShowCommand } from './cert-show.ts';
import type { CertificateRequest, ExistingFiles } from './certificate-files.ts';
import type { KeyBits, KeyType } from './certificate-names.ts';
import { CERTIFICATE_DAYS, KEY_BITS, KEY_TYPES, LOCAL_NAMES } from './certificate-names.ts';
import type { Terminal } from './terminal.ts';

/** Adds `cert` with all that it makes to the program. */
export function addCertCommand(program: Command, terminal: Terminal): void {
  const cert = program
    .command('cert')
    .summary('make, sign, renew, revoke and show certificates')
    .description(
      'Makes private keys (mode 0600), certificates, requests and revocation lists. Files that exist are never replaced ' +
        "without --force. For a server that partners reach over the Internet, ask a public CA for its certificate ('cert csr').",
    )
    .addHelpText('after', CERT_HELP);

  withCommonOptions(
    cert
      .command('dev')
      .summary('a CA of your own, a server certificate, client certificates')
      .description('Makes a development CA and certificates signed by it. Clients that trust ca.crt trust them all.')
      .addHelpText('after', DEV_HELP),
  )
    .addOption(
      new Option('--client <name>', 'also a certificate for this client (repeatable)')
        .argParser(collectClient)
        .default([], 'none'),
    )
    .addOption(new Option('--complete', 'keep every file that exists and make only what is missing').conflicts('force'))
    .action(async (options: CommonOptions & { readonly client: readonly string[]; readonly complete?: true }) => {
      const { writeDevelopmentCertificates } = await import('./certificate-files.ts');
      const existing = options.complete === true ? 'complete' : existingFiles(options);
      const paths = await writeDevelopmentCertificates({ ...request(options, existing), clients: options.client });
      printPaths(terminal, paths);
    });

  withCommonOptions(
    cert
      .command('self-signed')
      .summary('one server certificate that signs itself')
      .description('Makes one server certificate without a CA. Clients have to be given the certificate itself.')
      .addHelpText('after', SELF_SIGNED_HELP),
  ).action(async (options: CommonOptions) => {
    const { writeSelfSignedCertificate } = await import('./certificate-files.ts');
    printPaths(terminal, await writeSelfSignedCertificate(request(options, existingFiles(options))));
  });

  addAuthorityCommand(cert, terminal);
  addIssueCommands(cert, terminal);
  addRequestCommands(cert, terminal);
  addRevocationCommands(cert, terminal);
  addShowCommand(cert, terminal);
}

interface CommonOptions {
  readonly name: readonly string[];
  readonly days: number;
  readonly keySize: KeyBits;
  readonly keyType?: KeyType;
  readonly out: string;
  readonly force?: true;
}

function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--name <name>', "a DNS name or IP address of the server, for the certificate's SAN (repeatable)")
        .argParser(collectName)
        .default(LOCAL_NAMES, LOCAL_NAMES.join(', ')),
    )
    .addOption(
      new Option('--days <count>', 'how long server and client certificates are valid, 1 to 3650')
        .argParser(parseDays)
        .default(CERTIFICATE_DAYS),
    )
    .addOption(
      new Option('--key-size <bits>', `RSA key size: ${KEY_BITS.join(', ')}`)
        .argParser(parseKeySize)
        .default(KEY_BITS[0]),
    )
    .addOption(
      new Option('--key-type <type>', `RSA or EC: ${[...KEY_TYPES.keys()].join(', ')}`)
        .argParser(parseKeyType)
        .conflicts('keySize'),
    )
    .option('--out <folder>', 'where to write; made when missing', 'certs')
    .option('--force', 'replace files that exist');
}

function request({ name, days, keySize, keyType, out }: CommonOptions, existing: ExistingFiles): CertificateRequest {
  return { folder: out, names: name, days, bits: keyType ?? keySize, existing, nowMs: systemClock.now() };
}

function existingFiles({ force }: CommonOptions): ExistingFiles {
  return force === true ? 'replace' : 'refuse';
}

function printPaths(terminal: Terminal, paths: readonly string[]): void {
  for (const path of paths) terminal.stdout.write(`${path}\n`);
  if (paths.length === 0) terminal.stderr.write('Nothing was missing, nothing was written.\n');
}

function collectClient(text: string, earlier: readonly string[]): readonly string[] {
  const name = parseClientName(text);
  return earlier.includes(name) ? earlier : [...earlier, name];
}

function parseKeySize(text: string): KeyBits {
  const bits = KEY_BITS.find((size) => String(size) === text);
  if (bits === undefined) throw new InvalidArgumentError(`The sizes are ${KEY_BITS.join(', ')}.`);
  return bits;
}

const CERT_HELP = `
Examples:
  sallyport cert dev                                     for localhost, 127.0.0.1 and ::1, into certs/
  sallyport cert csr --name ftps.example.com             ask a public CA for a server certificate
  sallyport cert ca 'Acme partners' --encrypt-key        an authority of your own for partners
  sallyport cert client acme --p12                       a certificate for a partner
  sallyport cert renew certs/client-acme.crt             the same for another year
  sallyport cert revoke certs/client-acme.crt            it does not count any more
  sallyport cert show certs/*.crt                        what is there, and for how long

'sallyport cert <command> --help' says which files each writes; docs/certificates.md which one you need.
${exitHelp()}`;

const DEV_HELP = `
Files written into the folder:
  ca.crt       the CA, valid for 3650 days: give this one to your clients
  ca.key       its key: signs further certificates, the server does not need it
  server.crt   server.key
  client-NAME.crt   client-NAME.key   for every --client NAME

Examples:
  sallyport cert dev
  sallyport cert dev --name ftp.test --name 192.0.2.7 --out /etc/sallyport/certs
  sallyport cert dev --complete --client acme     one client more, under the CA that exists
  sallyport cert dev --force                      everything anew, when it has expired
${exitHelp()}`;

const SELF_SIGNED_HELP = `
Files written into the folder:
  server.crt   server.key

Examples:
  sallyport cert self-signed
  sallyport cert self-signed --name ftp.example.com --days 90 --key-size 3072 --out /etc/sallyport/certs
${exitHelp()}`;
