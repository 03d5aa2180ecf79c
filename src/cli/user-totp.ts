/** `sallyport user totp`: makes the secret of an account's authenticator app and shows it once, as apps take it. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { generateTotpSecret, totpUri } from '../auth/totp-secret.ts';
import { setSecretInFile } from '../config/totp-secrets-file.ts';
import { setTotpSecret } from '../config/users-file.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';
import { EXIT_HELP, edited, type FileOptions, namedUsersFile, parseName } from './user-edits.ts';

type TotpOptions = FileOptions & { readonly secrets?: string; readonly remove?: true; readonly issuer: string };

/** Adds `totp` to the program's `user`. */
export function addTotpCommand(user: Command, terminal: Terminal): void {
  user
    .command('totp')
    .summary('give an account a second factor')
    .description(
      'Makes a secret for an authenticator app (RFC 6238) and prints it as an otpauth:// URI: once, and the only output on ' +
        'standard output. From the next login on the six digits of the app stand behind the password.',
    )
    .argument('<name>', 'the account', parseName)
    .addOption(new Option('--users <file>', 'the users file').conflicts(['config', 'secrets']))
    .addOption(new Option('--config <file>', 'the configuration that names the users file').conflicts('secrets'))
    .addOption(new Option('--secrets <file>', 'a totp_secrets_file, for names whose accounts are elsewhere'))
    .option('--issuer <text>', 'what the app shows beside the name', 'Sallyport')
    .option('--remove', 'take the secret away')
    .addHelpText('after', HELP)
    .action((name: string, options: TotpOptions) => totp(name, options, terminal));
}

async function totp(name: string, options: TotpOptions, terminal: Terminal): Promise<void> {
  const { path, directives } =
    options.secrets === undefined ? await namedUsersFile(options, terminal) : { path: options.secrets, directives: [] };
  const secret = options.remove === true ? undefined : generateTotpSecret();
  const set =
    options.secrets === undefined
      ? setTotpSecret(path, name, secret?.reveal(), directives)
      : setSecretInFile(path, name, secret?.reveal());
  if (!(await edited(terminal, path, set))) {
    const what = options.secrets === undefined ? 'account' : 'secret of';
    throw new CommandFailure('failure', `${path} has no ${what} ${name}.`);
  }
  if (secret === undefined) {
    terminal.stderr.write(`Took the second factor of ${name} away in ${path}.\n`);
    return;
  }
  terminal.stderr.write(`Set a new second factor for ${name} in ${path}; the app needs this once:\n`);
  terminal.stdout.write(`${totpUri(name, secret, options.issuer)}\n`);
}

const HELP = `
The code is written behind the password, in the one field that FTP clients have: the password 'correct horse battery' with
the code 492039 is sent as 'correct horse battery492039'. Each code is good once.

Examples:
  sallyport user totp acme --users users.yaml
  sallyport user totp acme --config sallyport.yaml | qrencode -t ansiutf8
  sallyport user totp alice --secrets totp.yaml
  sallyport user totp acme --users users.yaml --remove
${EXIT_HELP}`;
