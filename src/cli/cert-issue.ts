/** `sallyport cert server`, `client` and `p12`: certificates with new keys, and files for Windows. */
import type { Command } from 'commander';
import { Option } from 'commander';
import {
  exitHelp,
  parseClientName,
  parseFileName,
  printPaths,
  withCa,
  withClientNames,
  withDays,
  withKey,
  withOut,
  withPkcs12,
  withServerNames,
} from './cert-options.ts';
import type { ClientOptions, ExportOptions, ServerOptions } from './certificate-issue.ts';
import type { Terminal } from './terminal.ts';

/** Adds the commands that make certificates with new keys. */
export function addIssueCommands(cert: Command, terminal: Terminal): void {
  withKey(withCa(withDays(withServerNames(withOut(cert.command('server'))))), 'rsa-2048')
    .summary('a server certificate from a private authority, or self-signed')
    .description('Makes a key and a certificate for a server.')
    .addOption(new Option('--self-signed', 'without an authority').conflicts(['ca', 'caKey', 'caPassphraseFile']))
    .addOption(
      new Option('--file <name>', 'what the files are called, without ending')
        .argParser(parseFileName)
        .default('server'),
    )
    .addHelpText('after', SERVER_HELP)
    .action(async (options: ServerOptions) => {
      const { issueServer } = await import('./certificate-issue.ts');
      printPaths(terminal, await issueServer(options, terminal));
    });

  withPkcs12(withP12(withKey(withCa(withDays(withClientNames(withOut(cert.command('client'))))), 'rsa-2048')))
    .summary('a client certificate for a partner, with a .p12 for Windows')
    .description('Makes a key and a certificate with which a partner proves who it is.')
    .argument('<name>', 'the common name, such as the name of the account', parseClientName)
    .addHelpText('after', CLIENT_HELP)
    .action(async (name: string, options: ClientOptions) => {
      const { issueClient } = await import('./certificate-issue.ts');
      printPaths(terminal, await issueClient(name, options, terminal));
    });

  withPkcs12(cert.command('p12'))
    .summary('a certificate and its key as one file for Windows (PKCS #12)')
    .description('Puts a certificate that is there, its key and its authority into one file behind a password.')
    .argument('<file>', 'the certificate, PEM')
    .option('--key <file>', 'its key (default: the file of that name with .key)')
    .option('--passphrase-file <file>', 'the passphrase of the key, if it has one; asked for otherwise')
    .option('--chain <file>', 'certificates of authorities that go in with it, PEM')
    .option('--out <file>', 'the file to write (default: the certificate with .p12)')
    .option('--force', 'replace the file if it exists')
    .addHelpText('after', P12_HELP)
    .action(async (path: string, options: ExportOptions) => {
      const { exportPkcs12 } = await import('./certificate-issue.ts');
      printPaths(terminal, await exportPkcs12(path, options, terminal));
    });
}

function withP12(command: Command): Command {
  return command.option('--p12', 'also a PKCS #12 file with key, certificate and authority, behind a password');
}

const SERVER_HELP = `
Files written into the folder:
  server.crt   tls.certificate_file of the gateway, with intermediate authorities if there are any
  server.key   tls.key_file

Examples:
  sallyport cert server --name ftps.example.com
  sallyport cert server --name ftps.example.com --key-type ec-p256 --file server-ec
  sallyport cert server --name ftps.example.com --self-signed --out /etc/sallyport/certs
${exitHelp()}`;

const CLIENT_HELP = `
Files written into the folder:
  client-NAME.crt   client-NAME.key   and with --p12 client-NAME.p12

The password of the .p12 is asked for twice, or is in a file; it is never taken from the command line. Tell it to your
partner in another way than the one by which you send the file. A partner that makes its own key is safer still: it
sends you a request, which 'sallyport cert sign' signs.

Examples:
  sallyport cert client acme --p12
  sallyport cert client acme --email claims@acme.example --days 730 --ca partners/ca.crt --out partners
  sallyport cert client acme --p12 --legacy --p12-password-file acme-password
${exitHelp()}`;

const P12_HELP = `
The file is made with AES-256 and SHA-256, which Windows 10 and Server 2019, Java 8u301, OpenSSL 1.1 and newer open. With
--legacy it is made with 3DES and SHA-1, for those that are older.

Examples:
  sallyport cert p12 certs/client-acme.crt --chain certs/ca.crt
  sallyport cert p12 certs/client-acme.crt --force --friendly-name 'Acme 2027'
${exitHelp()}`;
