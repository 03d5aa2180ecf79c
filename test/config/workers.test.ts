/** How many processes serve, and what leaves no choice but one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { userOptions } from '../../src/auth/users.ts';
import { loadConfig } from '../../src/config/load.ts';
import { gatewayOptions } from '../../src/config/options.ts';
import { workerCount, workerFindings } from '../../src/config/workers.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SMALLEST = { listen: [{ port: 0 }], tls: { certificate: 'x', key: 'y' } };

test.each([0, 257, 1.5, 'many', '2', true, null])('%j is no number of workers', (workers) => {
  const { error } = gatewayOptions.safeParse({ ...SMALLEST, workers });
  expect(error?.issues.map(({ path }) => path)).toEqual([['workers']]);
});

describe('several workers are refused where all sessions have to be in one process', () => {
  test.each([['users of the system', { authentication: [{ account: { runAs: 'user' } }] }, ['runAs']]])(
    'for %s',
    (_, value, keys) => {
      const [finding, ...more] = workerFindings({ workers: 2, ...value });
      expect([finding?.path, more]).toEqual([expect.arrayContaining(keys), []]);
      expect(finding?.message).toBe(
        'needs all sessions in one process, and workers is 2: let workers be 1, or auto, which is 1 then',
      );
      expect(workerFindings({ workers: 1, ...value })).toEqual([]);
      expect(workerFindings({ workers: 'auto', ...value })).toEqual([]);
    },
  );

  test('a file is told where, its users file as well', async () => {
    const { files } = await testCertificates();
    const folder = await temporaryFolder();
    const path = join(folder, 'sallyport.yaml');
    const users = join(folder, 'users.yaml');
    const hash = await hashPassword(new Secret('correct horse battery'));
    const account = `users:\n  - name: a\n    password_hash: ${hash}\n    home: ${folder}\n    run_as: user\n`;
    await writeFile(users, account, { mode: 0o600 });
    await writeFile(
      path,
      `listen: [{ port: 0 }]\ntls: { certificate_file: ${files.cert}, key_file: ${files.key} }\nworkers: 2\nusers_file: users.yaml\nauthentication: [{ type: anonymous, account: { home: ${folder}, run_as: user } }]\n`,
    );
    const loaded = await loadConfig(path);
    expect(loaded.ok ? [] : loaded.problems.map(({ file, line, path: key }) => [file, line, key])).toEqual(
      expect.arrayContaining([
        [path, 5, 'authentication[0].account.run_as'],
        [users, 5, 'users[0].run_as'],
      ]),
    );
  });
});

describe('the number of workers', () => {
  const options = gatewayOptions.parse(SMALLEST);

  test('is the one that is written down', () => {
    expect(workerCount({ options, accounts: [] }, 8)).toEqual({ count: 1 });
    expect(workerCount({ options: { ...options, workers: 3 }, accounts: [] }, 8)).toEqual({ count: 3 });
  });

  test('is that of the cores for auto, and 1 where one process is needed, with the reason', async () => {
    const auto = { ...options, workers: 'auto' as const };
    expect(workerCount({ options: auto, accounts: [] }, 8)).toEqual({ count: 8 });
    expect(workerCount({ options: auto, accounts: [] }, 1)).toEqual({ count: 1 });
    const passwordHash = await hashPassword(new Secret('correct horse battery'));
    const accounts = [userOptions.parse({ name: 'a', passwordHash, home: '/srv/a', runAs: 'user' })];
    expect(workerCount({ options: auto, accounts }, 8)).toEqual({
      count: 1,
      because: 'run_as: user needs all sessions in one process',
    });
    const intake = { gates: ['av'], deliver: ['erp'], retainDays: 3, quotaBytes: 1, quotaFiles: 1 };
    expect(workerCount({ options: { ...auto, intake }, accounts: [] }, 8)).toEqual({ count: 8 });
  });
});

test.each(['auto', 2] as const)('a program is told that it has no workers: %s', async (workers) => {
  const { cert, key } = await testCertificates();
  expect(() => createGateway({ listen: [{ port: 0 }], tls: { certificate: cert, key }, workers })).toThrow(
    /workers: a program has the whole gateway in its own process/,
  );
});
