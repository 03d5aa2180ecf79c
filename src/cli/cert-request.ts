/** `sallyport cert csr`, `sign` and `renew`: asking an authority, being one, and what comes when the time is up. */
import type { Command } from 'commander';
import { Option } from 'commander';
import {
  collectName,
  exitHelp,
  parseClientName,
  parseDays,
  parseFileName,
  printPaths,
  withCa,
  withClientNames,
  withDays,
  withKey,
  withOut,
  withServerNames,
  withSubject,
} from './cert-options.ts';
import type { RequestOptions } from './certificate-issue.ts';
import type { RenewOptions } from './certificate-renew.ts';
import type { SignOptions } from './certificate-sign.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** Adds the commands around requests and renewals. */
export function addRequestCommands(cert: Command, terminal: Terminal): void {
  withSubject(withKey(withClientNames(withServerNames(withOut(cert.command('csr')))), 'rsa-2048'))
    .summary('a key, and a request for a certificate to send to an authority')
    .description(
      'Makes a key and a request (PKCS #10) for another authority, for a server or, with --client, for a client.',
    )
    .addOption(new Option('--client <name>', 'for a client of that name').argParser(parseClientName).conflicts('name'))
    .option('--key <file>', 'for a key that is there, in place of a new one')
    .addOption(fileOption())
    .addHelpText('after', CSR_HELP)
    .action(async (options: RequestOptions) => {
      refuseClientNames(options, options.client === undefined);
      const { issueRequest } = await import('./certificate-issue.ts');
      printPaths(terminal, await issueRequest(options, terminal));
    });

  withCa(withDays(withClientNames(withOut(cert.command('sign')))))
    .summary('sign the request of somebody else with the private authority')
    .description(
      'Shows what a request asks for, checks that its sender has the key, and signs it with the names that the command line gives.',
    )
    .argument('<file>', 'the request (PKCS #10), PEM or DER')
    .addOption(
      new Option('--client <name>', 'it is for a client of that common name')
        .argParser(parseClientName)
        .conflicts('server'),
    )
    .addOption(new Option('--server <name>', 'it is for a server of that name (repeatable)').argParser(collectServer))
    .addOption(fileOption())
    .option('--drop', 'sign without the names and purposes that are not allowed, in place of refusing')
    .option('--yes', 'do not ask before signing')
    .addHelpText('after', SIGN_HELP)
    .action(async (path: string, options: SignOptions) => {
      if ((options.client === undefined) === (options.server === undefined))
        throw new CommandFailure('wrongUse', 'Say whom it is for: --client <name>, or --server <name>.');
      refuseClientNames(options, options.client === undefined);
      const { signRequest } = await import('./certificate-sign.ts');
      printPaths(terminal, await signRequest(path, options, terminal));
    });

  withCa(cert.command('renew'), 'ca.crt beside the certificate')
    .summary('the same certificate for longer, with its key or a new one')
    .description('Makes a certificate anew: same names, same usages, same authority. The old one is kept as FILE.bak.')
    .argument('<file>', 'the certificate, PEM')
    .addOption(new Option('--days <count>', 'how long it is valid (default: as long as before)').argParser(parseDays))
    .option('--new-key', 'with a new key of the same type; the old one is kept as KEY.bak')
    .option('--key <file>', 'its key (default: the file of that name with .key)')
    .option('--key-passphrase-file <file>', 'the passphrase of the key that is there, where it signs itself')
    .option('--encrypt-key', 'lock the new key with a passphrase, which is asked for')
    .option('--passphrase-file <file>', 'lock the new key with the passphrase in this file')
    .addHelpText('after', RENEW_HELP)
    .action(async (path: string, options: RenewOptions) => {
      const { renewCertificate } = await import('./certificate-renew.ts');
      printPaths(terminal, await renewCertificate(path, options, terminal));
    });
}

function collectServer(text: string, earlier: readonly string[] = []): readonly string[] {
  return collectName(text, earlier);
}

function fileOption(): Option {
  return new Option('--file <name>', "what a server's files are called, without ending")
    .argParser(parseFileName)
    .default('server');
}

/** @throws CommandFailure for names that only clients have. */
function refuseClientNames(
  {
    email,
    dns,
    uri,
  }: { readonly email: readonly string[]; readonly dns: readonly string[]; readonly uri: readonly string[] },
  isServer: boolean,
): void {
  if (!isServer || email.length + dns.length + uri.length === 0) return;
  throw new CommandFailure(
    'wrongUse',
    '--email, --dns and --uri are for clients; the names of a server are its own option.',
  );
}

const CSR_HELP = `
Files written into the folder:
  server.key   server.csr          or with --client NAME:  client-NAME.key   client-NAME.csr

Send the .csr, never the .key. What the authority sends back becomes server.crt, then its intermediate certificates.

Examples:
  sallyport cert csr --name ftps.example.com --name ftp.example.com --organization Acme --country DE
  sallyport cert csr --name ftps.example.com --key certs/server.key
  sallyport cert csr --client acme --email claims@acme.example
${exitHelp()}`;

const SIGN_HELP = `
The certificate has the names that you give and no others. A request that asks for other names, for other purposes or to
be an authority is refused; with --drop it is signed without them. Nothing else of a request is taken over but its key.

Files written into the folder:
  client-NAME.crt, or server.crt

Examples:
  sallyport cert sign acme.csr --client acme
  sallyport cert sign acme.csr --client acme --email claims@acme.example --drop --yes
  sallyport cert sign server.csr --server ftps.example.com --server 192.0.2.7
${exitHelp('the request is not to be signed, or something could not be read or written')}`;

const RENEW_HELP = `
What was made by 'cert' can be renewed, from requests too, and a private or self-signed authority itself (without
--new-key). A certificate of a public authority cannot: 'cert csr --key' makes a request for it.

Examples:
  sallyport cert renew certs/server.crt
  sallyport cert renew certs/client-acme.crt --new-key --days 365
  sallyport cert renew /etc/sallyport/server.crt --ca partners/ca.crt
${exitHelp('it cannot be renewed here, or something could not be read or written')}`;
