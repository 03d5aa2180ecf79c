/** `sallyport cert show`. */
import type { Command } from 'commander';
import { exitHelp } from './cert-options.ts';
import type { ShowOptions } from './certificate-show.ts';
import type { Terminal } from './terminal.ts';

/** Adds `show`. */
export function addShowCommand(cert: Command, terminal: Terminal): void {
  cert
    .command('show')
    .summary('what is in certificates, requests, revocation lists, keys and .p12 files')
    .description(
      'Prints what files hold, PEM or DER, how long it is valid, and what the files have to do with each other: who ' +
        'signed which, which key belongs to which certificate, and what is revoked.',
    )
    .argument('<file...>', 'the files')
    .option('--json', 'as JSON, for programs')
    .option(
      '--password-file <file>',
      'the password of a .p12 or of a locked key; that of a .p12 is asked for otherwise',
    )
    .addHelpText('after', SHOW_HELP)
    .action(async (paths: readonly string[], options: ShowOptions) => {
      const { show } = await import('./certificate-show.ts');
      await show(paths, options, terminal);
    });
}

const SHOW_HELP = `
'public_key' is what the configuration takes in authentication.certificates, 'pin' what curl takes as --pinnedpubkey.
Private keys are never printed.

Examples:
  sallyport cert show certs/server.crt certs/server.key
  sallyport cert show certs/client-acme.crt certs/ca.crt certs/ca.crl
  sallyport cert show --json certs/*.crt
${exitHelp('one of the files could not be read; the others were shown').replace('; the files written are listed on standard output', '')}`;
