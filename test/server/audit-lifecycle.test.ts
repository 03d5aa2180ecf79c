/** The audit log of a gateway on the disk: opened before anything listens, told of the gateway itself, closed behind everything. */
import { hash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { hashPassword } from '../../src/auth/password-hash.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { gatewayOptions } from '../../src/config/options.ts';
import { addUser, removeUser, setPassword } from '../../src/config/users-file.ts';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { AuditNotOpened, auditOrigin } from '../../src/server/audit.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { optionsDigest } from '../../src/server/options-digest.ts';
import type { AuditLog } from '../../src/spi/audit.ts';
import { silentLog } from '../../src/spi/log.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { RecordingLog, startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { replyTo } from '../fixtures/log-in.ts';
import { memoryAuditLog, type WrittenRecord } from '../fixtures/memory-audit-log.ts';

const ORIGIN = 'ftp.example.com/sallyport';
const WAIT = { timeout: 10_000 };
const DIGEST = expect.stringMatching(/^[0-9a-f]{64}$/);

async function bare(stateDirectory: string | undefined, more: Partial<GatewayOptionsInput> = {}) {
  const { cert: certificate, key } = await testCertificates();
  return {
    listen: [{ port: 0 }],
    tls: { certificate, key },
    ...(stateDirectory !== undefined && { stateDirectory }),
    ...more,
  };
}

/** Opens the log that a gateway of these options has closed. */
async function logIn(stateDirectory: string, { origin = ORIGIN, clock = systemClock, io = fs } = {}) {
  const signer = readOrMakeLogKey(join(stateDirectory, 'audit.key'), origin);
  const directory = join(stateDirectory, 'audit');
  return openAuditLog({ directory, origin, signer, clock, log: silentLog, checkpointMs: 1_000, io });
}

async function recordsOf(log: Pick<AuditLog, 'read'>): Promise<readonly WrittenRecord[]> {
  const records: WrittenRecord[] = [];
  for await (const { entry } of log.read(0)) records.push(JSON.parse(entry.toString('utf8')));
  return records;
}

test('it is made on the disk, for this user alone, and has the gateway from its start to its end', async () => {
  const state = join(await temporaryFolder(), 'state');
  const options = await bare(state, { audit: { origin: ORIGIN } });
  const gateway = createGateway(options);
  await gateway.start();
  const { port } = gateway.addresses[0] ?? { port: 0 };
  await gateway.close();
  expect((await stat(state)).mode & 0o777).toBe(0o700);
  expect((await stat(join(state, 'audit.key'))).mode & 0o777).toBe(0o600);
  const log = await logIn(state);
  expect(await recordsOf(log)).toMatchObject([
    {
      ...{ event: 'config.loaded', result: 'success', who: {}, origin: { program: 'gateway' } },
      object: { digest: optionsDigest(gatewayOptions.parse(options)) },
    },
    {
      event: 'gateway.started',
      object: { version: expect.stringMatching(/^\d+\./), listen: [{ host: '127.0.0.1', port, tls: 'explicit' }] },
    },
    { event: 'gateway.stopped' },
  ]);
  await log.close();
});

test('a gateway that was closed starts again and goes on with the same log', async () => {
  const state = await temporaryFolder();
  const gateway = createGateway(await bare(state, { audit: { origin: ORIGIN } }));
  for (let time = 0; time < 2; time++) {
    await gateway.start();
    await gateway.close();
  }
  const log = await logIn(state);
  const events = (await recordsOf(log)).map(({ event }) => event);
  expect(events).toEqual(Array(2).fill(['config.loaded', 'gateway.started', 'gateway.stopped']).flat());
  await log.close();
});

test('one that cannot be opened keeps the gateway from listening, and the words say what to do', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const gateway = createGateway(await bare(join(folder, 'file')));
  const refused = gateway.start();
  await expect(refused).rejects.toThrow(AuditNotOpened);
  await expect(refused).rejects.toThrow(/file\/audit cannot be written: .*state_directory.*audit\.requirement/);
  expect(gateway.addresses).toEqual([]);
});

test('where it is only preferred the gateway starts without it and says so', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'audit'), 'a file where the directory should be');
  const log = new RecordingLog();
  const gateway = createGateway(await bare(folder, { audit: { requirement: 'preferred' } }), { log });
  await gateway.start();
  expect(log.entries.filter(({ event }) => event === 'audit.unavailable').map(({ level }) => level)).toEqual([
    ...['error', 'error'],
  ]);
  await gateway.close();
});

test('a log that somebody else writes keeps the gateway from starting, until they let it go', async () => {
  const state = await temporaryFolder();
  const other = await logIn(state);
  const gateway = createGateway(await bare(state, { audit: { origin: ORIGIN } }));
  await expect(gateway.start()).rejects.toThrow(AuditNotOpened);
  await other.close();
  await gateway.start();
  await gateway.close();
});

test('a program without a state directory has none, and neither has one that switches it off', async () => {
  const folder = await temporaryFolder();
  for (const options of [await bare(undefined), await bare(folder, { audit: { requirement: 'off' } })]) {
    const gateway = createGateway(options);
    await gateway.start();
    await gateway.close();
  }
  await expect(stat(join(folder, 'audit'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a log of the program’s own is used and left open; one that fails keeps the gateway from starting', async () => {
  const audit = memoryAuditLog();
  audit.failure = new Error('ENOSPC');
  const gateway = createGateway(await bare(undefined), { audit });
  await expect(gateway.start()).rejects.toThrow(/the audit log cannot be written/);
  audit.failure = undefined;
  await gateway.start();
  await gateway.close();
  expect(audit.events).toEqual(['config.loaded', 'gateway.started', 'gateway.stopped']);
});

test('a log that hangs does not keep the gateway from ending', async () => {
  const clock = new FakeClock(Date.now());
  const audit = memoryAuditLog();
  const log = new RecordingLog();
  const gateway = createGateway(await bare(undefined), { audit, clock, log });
  await gateway.start();
  audit.hang();
  const closing = gateway.close();
  await vi.waitFor(() => expect(audit.waiting).toBe(1), WAIT);
  clock.advance(8_000);
  await closing;
  expect(log.of('audit.lost')).toMatchObject([{ event: 'gateway.stopped' }]);
});

test('a disk that is full refuses uploads and logins, and takes them again when there is space', async () => {
  const state = await temporaryFolder();
  let full = false;
  /** The file system, but for writes when it is full. */
  const io = {
    ...fs,
    open: async (...args: Parameters<typeof fs.open>) => {
      const handle = await fs.open(...args);
      const refuse = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }));
      return new Proxy(handle, {
        get(target, name) {
          if (full && /^write/.test(String(name))) return refuse;
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
    },
  };
  const audit = await logIn(state, { io });
  const gateway = await startGateway({}, {}, { audit });
  const client = await RawClient.login(gateway);
  full = true;
  expect(await client.upload('STOR first.txt', 'hello')).toMatch(/^451/);
  // From here on it is known, and nothing is even begun.
  expect(audit.failure).toBeDefined();
  expect(await client.upload('STOR second.txt', 'hello')).toMatch(/^451/);
  await expect(stat(join(gateway.home, 'second.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  full = false;
  await vi.waitFor(() => expect(audit.failure).toBeUndefined(), { timeout: 30_000, interval: 50 });
  expect(await client.upload('STOR second.txt', 'hello')).toMatch(/^226/);
  await gateway.gateway.close();
  expect((await recordsOf(audit)).map(({ event }) => event)).toContain('upload.published');
  await audit.close();
}, 60_000);

test('records beyond their days are dropped at the start and once a day, and that is recorded', async () => {
  const state = await temporaryFolder();
  const clock = new FakeClock(Date.now());
  const old = await logIn(state, { clock });
  const record = { event: 'login.failed', result: 'failure', who: {}, origin: {}, object: {} } as const;
  await Promise.all(Array.from({ length: 600 }, () => old.append(record)));
  await old.close();
  clock.advance(3 * 86_400_000);
  const gateway = createGateway(await bare(state, { audit: { origin: ORIGIN, retainDays: 1 } }), { clock });
  await gateway.start();
  await gateway.close();
  const log = await logIn(state, { clock });
  expect(log.minimumIndex).toBe(512);
  const events: WrittenRecord['event'][] = [];
  for await (const { entry } of log.read(512)) events.push(JSON.parse(entry.toString('utf8')).event);
  expect(events).toContain('log.pruned');
  await log.close();
});

test('certificates that are read again are told of, with those that are refused and why', async () => {
  const { files } = await testCertificates();
  const folder = await temporaryFolder();
  const [certificateFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await copyFile(files.cert, certificateFile);
  await copyFile(files.key, keyFile);
  const audit = memoryAuditLog();
  const { gateway } = await startGateway({ tls: { certificateFile, keyFile } }, {}, { audit });
  await gateway.reload();
  await writeFile(certificateFile, 'no certificate');
  await gateway.reload();
  expect(audit.of('certificate.changed')).toMatchObject([
    {
      result: 'success',
      object: {
        part: 'certificates',
        sha256: [expect.stringMatching(/^[0-9a-f]{64}$/)],
        subjects: [expect.any(String)],
      },
    },
    { result: 'failure', object: { part: 'certificates' }, reason: expect.stringContaining('no certificate') },
  ]);
});

test('a users file that has changed is told of, with the names of its accounts and no secret', async () => {
  const home = await temporaryFolder();
  const usersFile = join(home, 'users.yaml');
  const passwordHash = await hashPassword(new Secret('a long one'));
  const digest = async () => hash('sha256', await readFile(usersFile));
  for (const name of ['alice', 'bob', 'carol']) {
    const directories = [{ path: '/in', permissions: 'elr' }];
    await addUser(usersFile, { name, passwordHash, home, directories });
  }
  const audit = memoryAuditLog();
  const started = await digest();
  const { gateway, ...at } = await startGateway({ usersFile }, {}, { audit });
  expect(audit.of('config.loaded')).toMatchObject([{ object: { users_file_sha256: started } }]);
  await gateway.reload();
  expect(audit.of('config.loaded')).toHaveLength(1);
  await removeUser(usersFile, 'carol');
  await addUser(usersFile, { name: 'dora', passwordHash, home });
  await setPassword(usersFile, 'alice', await hashPassword(new Secret('another one')));
  // Nobody asks for it: the next login has it read.
  await replyTo({ gateway, ...at }, 'dora', 'a long one');
  await writeFile(usersFile, 'users: nonsense\n');
  await gateway.reload();
  expect(audit.of('config.loaded').slice(1)).toMatchObject([
    {
      result: 'success',
      object: { part: 'users_file', sha256: DIGEST, added: ['dora'], removed: ['carol'], changed: ['alice'] },
    },
    { result: 'failure', object: { part: 'users_file' }, reason: expect.stringMatching(/./) },
  ]);
  expect(JSON.stringify(audit.records)).not.toContain('argon2');
});

test('its numbers are among the metrics', async () => {
  const audit = memoryAuditLog();
  const { gateway } = await startGateway({ metrics: { port: 0 } }, {}, { audit });
  const numbers = async () => {
    const { host, port } = gateway.metricsAddress ?? { host: '', port: 0 };
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith('sallyport_audit_'));
  };
  // A log that the program gave does not tell its syncs.
  const counted = [
    `sallyport_audit_records_total ${audit.size}`,
    'sallyport_audit_syncs_total 0',
    'sallyport_audit_failures_total 0',
  ];
  expect(await numbers()).toEqual([...counted, 'sallyport_audit_writable 1']);
  audit.failure = new Error('ENOSPC');
  expect(await numbers()).toEqual([...counted, 'sallyport_audit_writable 0']);
});

test('the digest follows every option but secrets, and not the order of keys', async () => {
  const options = gatewayOptions.parse(await bare(undefined));
  const digest = optionsDigest(options);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(optionsDigest(Object.fromEntries(Object.entries(options).reverse()))).toBe(digest);
  expect(optionsDigest({ ...options, tls: { ...options.tls, key: 'another' } })).toBe(digest);
  expect(optionsDigest({ ...options, users: [{ name: 'a', passwordHash: 'x' }] })).toBe(
    optionsDigest({ ...options, users: [{ name: 'a', passwordHash: 'y' }] }),
  );
  expect(optionsDigest({ ...options, closeNotify: 'off' })).not.toBe(digest);
  expect(optionsDigest({ ...options, banner: undefined })).not.toBe(digest);
});

test('the origin follows from the machine’s name, and is one that a log can have', async () => {
  expect(auditOrigin(gatewayOptions.parse(await bare(undefined)))).toMatch(/^[A-Za-z0-9.-]+\/sallyport$/);
  expect(auditOrigin(gatewayOptions.parse(await bare(undefined, { audit: { origin: ORIGIN } })))).toBe(ORIGIN);
  for (const origin of ['', 'a b', 'a+b', 'a\nb']) {
    expect(gatewayOptions.safeParse(await bare(undefined, { audit: { origin } })).success).toBe(false);
  }
});
