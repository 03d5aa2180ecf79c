/** The conformance suites, run against what is shipped, and against subjects that break one promise each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { accountOf } from '../../src/auth/account.ts';
import { authenticatorOf } from '../../src/auth/compose.ts';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { userOptions } from '../../src/auth/users.ts';
import { usersProver } from '../../src/auth/users-prover.ts';
import { gatewayOptions } from '../../src/config/options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { Secret } from '../../src/lib/secret.ts';
import { authenticationOf } from '../../src/server/authentication.ts';
import { createUserTable } from '../../src/server/create-user-table.ts';
import type { Authenticator } from '../../src/spi/authenticator.ts';
import { UTF_8 } from '../../src/spi/charset.ts';
import { Fault } from '../../src/spi/fault.ts';

import type { ExistingFile, FileSystem } from '../../src/spi/file-system.ts';
import { silentLog } from '../../src/spi/log.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { authenticatorConformance, fileSystemConformance, MemoryFiles } from '../../src/testing.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function onDisk(): Promise<FileSystem> {
  const root = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'));
  folders.push(root);
  return createLocalStorage().filesFor({ root, owner: 'partner', fileMode: 0o640, directoryMode: 0o750, sync: false });
}

describe('files on disk', () => {
  for (const { name, run } of fileSystemConformance(onDisk)) test(name, run);
});

describe('files in memory', () => {
  for (const { name, run } of fileSystemConformance(() => new MemoryFiles())) test(name, run);
});

/** Methods that are other than those of a good storage; undefined for what it cannot do. */
type Change = Parameters<typeof decorate<FileSystem>>[1];

describe('the suite notices a storage that', () => {
  /** The cases that fail with a storage that differs from a good one in these methods. */
  async function broken(change: (files: MemoryFiles) => Change): Promise<string[]> {
    const failed: string[] = [];
    const make = () => {
      const files = new MemoryFiles();
      return decorate<FileSystem>(files, change(files));
    };
    for (const { name, run } of fileSystemConformance(make)) await run().catch(() => failed.push(name));
    return failed;
  }

  test('is sound: no case fails', async () => {
    expect(await broken(() => ({}))).toEqual([]);
  });

  test.each<[string, (files: MemoryFiles) => Change]>([
    ['shows what is not committed', (files) => ({ stage: shown(files) })],
    ['keeps the caller’s buffers', (files) => ({ stage: aliasing(files) })],
    ['throws no Fault', () => ({ openRead: () => Promise.reject(new Error('ENOENT')) })],
    ['forgets the offset', (files) => ({ openRead: fromTheBeginning(files) })],
    ['lists only the first batch', (files) => ({ list: oneBatch(files) })],
    ['loses what was kept', () => ({ resumableBytes: async () => undefined })],
    ['holds nothing and says it does', (files) => ({ stage: publishedAtOnce(files) })],
    ['does not find what it holds', () => ({ held: () => Promise.reject(new Fault('NoSuchFile')) })],
    ['replaces a file where it is told to keep it', (files) => ({ held: heldWith(files, { existing: 'replace' }) })],
    [
      'publishes what is held under the name that it was held for',
      (files) => ({ held: heldWith(files, { path: true }) }),
    ],
    ['says that it has destroyed what is held', (files) => ({ held: heldWith(files, { destroys: false }) })],
    ['reads what is held only once', (files) => ({ held: heldWith(files, { reads: 1 }) })],
    ['removes a directory in which something is held', () => ({ removeDirectory: async () => undefined })],
    ['cannot find what it can hold', () => ({ held: undefined })],
    [
      'replaces what it should keep',
      (files) => ({ rename: (from, to) => MemoryFiles.prototype.rename.call(files, from, to, 'replace') }),
    ],
  ])('%s', async (_what, change) => {
    expect(await broken(change)).not.toEqual([]);
  });
});

function shown(files: MemoryFiles): FileSystem['stage'] {
  return async (path, request) => {
    const staged = await MemoryFiles.prototype.stage.call(files, path, request);
    files.put(path, '');
    return staged;
  };
}

function aliasing(files: MemoryFiles): FileSystem['stage'] {
  return async (path, request) => {
    const staged = await MemoryFiles.prototype.stage.call(files, path, request);
    const held: Buffer[] = [];
    return {
      startBytes: staged.startBytes,
      prefix: () => staged.prefix(),
      abort: (partial) => staged.abort(partial),
      async write(buffers) {
        held.push(...buffers);
      },
      async commit() {
        await staged.write(held);
        await staged.commit();
      },
    };
  };
}

function publishedAtOnce(files: MemoryFiles): FileSystem['stage'] {
  return async (path, request) => {
    const staged = await MemoryFiles.prototype.stage.call(files, path, request);
    return decorate(staged, { hold: () => staged.commit() });
  };
}

interface Broken {
  /** What it does with files that exist, whatever it is told. */
  readonly existing?: ExistingFile;
  /** Whether it takes the path for which it was held for the one that it is to be published as. */
  readonly path?: boolean;
  readonly destroys?: boolean;
  /** How often it can be read. */
  readonly reads?: number;
}

function heldWith(
  files: MemoryFiles,
  { existing, path: isOwn, destroys = true, reads = 9 }: Broken,
): FileSystem['held'] {
  return async (path, id) => {
    const held = await MemoryFiles.prototype.held.call(files, path, id);
    let readsLeft = reads;
    return {
      sizeBytes: held.sizeBytes,
      async *read() {
        readsLeft -= 1;
        if (readsLeft >= 0) yield* held.read();
      },
      publish: (to, told) => held.publish(isOwn ? path : to, existing ?? told),
      destroy: async () => (destroys ? held.destroy() : undefined),
      close: () => held.close(),
    };
  };
}

function fromTheBeginning(files: MemoryFiles): FileSystem['openRead'] {
  return async (path) => {
    const opened = await MemoryFiles.prototype.openRead.call(files, path);
    return { facts: opened.facts, read: () => opened.read(0), close: () => opened.close() };
  };
}

function oneBatch(files: MemoryFiles): FileSystem['list'] {
  return async (path) => {
    const entries = await MemoryFiles.prototype.list.call(files, path);
    return (async function* () {
      for await (const batch of entries) {
        yield batch;
        return;
      }
    })();
  };
}

const PASSWORD = 'correct horse battery';
const hash = hashPassword(new Secret(PASSWORD));

async function users(): Promise<Authenticator> {
  const partner = userOptions.parse({ name: 'partner', passwordHash: await hash, home: '/' });
  const prover = usersProver({ users: () => [partner], queue: new PasswordQueue({ waitingMax: 100 }) });
  return authenticatorOf(prover, {
    name: 'users',
    users: undefined,
    timeoutMs: 15_000,
    clock: systemClock,
    factor: undefined,
    identitySource: undefined,
    accountFor: () => ({
      ok: true,
      account: accountOf(partner, { files: new MemoryFiles(), charset: UTF_8, groups: [] }),
    }),
  });
}

describe('the users authenticator', () => {
  const subject = async () => ({ authenticator: await users(), user: 'partner', password: PASSWORD });
  for (const { name, run } of authenticatorConformance(subject)) test(name, run);
});

describe('the chain of a gateway’s options', () => {
  const subject = async () => {
    const partner = { name: 'partner', passwordHash: await hash, home: tmpdir() };
    const tls = { certificateFile: 'not-read.crt', keyFile: 'not-read.key' };
    const options = gatewayOptions.parse({ listen: [{ port: 0 }], tls, users: [partner] });
    const parts = { clock: systemClock, log: silentLog, directives: [] };
    const [authenticator] = authenticationOf(options, parts).chain;
    if (authenticator === undefined) throw new Error('there is no chain');
    return { authenticator, user: 'partner', password: PASSWORD };
  };
  for (const { name, run } of authenticatorConformance(subject)) test(name, run);
});

describe('a user table', () => {
  const subject = async () => {
    const table = createUserTable({ filesFor: () => new MemoryFiles() });
    await table.add({ name: 'partner', passwordHash: await hash, home: tmpdir() });
    await table.add({ name: 'other', passwordHash: await hash, home: tmpdir() });
    return { authenticator: table.authenticator, user: 'partner', password: PASSWORD };
  };
  for (const { name, run } of authenticatorConformance(subject)) test(name, run);
});

describe('the suite notices an authenticator that', () => {
  const accepts = async (when: (user: string, password: string | undefined) => boolean): Promise<string[]> => {
    const good = await users();
    const account = { name: 'partner', files: new MemoryFiles(), permissions: new Set<never>(), directories: [] };
    const authenticator: Authenticator = {
      name: 'broken',
      async authenticate(credentials, signal) {
        if (!when(credentials.user, credentials.password?.reveal())) return good.authenticate(credentials, signal);
        return { verdict: 'accepted', account: { ...account, existing: 'keep', onIncomplete: 'remove' } };
      },
    };
    const failed: string[] = [];
    for (const { name, run } of authenticatorConformance(() => ({
      authenticator,
      user: 'partner',
      password: PASSWORD,
    }))) {
      await run().catch(() => failed.push(name));
    }
    return failed;
  };

  test.each<[string, (user: string, password: string | undefined) => boolean]>([
    ['takes an empty password', (_user, password) => password === ''],
    ['takes passwords in any letter case', (_user, password) => password?.toLowerCase() === PASSWORD],
    ['asks for no password', (_user, password) => password === undefined],
    ['knows users that it was not told of', (user, password) => user === '__proto__' && password === PASSWORD],
  ])('%s', async (_what, when) => {
    expect(await accepts(when)).not.toEqual([]);
  });

  test('throws: that is a refusal, and only the right password has to be accepted', async () => {
    const authenticator: Authenticator = { name: 'down', authenticate: () => Promise.reject(new Fault('Busy')) };
    const [first, ...others] = authenticatorConformance(() => ({ authenticator, user: 'a', password: 'b' }));
    await expect(first?.run()).rejects.toThrow();
    await expect(others[0]?.run()).resolves.toBeUndefined();
  });
});
