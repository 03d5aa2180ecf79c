/** The command line as a whole: help that is worth reading, and exit codes that scripts can trust. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run } from './fake-terminal.ts';

describe('wrong use gives 2, says what is wrong, and shows no stack', () => {
  test.each([
    [[], 'Usage: sallyport'],
    [['fly'], "unknown command 'fly'"],
    [['serve', '--fly'], "unknown option '--fly'"],
    [['serve', '--state', '/tmp'], "'--demo'"],
    [['serve', '--demo', '-c', 'x.yaml'], 'cannot be used with'],
    [['serve', 'sallyport.yaml'], 'too many arguments'],
    [['check', '-c'], 'argument missing'],
    [['cert'], 'Usage: sallyport cert'],
    [['cert', 'fly'], "unknown command 'fly'"],
    [['user', 'remove', '--users', 'a'], "missing required argument 'name'"],
    [['user', 'add', 'acme', '--users', 'u.yaml'], '--home'],
    [['user', 'list'], '--users'],
    [['user', 'list', '--users', 'a', '--config', 'b'], 'cannot be used with'],
    [['user', 'passwd', 'acme', '--users', 'a', '--generate', '--password-stdin'], 'cannot be used with'],
    [['user', 'add', 'a/b', '--users', 'a', '--home', 'b'], 'A name is'],
    [['user', 'add', 'acme', '--users', 'a', '--home', 'b', '--permissions', 'rwx'], 'The letters are'],
  ] satisfies [string[], string][])('%j', async (words, message) => {
    const { exitCode, output, errors } = await run(words);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(message);
    expect(errors).not.toMatch(/\n\s+at /);
  });

  test('a password on the command line is refused, not taken', async () => {
    const { exitCode, errors } = await run(['user', 'passwd', 'acme', '--users', 'a', '--password', 'not a good idea']);
    expect(exitCode).toBe(2);
    expect(errors).not.toContain('not a good idea');
  });
});

describe('help', () => {
  const commands = [
    [],
    ['serve'],
    ['check'],
    ['explain'],
    ['cert'],
    ['cert', 'dev'],
    ['cert', 'self-signed'],
    ['user'],
    ['user', 'add'],
    ['user', 'remove'],
    ['user', 'list'],
    ['user', 'passwd'],
  ];

  test.each(commands.map((words) => [words]))(
    '%j --help has examples of itself and exit codes, fits a terminal, and gives 0',
    async (words) => {
      const { exitCode, output, errors } = await run([...words, '--help']);
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
      expect(output).toContain('Examples:');
      expect(output).toMatch(/Exit codes:\n {2}0 /);
      const examples = output.slice(output.indexOf('Examples:'));
      expect(examples).toContain(['  sallyport', ...words].join(' '));
      for (const line of output.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    },
  );

  test('every example in the help is a command line that exists', async () => {
    for (const words of commands) {
      const { output } = await run([...words, '--help']);
      for (const [, example = ''] of output.matchAll(/^ {2}(?:\S+ \S+ \S+ \| )?sallyport ([a-z].*)$/gm)) {
        const typed = example.split(/ {2,}| && /)[0]?.split(' ') ?? [];
        const { exitCode, output: help, errors } = await run([...typed, '--help']);
        expect([example, exitCode, errors]).toEqual([example, 0, '']);
        for (const option of typed.filter((word) => word.startsWith('-'))) expect(help).toContain(option);
      }
    }
  });

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await run(['--version'])).toEqual({ exitCode: 0, output: `${version}\n`, errors: '' });
  });
});
