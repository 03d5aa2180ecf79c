/** The README is taken at its word: its configuration loads, its commands go with it, and the partner intake is one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { Secret } from '../../src/lib/secret.ts';
import { defineGate } from '../../src/spi/gate.ts';
import { run } from '../cli/fake-terminal.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { logIn } from '../fixtures/log-in.ts';
import { blocksOf } from '../fixtures/page-examples.ts';
import { textOf } from './tables.ts';

const page = textOf('README.md');
const [example = ''] = blocksOf(page, 'yaml');

/** Does what the page says, in a folder of its own; `users` are its lines for the users file. */
async function followed() {
  const folder = await temporaryFolder();
  const { files } = await testCertificates();
  const here = (text: string) => text.replaceAll('/srv', join(folder, 'srv'));
  const placed = here(example).replaceAll('/etc/sallyport/fullchain.pem', files.cert);
  const config = join(folder, 'sallyport.yaml');
  await writeFile(config, placed.replaceAll('/etc/sallyport/key.pem', files.key), { mode: 0o600 });
  for (const name of ['in', 'out']) await mkdir(join(folder, 'srv/intake/acme', name), { recursive: true });
  const commands = blocksOf(page, 'sh').flatMap((block) => block.split('\n'));
  const adding = commands.filter((line) => line.startsWith('sallyport user add '));
  expect(adding).toHaveLength(1);
  for (const line of adding) {
    const words = here(line.replace(/ #.*/, '').trim()).replace('users.yaml', join(folder, 'users.yaml'));
    const [, ...args] = words.split(' ');
    const added = await run([...args, '--password-stdin'], { input: PASSWORD });
    expect(added.exitCode, added.errors).toBe(0);
  }
  const loaded = await loadConfig(config);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return { folder, loaded };
}

test('the configuration is right together with the account that a command adds', async () => {
  const { loaded } = await followed();
  expect(loaded.accounts.map(({ name }) => name)).toEqual(['acme-claims', 'globex-claims']);
});

test('what it says of /in and /out is so, and a receipt follows', async () => {
  const { folder, loaded } = await followed();
  const passwordHash = await hashPassword(new Secret(PASSWORD));
  const gate = defineGate({ name: 'antivirus', deadlineMs: 60_000, inspect: async () => ({ verdict: 'pass' }) });
  const users = loaded.options.users.map((user) => ({ ...user, passwordHash }));
  const options = { users, stateDirectory: join(folder, 'state') };
  const gateway = await startGateway(options, {}, { gates: [gate] });
  await writeFile(join(folder, 'srv/intake/acme/out/reply.csv'), 'reply');
  const { client } = await logIn(gateway, 'acme-claims', PASSWORD);
  onTestFinished(() => client.close());
  await client.send('PBSZ 0');
  await client.send('PROT P');
  await client.send('TYPE I');
  expect(await client.upload('STOR /in/claims.txt', 'a')).toMatch(/^553/);
  expect(await client.upload('STOR /in/claims.csv', 'a')).toMatch(/226/);
  expect(await client.upload('STOR /in/claims.csv', 'b')).toMatch(/553/);
  for (const line of ['RETR /in/claims.csv', 'LIST /in']) expect((await client.download(line)).reply).toMatch(/550/);
  expect(await client.send('DELE /in/claims.csv')).toMatch(/^550/);
  expect(await client.send('SITE RECEIPT /in/claims.csv')).toMatch(/^211/);
  expect((await client.download('RETR /out/reply.csv')).data.toString()).toBe('reply');
  expect(await client.upload('STOR /out/mine.csv', 'x')).toMatch(/^550/);
});
