/** `sallyport cert`: keys and certificates for development, tests and partners who pin a self-signed certificate. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../lib/clock.ts';
import type { CertificateRequest, ExistingFiles } from './certificate-files.ts';
import type { KeyBits } from './certificate-names.ts';
import { CERTIFICATE_DAYS, isClientName, KEY_BITS, LOCAL_NAMES, subjectName } from './certificate-names.ts';
import type { Terminal } from './terminal.ts';

/** Adds `cert` with its two kinds to the program. */
export function addCertCommand(program: Command, terminal: Terminal): void {
  const cert = program
    .command('cert')
    .summary('make certificates: a development CA, or a self-signed one')
    .description(
      'Makes private keys (RSA, mode 0600) and certificates (SHA-256). Files that exist are never replaced without ' +
        '--force. For partners on the Internet, use a certificate that a public CA has issued instead.',
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
}

interface CommonOptions {
  readonly name: readonly string[];
  readonly days: number;
  readonly keySize: KeyBits;
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
    .option('--out <folder>', 'where to write; made when missing', 'certs')
    .option('--force', 'replace files that exist');
}

function request({ name, days, keySize, out }: CommonOptions, existing: ExistingFiles): CertificateRequest {
  return { folder: out, names: name, days, bits: keySize, existing, nowMs: systemClock.now() };
}

function existingFiles({ force }: CommonOptions): ExistingFiles {
  return force === true ? 'replace' : 'refuse';
}

function printPaths(terminal: Terminal, paths: readonly string[]): void {
  for (const path of paths) terminal.stdout.write(`${path}\n`);
  if (paths.length === 0) terminal.stderr.write('Nothing was missing, nothing was written.\n');
}

/** The first name given takes the place of the default ones. */
function collectName(text: string, earlier: readonly string[]): readonly string[] {
  const name = subjectName(text);
  if (name === undefined) throw new InvalidArgumentError('It is neither a DNS name nor an IP address.');
  return earlier === LOCAL_NAMES ? [name] : [...earlier, name];
}

function collectClient(text: string, earlier: readonly string[]): readonly string[] {
  if (!isClientName(text)) {
    throw new InvalidArgumentError('A client name is up to 64 letters, digits, dots, underscores and hyphens.');
  }
  return earlier.includes(text) ? earlier : [...earlier, text];
}

function parseDays(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > 3_650) throw new InvalidArgumentError('It is not a number of days from 1 to 3650.');
  return days;
}

function parseKeySize(text: string): KeyBits {
  const bits = KEY_BITS.find((size) => String(size) === text);
  if (bits === undefined) throw new InvalidArgumentError(`The sizes are ${KEY_BITS.join(', ')}.`);
  return bits;
}

const EXIT_HELP = `
Exit codes:
  0  done; the files written are listed on standard output
  1  files exist already, or could not be written
  2  wrong options`;

const CERT_HELP = `
Examples:
  sallyport cert dev                              for localhost, 127.0.0.1 and ::1, into certs/
  sallyport cert dev --client acme                the same, with a client certificate for acme
  sallyport cert self-signed --name ftp.example.com

'sallyport cert dev --help' and 'sallyport cert self-signed --help' say which files are written.
${EXIT_HELP}`;

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
${EXIT_HELP}`;

const SELF_SIGNED_HELP = `
Files written into the folder:
  server.crt   server.key

Examples:
  sallyport cert self-signed
  sallyport cert self-signed --name ftp.example.com --days 90 --key-size 3072 --out /etc/sallyport/certs
${EXIT_HELP}`;
