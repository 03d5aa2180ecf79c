/** `sallyport user`: accounts go into the users file and out of it, and passwords into nothing else. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/password-hash.ts';
import type { UserOptions } from '../../src/auth/users.ts';
import { runProgram } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { readTotpSecretsFile } from '../../src/config/totp-secrets-file.ts';
import { Secret } from '../../src/lib/secret.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PASSWORD = 'correct horse battery';

/** A configuration whose users file is not there yet. */
async function state() {
  const folder = await temporaryFolder();
  const { files } = await testCertificates();
  const config = join(folder, 'sallyport.yaml');
  await writeFile(
    config,
    `listen: [{ port: 0 }]\ntls: { certificate_file: ${files.cert}, key_file: ${files.key} }\nusers_file: users.yaml\n`,
  );
  return { folder, config, users: join(folder, 'users.yaml'), home: join(folder, 'acme') };
}

/** The accounts as the gateway would see them. */
async function accounts(config: string): Promise<readonly UserOptions[]> {
  const loaded = await loadConfig(config);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.accounts;
}

describe('refusals', () => {
  test.each([
    ['too short', 'elevenchars', 'at least 12 characters'],
    ['short, counted in characters and not in bytes', 'ééééééééééé', 'at least 12 characters'],
    ['too long', 'x'.repeat(1_025), 'at most 1024 bytes'],
    ['longer than anybody reads', 'x'.repeat(1_000_000), 'at most 1024 bytes'],
    ['of two lines', 'correct horse\nbattery staple', 'line breaks'],
    ['empty', '', 'at least 12 characters'],
  ])('a password that is %s is refused, and nothing is written', async (_, input, message) => {
    const { users, home } = await state();
    const { exitCode, output, errors } = await run(
      ['user', 'add', 'acme', '--users', users, '--home', home, '--password-stdin'],
      { input },
    );
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toContain(message);
    await expect(stat(users)).rejects.toThrow('ENOENT');
    await expect(stat(home)).rejects.toThrow('ENOENT');
  });

  test('without a terminal and without an option there is no password', async () => {
    const { users, home } = await state();
    const { exitCode, errors } = await run(['user', 'add', 'acme', '--users', users, '--home', home], {
      input: PASSWORD,
    });
    expect(exitCode).toBe(2);
    expect(errors).toContain('--password-stdin');
  });

  test('a name that is taken leaves the file and the disk as they were', async () => {
    const { folder, users, home } = await state();
    await run(['user', 'add', 'acme', '--users', users, '--home', home, '--generate']);
    const before = await readFile(users, 'utf8');
    const other = join(folder, 'other');
    const { exitCode, output, errors } = await run([
      'user',
      'add',
      'acme',
      '--users',
      users,
      '--home',
      other,
      '--generate',
    ]);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toContain('acme');
    expect(await readFile(users, 'utf8')).toBe(before);
    await expect(stat(other)).rejects.toThrow('ENOENT');
  });

  test.each(['passwd', 'remove'])('%s of an account that is not there gives 1', async (action) => {
    const { users, home } = await state();
    await run(['user', 'add', 'acme', '--users', users, '--home', home, '--generate']);
    const { exitCode, output, errors } = await run([
      'user',
      action,
      'Acme',
      '--users',
      users,
      ...(action === 'passwd' ? ['--generate'] : []),
    ]);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toContain('has no account Acme');
  });

  test.each([['add', '--home', 'x', '--generate'], ['passwd', '--generate'], ['remove'], ['list']])(
    'a mistake in the users file is told with its place, gives 2, and is not made worse: %s',
    async (action, ...rest) => {
      const { users, folder } = await state();
      await writeFile(users, 'users:\n  - nam: acme\n');
      const name = action === 'list' ? [] : ['acme'];
      const options = rest.map((word) => (word === 'x' ? join(folder, 'x') : word));
      const { exitCode, errors } = await run(['user', action, ...name, '--users', users, ...options]);
      expect(exitCode).toBe(2);
      expect(errors).toContain(`${users}:2:5 users[0].nam: `);
      expect(await readFile(users, 'utf8')).toBe('users:\n  - nam: acme\n');
      await expect(stat(join(folder, 'x'))).rejects.toThrow('ENOENT');
    },
  );

  test('a configuration that names no users file is of no help', async () => {
    const { config } = await state();
    await writeFile(config, 'listen: [{ port: 0 }]\n');
    const { exitCode, errors } = await run(['user', 'list', '--config', config]);
    expect(exitCode).toBe(2);
    expect(errors).toContain('users_file');
  });
});

describe('an account', () => {
  test('goes in, is listed, gets another password, goes out; the gateway sees each step', async () => {
    const { config, users, home } = await state();
    const added = await run(
      ['user', 'add', 'acme', '--config', config, '--home', home, '--permissions', 'elrw', '--password-stdin'],
      { input: `${PASSWORD}\n` },
    );
    expect(added).toMatchObject({ exitCode: 0, output: '' });
    expect(added.errors).toContain(`Made the folder ${home}`);
    expect((await stat(home)).mode & 0o777).toBe(0o750);
    expect((await stat(users)).mode & 0o777).toBe(0o600);
    const [first] = await accounts(config);
    expect(first).toMatchObject({ name: 'acme', home, permissions: 'elrw', enabled: true });

    const listed = await run(['user', 'list', '--users', users]);
    expect(listed.output.split('\n').map((line) => line.split(/ +/))).toEqual([
      ['NAME', 'HOME', 'PERMISSIONS', 'ENABLED', 'PASSWORD', 'TOTP'],
      ['acme', home, 'elrw', 'yes', 'argon2id', 'no'],
      [''],
    ]);

    const changed = await run(['user', 'passwd', 'acme', '--config', config, '--generate']);
    expect(changed.exitCode).toBe(0);
    const [second] = await accounts(config);
    expect(second).toMatchObject({ name: 'acme', home });
    expect(await passwordFits(second, PASSWORD)).toBe(false);
    expect(await passwordFits(second, changed.output.trimEnd())).toBe(true);

    expect(await run(['user', 'remove', 'acme', '--config', config])).toMatchObject({ exitCode: 0, output: '' });
    expect(await accounts(config)).toEqual([]);
    expect((await stat(home)).isDirectory()).toBe(true);
  });

  test('a home that exists is taken as it is', async () => {
    const { users, home } = await state();
    await mkdir(home, { mode: 0o700 });
    const { exitCode, errors } = await run(['user', 'add', 'acme', '--users', users, '--home', home, '--generate']);
    expect(exitCode).toBe(0);
    expect(errors).not.toContain('Made the folder');
    expect((await stat(home)).mode & 0o777).toBe(0o700);
  });

  test('nobody who is told nothing about permissions can change a thing', async () => {
    const { config, home } = await state();
    await run(['user', 'add', 'acme', '--config', config, '--home', home, '--generate']);
    expect(await accounts(config)).toMatchObject([{ permissions: 'elr' }]);
  });
});

describe('a password', () => {
  test('never appears in what a command prints, unless we made it', async () => {
    const { users, home } = await state();
    const secret = randomBytes(12).toString('hex');
    const runs = [
      await run(['user', 'add', 'acme', '--users', users, '--home', home, '--password-stdin'], { input: secret }),
      await run(['user', 'passwd', 'acme', '--users', users, '--password-stdin'], { input: `${secret}\r\n` }),
      await run(['user', 'passwd', 'nobody', '--users', users, '--password-stdin'], { input: secret }),
      await run(['user', 'list', '--users', users]),
      await run(['user', 'remove', 'acme', '--users', users]),
    ];
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 1, 0, 0]);
    for (const { output, errors } of runs) {
      expect(output + errors).not.toContain(secret);
      expect(output + errors).not.toContain('$argon2id');
    }
  });

  test('that we made is alone on standard output', async () => {
    const { config, home } = await state();
    const { output } = await run(['user', 'add', 'acme', '--config', config, '--home', home, '--generate']);
    expect(output).toMatch(/^\S{12,}\n$/);
    const [account] = await accounts(config);
    expect(await passwordFits(account, output.trimEnd())).toBe(true);
  });

  test('is asked for twice on a terminal, without an echo', async () => {
    const { config, users, home } = await state();
    const { exitCode, output, errors } = await typed(
      ['user', 'add', 'acme', '--users', users, '--home', home],
      [PASSWORD, PASSWORD],
    );
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: '' });
    expect(errors).toContain('New password: \nThe same again: \n');
    expect(errors).not.toContain(PASSWORD);
    const [account] = await accounts(config);
    expect(await passwordFits(account, PASSWORD)).toBe(true);
  });

  test.each([
    ['answers that differ', [PASSWORD, `${PASSWORD}!`], 'differ'],
    ['a short first answer', ['short'], 'at least 12 characters'],
    ['Ctrl-C', ['\u0003'], 'Cancelled'],
    ['the end of input', ['\u0004'], 'Cancelled'],
  ])('%s changes nothing', async (_, answers, message) => {
    const { users, home } = await state();
    const { exitCode, errors } = await typed(['user', 'add', 'acme', '--users', users, '--home', home], answers);
    expect(exitCode).toBe(1);
    expect(errors).toContain(message);
    await expect(stat(users)).rejects.toThrow('ENOENT');
  });
});

const BCRYPT = '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i';

describe('a hash that is brought along', () => {
  test.each([
    ['a plain password', PASSWORD, 'must be the hash of a password'],
    ['an MD5 hash', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/', 'MD5'],
    ['nothing', '', 'must be the hash of a password'],
  ])('%s is refused, and nothing is written', async (_, input, message) => {
    const { users, home } = await state();
    const words = ['user', 'add', 'acme', '--users', users, '--home', home, '--hash-stdin'];
    const { exitCode, errors } = await run(words, { input });
    expect(exitCode).toBe(1);
    expect(errors).toContain(message);
    await expect(stat(users)).rejects.toThrow('ENOENT');
  });

  test('does not go together with a password', async () => {
    const { users } = await state();
    for (const other of ['--generate', '--password-stdin']) {
      const words = ['user', 'passwd', 'acme', '--users', users, '--hash-stdin', other];
      expect((await run(words, { input: BCRYPT })).exitCode).toBe(2);
    }
  });

  test('is taken as it is, and the list says what made it', async () => {
    const { config, users, home } = await state();
    const words = ['user', 'add', 'acme', '--users', users, '--home', home, '--hash-stdin'];
    expect(await run(words, { input: `${BCRYPT}\n` })).toMatchObject({ exitCode: 0, output: '' });
    expect((await accounts(config))[0]?.passwordHash).toBe(BCRYPT);
    expect((await run(['user', 'list', '--users', users])).output).toMatch(/^acme .* bcrypt +no$/m);
    await run(['user', 'passwd', 'acme', '--users', users, '--generate']);
    expect((await run(['user', 'list', '--users', users])).output).toMatch(/^acme .* argon2id +no$/m);
  });
});

describe('a second factor', () => {
  test('of nobody is refused', async () => {
    const { users } = await state();
    for (const more of [[], ['--remove']]) {
      const { exitCode, output } = await run(['user', 'totp', 'nobody', '--users', users, ...more]);
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    }
    expect((await run(['user', 'totp', 'nobody'])).exitCode).toBe(2);
    expect((await run(['user', 'totp', 'nobody', '--secrets', `${users}.totp`, '--remove'])).exitCode).toBe(1);
  });

  test('is shown once as apps take it, alone on standard output, and goes again', async () => {
    const { config, users, home } = await state();
    await run(['user', 'add', 'acme', '--users', users, '--home', home, '--generate']);
    const made = await run(['user', 'totp', 'acme', '--config', config, '--issuer', 'Acme Files']);
    const uri = new URL(made.output.trimEnd());
    expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
    expect(uri.searchParams.get('issuer')).toBe('Acme Files');
    expect(uri.searchParams.get('secret')).toBe((await accounts(config))[0]?.totpSecret);
    expect(made.errors).not.toContain(uri.searchParams.get('secret'));
    expect((await run(['user', 'list', '--users', users])).output).toMatch(/^acme .* yes$/m);
    expect(await run(['user', 'totp', 'acme', '--users', users, '--remove'])).toMatchObject({
      exitCode: 0,
      output: '',
    });
    expect((await accounts(config))[0]?.totpSecret).toBeUndefined();
  });

  test('of somebody whose account is elsewhere goes into a file of its own', async () => {
    const secrets = join((await state()).folder, 'totp.yaml');
    const { exitCode, output } = await run(['user', 'totp', 'alice', '--secrets', secrets]);
    expect(exitCode).toBe(0);
    const read = await readTotpSecretsFile(secrets);
    expect(read.ok && read.secrets.get('alice')).toBe(new URL(output.trimEnd()).searchParams.get('secret'));
  });
});

/** Runs a command line on a terminal where somebody types an answer at each prompt. */
async function typed(words: readonly string[], answers: readonly string[]) {
  const terminal = fakeTerminal({ tty: true });
  const ended = runProgram(words, terminal);
  for (const [index, answer] of answers.entries()) {
    await terminal.printed(index === 0 ? 'New password: ' : 'The same again: ');
    terminal.stdin.write(`${answer}\r`);
  }
  return { exitCode: await ended, output: terminal.output(), errors: terminal.errors() };
}

function passwordFits(account: UserOptions | undefined, password: string): Promise<boolean> {
  return verifyPassword(new Secret(password), account?.passwordHash ?? '');
}

test('accounts that hold what a module of the configuration declares are edited with --config', async () => {
  const { folder, config, users, home } = await state();
  await writeFile(
    join(folder, 'acme.mjs'),
    `import { z } from '${import.meta.resolve('zod')}';
     const schema = z.string();
     const color = { name: 'color', help: '', contexts: ['account'], schema, initial: '', merge: (_, inner) => inner };
     export default { name: 'acme', directives: [color] };\n`,
  );
  await writeFile(config, `${await readFile(config, 'utf8')}modules: [acme.mjs]\n`);
  await mkdir(home);
  await writeFile(users, `users:\n  - { name: red, home: ${home}, color: red }\n`, { mode: 0o600 });
  const added = await run(['user', 'add', 'acme', '--config', config, '--home', home, '--generate']);
  expect(added).toMatchObject({ errors: expect.stringContaining('Added acme'), exitCode: 0 });
  expect(await run(['user', 'remove', 'red', '--config', config])).toMatchObject({ exitCode: 0 });
  expect((await accounts(config)).map(({ name }) => name)).toEqual(['acme']);
});
