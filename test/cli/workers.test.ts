/** `workers` as `check` and `serve` tell of it; several processes at work are in `test/supervisor`. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function configuration(more: string): Promise<string> {
  const { files } = await testCertificates();
  const path = join(await temporaryFolder(), 'sallyport.yaml');
  await writeFile(
    path,
    `listen: [{ port: 0 }]\ntls: { certificate_file: ${files.cert}, key_file: ${files.key} }\n${more}`,
  );
  return path;
}

/** Whether `auto` can be more than one here. */
const several = test.skipIf(availableParallelism() === 1);

/** What needs one process. */
const USERS = 'authentication: [{ type: anonymous, account: { home: /tmp, run_as: user } }]\n';

test('a number of workers beside users of the system is refused where it stands', async () => {
  const path = await configuration(`workers: 2\n${USERS}`);
  const { exitCode, errors } = await run(['check', '-c', path]);
  expect(exitCode).toBe(2);
  expect(errors).toContain(
    `${path}:4:68 authentication[0].account.run_as: needs all sessions in one process, and workers is 2`,
  );
});

several('check tells how many there are, and why auto is one', async () => {
  const two = await run(['check', '-c', await configuration('workers: 2\n')]);
  expect(two.output).toMatch(/workers +2 processes\n/);
  const auto = await run(['check', '-c', await configuration('workers: auto\n')]);
  expect(auto.output).toMatch(new RegExp(`workers +${availableParallelism()} processes\n`));
  const one = await run(['check', '-c', await configuration(`workers: auto\n${USERS}`)]);
  expect(one.output).toMatch(
    /workers +none, one process serves \(auto: run_as: user needs all sessions in one process\)\n/,
  );
  expect((await run(['check', '-c', await configuration('')])).output).not.toContain('workers');
});

several('serve says why auto is one, and that nothing can be restarted', async () => {
  const path = await configuration(`workers: auto\n${USERS}`);
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '-c', path], terminal);
  await Promise.race([terminal.printed('One process serves, though workers is auto: run_as: user'), stopped]);
  expect(terminal.errors()).toContain('Listening on 127.0.0.1:');
  expect(terminal.restart()).toBe(1);
  await terminal.printed('Restart: there are no workers to be replaced');
  terminal.stop();
  expect(await stopped).toBe(0);
  expect(terminal.restart()).toBe(0);
});
