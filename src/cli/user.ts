/** `sallyport user`: the accounts in a users file. Passwords come from a prompt, from standard input or from us. */
import { mkdir, rmdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { hashKind } from '../auth/password-hash.ts';
import type { UserOptionsInput } from '../auth/users.ts';
import { userOptions } from '../auth/users.ts';
import { addUser, readUsersFile, removeUser, setPassword } from '../config/users-file.ts';
import { printable } from '../lib/printable.ts';
import { PERMISSIONS } from '../spi/permissions.ts';
import { CommandFailure } from './command-failure.ts';
import { refuseProblems } from './configuration.ts';
import type { PasswordOptions } from './password-input.ts';
import { newCredential, PASSWORD_CHARACTERS_MIN } from './password-input.ts';
import type { Terminal } from './terminal.ts';
import { EXIT_HELP, edited, type FileOptions, namedUsersFile, parseName } from './user-edits.ts';
import { addTotpCommand } from './user-totp.ts';

/** Adds `user` with its five actions to the program. */
export function addUserCommand(program: Command, terminal: Terminal): void {
  const user = program
    .command('user')
    .summary('add, remove and list accounts, set passwords and second factors')
    .description(
      'Edits the accounts in a users file (mode 0600). It holds hashes of passwords (argon2id), never passwords.',
    )
    .addHelpText('after', USER_HELP);

  withPasswordOptions(withFileOptions(user.command('add')))
    .summary('add an account')
    .description('Adds an account, with its home folder (mode 0750) and the users file where they are missing.')
    .argument('<name>', 'what the client logs in as', parseName)
    .requiredOption('--home <folder>', 'the folder on disk that the account sees as /')
    .addOption(
      new Option('--permissions <letters>', 'what it may do, by the letters below')
        .argParser(parsePermissions)
        .default('elr'),
    )
    .addHelpText('after', ADD_HELP)
    .action((name: string, options: AddOptions) => add(name, options, terminal));

  withPasswordOptions(withFileOptions(user.command('passwd')))
    .summary('set the password of an account')
    .description(
      'Gives an account another password. It counts from the next login on, also in a gateway that is running.',
    )
    .argument('<name>', 'the account', parseName)
    .addHelpText('after', PASSWD_HELP)
    .action((name: string, options: PasswordOptions & FileOptions) => changePassword(name, options, terminal));

  addTotpCommand(user, terminal);

  withFileOptions(user.command('remove'))
    .summary('remove an account')
    .description('Removes an account from the users file. The files in its home stay where they are.')
    .argument('<name>', 'the account', parseName)
    .addHelpText('after', REMOVE_HELP)
    .action((name: string, options: FileOptions) => remove(name, options, terminal));

  withFileOptions(user.command('list'))
    .summary('list the accounts')
    .description(
      'Prints a table of the accounts: name, home, permissions, whether they are enabled, what made the hash of the ' +
        'password (all but argon2id were brought along), and whether there is a second factor.',
    )
    .addHelpText('after', LIST_HELP)
    .action((options: FileOptions) => list(options, terminal));
}

type AddOptions = PasswordOptions & FileOptions & { readonly home: string; readonly permissions: string };

async function add(name: string, options: AddOptions, terminal: Terminal): Promise<void> {
  const { path, directives } = await namedUsersFile(options, terminal);
  const { hash, password } = await newCredential(terminal, options);
  const home = resolve(options.home);
  const user: UserOptionsInput = {
    name,
    passwordHash: hash,
    home,
    permissions: options.permissions,
  };

  const madeFolder = await mkdir(home, { recursive: true, mode: 0o750 });
  let added = false;
  try {
    added = await edited(terminal, path, addUser(path, user, directives));
  } finally {
    // Only what we made, and only while it is empty.
    if (!added && madeFolder !== undefined) await rmdir(home);
  }
  if (!added)
    throw new CommandFailure('failure', `${path} has an account ${name} already; 'user passwd' sets its password.`);
  if (madeFolder !== undefined) terminal.stderr.write(`Made the folder ${printable(home)} (mode 0750).\n`);
  terminal.stderr.write(`Added ${name} to ${path}.\n`);
  if (options.generate === true) terminal.stdout.write(`${password?.reveal()}\n`);
}

async function changePassword(name: string, options: PasswordOptions & FileOptions, terminal: Terminal): Promise<void> {
  const { path, directives } = await namedUsersFile(options, terminal);
  const { hash, password } = await newCredential(terminal, options);
  const changed = await edited(terminal, path, setPassword(path, name, hash, directives));
  if (!changed) throw noSuchAccount(path, name);
  terminal.stderr.write(`Set a new password for ${name} in ${path}.\n`);
  if (options.generate === true) terminal.stdout.write(`${password?.reveal()}\n`);
}

async function remove(name: string, options: FileOptions, terminal: Terminal): Promise<void> {
  const { path, directives } = await namedUsersFile(options, terminal);
  if (!(await edited(terminal, path, removeUser(path, name, directives)))) throw noSuchAccount(path, name);
  terminal.stderr.write(`Removed ${name} from ${path}. Its files stay where they are.\n`);
}

async function list(options: FileOptions, terminal: Terminal): Promise<void> {
  const { path, directives } = await namedUsersFile(options, terminal);
  // A home that has gone is no reason to hide the accounts.
  const file = await readUsersFile(path, { homes: 'unchecked', directives });
  if (!file.ok) return refuseProblems(path, file.problems, terminal);
  const rows = [
    ['NAME', 'HOME', 'PERMISSIONS', 'ENABLED', 'PASSWORD', 'TOTP'],
    ...file.users.map((user) => [
      user.name,
      printable(user.home),
      user.permissions || '-',
      user.enabled ? 'yes' : 'no',
      user.passwordHash === undefined ? 'none' : (hashKind(user.passwordHash) ?? 'none'),
      user.totpSecret === undefined ? 'no' : 'yes',
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    terminal.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`);
  }
}

function noSuchAccount(path: string, name: string): CommandFailure {
  return new CommandFailure('failure', `${path} has no account ${name}.`);
}

function parsePermissions(text: string): string {
  const checked = userOptions.shape.permissions.safeParse(text);
  if (!checked.success) throw new InvalidArgumentError('The letters are e l r a d f m w M T.');
  return checked.data;
}

function withFileOptions(command: Command): Command {
  return command
    .addOption(new Option('--users <file>', 'the users file').conflicts('config'))
    .addOption(new Option('--config <file>', 'the configuration that names the users file'));
}

function withPasswordOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--password-stdin', 'read the password from standard input').conflicts(['generate', 'hashStdin']),
    )
    .addOption(
      new Option('--hash-stdin', 'read the hash of a password, brought along from elsewhere').conflicts('generate'),
    )
    .addOption(new Option('--generate', 'make a random password and print it, the only output on standard output'));
}

const PASSWORD_HELP = `
The password is asked for twice, without echo, unless an option says otherwise. It has at least ${PASSWORD_CHARACTERS_MIN}
characters. It is never taken from the command line, where every process on the machine could read it.`;

const USER_HELP = `
Examples:
  sallyport user add acme --users users.yaml --home /srv/acme --permissions elradfmw
  sallyport user list --config sallyport.yaml
  sallyport user passwd acme --config sallyport.yaml --generate
  sallyport user remove acme --users users.yaml

A gateway that is running reads the file again at the next login after a change.
${EXIT_HELP}`;

const ADD_HELP = `
Permissions, one letter each:
${Object.entries(PERMISSIONS)
  .map(([letter, meaning]) => `  ${letter}  ${meaning}`)
  .join('\n')}
${PASSWORD_HELP}

Files written: the users file (made when missing, mode 0600) and the home folder (made when missing, mode 0750).

Examples:
  sallyport user add acme --users users.yaml --home /srv/acme
  sallyport user add acme --config sallyport.yaml --home /srv/acme --permissions elw --generate
  pass show acme | sallyport user add acme --users users.yaml --home /srv/acme --password-stdin
  htpasswd -nB acme | cut -d: -f2 | sallyport user add acme --users users.yaml --home /srv/acme --hash-stdin
${EXIT_HELP}`;

const PASSWD_HELP = `${PASSWORD_HELP}

Examples:
  sallyport user passwd acme --users users.yaml
  sallyport user passwd acme --config sallyport.yaml --generate
${EXIT_HELP}`;

const REMOVE_HELP = `
Examples:
  sallyport user remove acme --users users.yaml
${EXIT_HELP}`;

const LIST_HELP = `
Examples:
  sallyport user list --users users.yaml
  sallyport user list --config sallyport.yaml
${EXIT_HELP}`;
