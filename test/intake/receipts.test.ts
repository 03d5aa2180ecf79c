import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { accountDirectory, receiptIndex, receiptName, receiptPlace } from '../../src/intake/receipts/receipt-names.ts';
import { type ReceiptFiles, receiptFiles } from '../../src/intake/receipts/receipts.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { AuditLog, AuditRecord } from '../../src/spi/audit.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { silentLog } from '../../src/spi/log.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';

let directory: string;
let audit: MemoryAuditLog;
let receipts: ReceiptFiles;

beforeEach(async () => {
  directory = join(await temporaryFolder(), 'receipts');
  audit = memoryAuditLog();
  receipts = receiptFiles({ directory, log: silentLog });
  await receipts.restore(audit);
});

function at(text: string): VirtualPath {
  const path = resolvePath(ROOT, text);
  if (path === undefined) throw new Error(`'${text}' is no path`);
  return path;
}

function published(account: string, path: string): AuditRecord {
  const object = { upload: `u${audit.size}`, path };
  return { event: 'upload.published', result: 'success', who: { account }, origin: {}, object };
}

/** Records an upload and writes its receipt. @returns the path of the receipt, and its text. */
async function publish(account: string, path: string): Promise<{ readonly path: VirtualPath; readonly text: string }> {
  const { index } = await audit.append(published(account, path));
  const text = await audit.receipt(index);
  const written = await receipts.write(account, at(path), index, text);
  if (written === undefined) throw new Error('it is shown to nobody');
  return { path: written, text };
}

async function namesIn(files: FileSystem, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const batch of await files.list(at(path))) names.push(...batch.map(({ name }) => name));
  return names.sort();
}

async function textOf(files: FileSystem, path: string, offset = 0): Promise<string> {
  const opened = await files.openRead(at(path));
  const pieces: Buffer[] = [];
  for await (const piece of opened.read(offset)) pieces.push(piece);
  await opened.close();
  return Buffer.concat(pieces).toString('utf8');
}

describe('what was altered on the disk', () => {
  beforeEach(async () => {
    receipts = receiptFiles({ directory, log: silentLog, audit });
    await receipts.restore(audit);
  });

  const fileOf = (name: string) => join(directory, 'acme', name);
  const mounted = () => receipts.mount(new MemoryFiles(), 'acme');

  test.each([
    ['another record', (text: string) => text.replace('"/a"', '"/b"')],
    ['its beginning alone', (text: string) => text.slice(0, 100)],
    ['nothing', () => ''],
  ])('%s is made again from the log, and written', async (_, altered) => {
    const { text, path } = await publish('acme', '/a');
    const file = fileOf('a.0.receipt');
    writeFileSync(file, altered(text));
    expect(await receipts.newest('acme', at('/a'))).toBe(text);
    expect(readFileSync(file, 'utf8')).toBe(text);
    writeFileSync(file, altered(text));
    expect(await textOf(mounted(), path)).toBe(text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('what the log says of nobody, or of another, is none', async () => {
    const { text } = await publish('acme', '/a');
    await publish('other', '/b');
    writeFileSync(fileOf('c.0.receipt'), text.replace('"/a"', '"/c"'));
    writeFileSync(fileOf('b.1.receipt'), text);
    expect(await receipts.newest('acme', at('/c'))).toBeUndefined();
    for (const path of ['/.receipts/c.0.receipt', '/.receipts/b.1.receipt']) {
      await expect(textOf(mounted(), path)).rejects.toMatchObject({ kind: 'NoSuchFile' });
    }
  });

  test('what the log has no longer is shown as it is', async () => {
    const { text, path } = await publish('acme', '/a');
    const forgetful = decorate<AuditLog>(audit, { read: async function* () {} });
    receipts = receiptFiles({ directory, log: silentLog, audit: forgetful });
    expect(await receipts.newest('acme', at('/a'))).toBe(text);
    expect(await textOf(mounted(), path)).toBe(text);
  });
});

describe('receipts', () => {
  test('there is none of what nobody has stored', async () => {
    expect(await receipts.newest('acme', at('/in/a.edi'))).toBeUndefined();
    await publish('acme', '/in/a.edi');
    for (const path of ['/in/a', '/in', '/', '/in/a.edi.0', '/in/b.edi', '/a.edi']) {
      expect(await receipts.newest('acme', at(path))).toBeUndefined();
    }
  });

  test("nobody has another account's", async () => {
    await publish('acme', '/a');
    for (const account of ['globex', 'ACME', 'acme/', '.', '..', '', '../receipts/acme', 'x/../acme']) {
      expect(await receipts.newest(account, at('/a'))).toBeUndefined();
      expect(await namesIn(receipts.mount(new MemoryFiles(), account), '/.receipts')).toEqual([]);
    }
  });

  test('the newest is by its place in the log and not by its letters', async () => {
    for (let count = 0; count < 12; count++) await publish('acme', '/a');
    const last = await publish('acme', '/a');
    await publish('acme', '/b');
    expect(last.path).toBe('/.receipts/a.12.receipt');
    expect(await receipts.newest('acme', at('/a'))).toBe(last.text);
  });

  test('one that is of something else, or broken, is passed over', async () => {
    const first = await publish('acme', '/a');
    await publish('acme', '/a');
    const file = join(directory, 'acme', 'a.1.receipt');
    writeFileSync(file, (await publish('acme', '/b')).text);
    expect(await receipts.newest('acme', at('/a'))).toBe(first.text);
    truncateSync(file, 20);
    expect(await receipts.newest('acme', at('/a'))).toBe(first.text);
  });

  test.each([
    '/a',
    '/.hidden/.file',
    '/dir.receipt/a.5.receipt',
    '/in/\u{1f4e6} été.edi',
    '/100%/%2F',
    '/tab\there/bell\u0007',
    '/next\u0085line/a\u2028b',
    `/${'n'.repeat(255)}`,
    `/${'é'.repeat(127)}/${'\u{1f4e6}'.repeat(63)}`,
    `/${'\u0007'.repeat(255)}`,
    `/${Array.from({ length: 1_500 }, () => 'd').join('/')}`,
    `/${Array.from({ length: 15 }, (_, index) => `${index}`.padEnd(255, 'x')).join('/')}`,
  ])('are found again under %s', async (path) => {
    const { path: receipt, text } = await publish('acme', path);
    expect(receipt.startsWith('/.receipts/')).toBe(true);
    expect(receipt.endsWith('.0.receipt')).toBe(true);
    expect(at(receipt)).toBe(receipt);
    expect(receipt).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    expect(await receipts.newest('acme', at(path))).toBe(text);
    expect(await textOf(receipts.mount(new MemoryFiles(), 'acme'), receipt)).toBe(text);
  });

  test('a directory may be called as a receipt is', async () => {
    const file = await publish('acme', '/a');
    const inside = await publish('acme', '/a.0.receipt/b');
    expect(file.path).toBe('/.receipts/a.0.receipt');
    expect(inside.path).toBe('/.receipts/a.0%2Ereceipt/b.1.receipt');
  });

  test('two names of any kind have two places', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('a', 'a.1.receipt', '%', '%25'),
    );
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => resolvePath(ROOT, names.join('/')));
    fc.assert(
      fc.property(path, path, fc.nat(), (one, two, index) => {
        fc.pre(one !== undefined && two !== undefined && one !== two && one !== ROOT && two !== ROOT);
        if (one === undefined || two === undefined) return;
        const [first, second] = [receiptPlace(one), receiptPlace(two)];
        expect([...first.directories, first.stem]).not.toEqual([...second.directories, second.stem]);
        expect(receiptIndex(first.stem, receiptName(first.stem, index))).toBe(index);
        for (const part of first.directories) {
          expect(part).not.toMatch(/\.receipt$|\//);
          expect(['.', '..', '']).not.toContain(part);
        }
      }),
    );
  });

  test('no account has the directory of the gateway or of another one', () => {
    const names = ['a', 'A', '.a', '%2Ea', '.', '..', '.new', '.lasting', '', '%', 'a/b', 'a%2Fb', 'x'.repeat(300)];
    const directories = names.map(accountDirectory);
    expect(new Set(directories).size).toBe(names.length);
    for (const one of directories) expect(one).toMatch(/^[^./][^/]{0,254}$/);
  });
});

describe('/.receipts', () => {
  test.each([
    ['stage', (files: FileSystem) => files.stage(at('/.receipts/a'), { from: 'empty', existing: 'replace' })],
    ['stage itself', (files: FileSystem) => files.stage(at('/.receipts'), { from: 'empty', existing: 'replace' })],
    ['makeDirectory', (files: FileSystem) => files.makeDirectory(at('/.receipts/new'))],
    ['removeDirectory', (files: FileSystem) => files.removeDirectory(at('/.receipts'))],
    ['removeFile', (files: FileSystem) => files.removeFile(at('/.receipts/a.0.receipt'))],
    ['rename away', (files: FileSystem) => files.rename(at('/.receipts/a.0.receipt'), at('/b'), 'keep')],
    ['rename it', (files: FileSystem) => files.rename(at('/.receipts'), at('/b'), 'keep')],
    ['rename to', (files: FileSystem) => files.rename(at('/file'), at('/.receipts/b'), 'keep')],
    ['setModified', (files: FileSystem) => files.setModified(at('/.receipts/a.0.receipt'), 0)],
    ['setMode', (files: FileSystem) => files.setMode(at('/.receipts/a.0.receipt'), 0o777)],
    ['removeTree', (files: FileSystem) => files.removeTree?.(at('/.receipts'), 10)],
    ['setCreated', (files: FileSystem) => files.setCreated?.(at('/.receipts'), 10)],
    ['a link to', (files: FileSystem) => files.makeSymlink?.(at('/link'), at('/.receipts/a.0.receipt'))],
    ['a link in', (files: FileSystem) => files.makeSymlink?.(at('/.receipts/link'), at('/file'))],
    ['held', (files: FileSystem) => files.held?.(at('/.receipts/a'), 'id')],
  ])('refuses: %s', async (_name, act) => {
    await publish('acme', '/a');
    const never = async () => expect.unreachable('storage was asked');
    const base = new MemoryFiles().put(at('/file'), 'content').put(at('/.receipts/a'), 'not a receipt');
    const every = Object.assign(base, { removeTree: never, setCreated: never, makeSymlink: never, held: never });
    await expect(act(receipts.mount(every, 'acme'))).rejects.toMatchObject({ kind: 'PermissionDenied' });
    expect(await textOf(receipts.mount(base, 'acme'), '/.receipts/a.0.receipt')).toContain('upload.published');
  });

  test('has no room and nothing to resume, and is on no disk that anybody is told of', async () => {
    const base = Object.assign(new MemoryFiles(), { onDisk: () => '/srv', isLink: async () => true });
    const files = receipts.mount(base, 'acme');
    expect(await files.freeBytes(at('/.receipts'))).toBeUndefined();
    expect(await files.resumableBytes(at('/.receipts/a'))).toBeUndefined();
    expect(files.onDisk?.(at('/.receipts/a'))).toBeUndefined();
    expect(files.onDisk?.(at('/a'))).toBe('/srv');
    expect(await files.isLink?.(at('/.receipts/a'))).toBe(false);
  });

  test('can do no more than the files behind it', () => {
    const files = receipts.mount(new MemoryFiles(), 'acme');
    for (const name of ['removeTree', 'setCreated', 'makeSymlink', 'isLink', 'onDisk', 'held'] as const) {
      expect(files[name] === undefined).toBe(new MemoryFiles()[name as keyof MemoryFiles] === undefined);
    }
  });

  test('is there before the first receipt, and empty', async () => {
    const files = receipts.mount(new MemoryFiles(), 'acme');
    expect(await files.stat(at('/.receipts'))).toMatchObject({ kind: 'directory', mode: 0o500 });
    await files.enter(at('/.receipts'));
    expect(await namesIn(files, '/.receipts')).toEqual([]);
    await expect(files.stat(at('/.receipts/a'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
    await expect(files.list(at('/.receipts/a'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
    await expect(files.openRead(at('/.receipts'))).rejects.toMatchObject({ kind: 'NotAFile' });
  });

  test('hides what the home has under that name', async () => {
    const base = new MemoryFiles().put(at('/.receipts/real'), 'real').put(at('/real'), 'real');
    const files = receipts.mount(base, 'acme');
    await publish('acme', '/in/a');
    expect(await namesIn(files, '/')).toEqual(['real']);
    expect(await namesIn(files, '/.receipts')).toEqual(['in']);
    expect(await namesIn(files, '/.receipts/in')).toEqual(['a.0.receipt']);
    await expect(files.openRead(at('/.receipts/real'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
    await expect(files.enter(at('/.receipts/in/a.0.receipt'))).rejects.toMatchObject({ kind: 'NotADirectory' });
    await expect(files.list(at('/.receipts/in/a.0.receipt'))).rejects.toMatchObject({ kind: 'NotADirectory' });
    await expect(files.stat(at('/.receipts/in/a.0.receipt/x'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
  });

  test('stands in no listing that the account may not have', async () => {
    const base = Object.assign(new MemoryFiles(), { list: async () => Promise.reject(new Error('refused')) });
    const files = receipts.mount(base, 'acme');
    await expect(files.list(ROOT)).rejects.toThrow('refused');
    expect(await namesIn(files, '/.receipts')).toEqual([]);
  });

  test('shows nothing of the gateway, and follows no link', async () => {
    await publish('acme', '/a');
    await receipts.close();
    writeFileSync(join(directory, 'acme', 'other.txt'), 'secret');
    symlinkSync('/etc/passwd', join(directory, 'acme', 'b.1.receipt'));
    const files = receipts.mount(new MemoryFiles(), 'acme');
    expect(await namesIn(files, '/.receipts')).toEqual(['a.0.receipt']);
    for (const name of ['other.txt', 'b.1.receipt', '.lasting', '.new', `${'x'.repeat(255)}`]) {
      await expect(files.openRead(at(`/.receipts/${name}`))).rejects.toMatchObject({ kind: 'NoSuchFile' });
    }
  });

  test('gives bytes from any place on, and its facts', async () => {
    const { path, text } = await publish('acme', '/a');
    const files = receipts.mount(new MemoryFiles(), 'acme');
    expect(await textOf(files, path, 10)).toBe(text.slice(10));
    expect(await textOf(files, path, Buffer.byteLength(text))).toBe('');
    const facts = { kind: 'file', sizeBytes: Buffer.byteLength(text), mode: 0o400 };
    expect(await files.stat(path)).toMatchObject(facts);
    expect((await files.openRead(path)).facts).toMatchObject(facts);
  });
});

describe('restore', () => {
  /** The directory as a new process finds it. */
  const reopened = () => receiptFiles({ directory, log: silentLog });
  const lasting = () => readFileSync(join(directory, '.lasting'), 'utf8');

  test('makes again what is missing, cut off or full of holes, and leaves the rest', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await publish('acme', `/in/${name}`);
    audit.note({ event: 'login.succeeded', result: 'success', who: { account: 'acme' }, origin: {}, object: {} });
    const file = (name: string, index: number) => join(directory, 'acme', 'in', `${name}.${index}.receipt`);
    rmSync(file('a', 0));
    truncateSync(file('b', 1), 0);
    truncateSync(file('c', 2), 50);
    const whole = readFileSync(file('d', 3));
    writeFileSync(file('d', 3), Buffer.concat([whole.subarray(0, -20), Buffer.alloc(20)]));
    const again = reopened();
    expect(await again.restore(audit)).toBe(4);
    for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      const [record, , , place] = (await again.newest('acme', at(`/in/${name}`)))?.split('\n') ?? [];
      expect(JSON.parse(record ?? '')).toMatchObject({ object: { path: `/in/${name}` } });
      expect(place).toBe(`index ${index}`);
    }
    expect(lasting()).toBe('6\n');
    expect(await reopened().restore(audit)).toBe(0);
  });

  test('is not forgone for what is written before it: no mark moves over what was not looked at', async () => {
    await publish('acme', '/a');
    const late = reopened();
    const { index } = await audit.append(published('acme', '/b'));
    await late.write('acme', at('/b'), index, await audit.receipt(index));
    await late.close();
    expect(existsSync(join(directory, '.lasting'))).toBe(false);
    rmSync(join(directory, 'acme', 'a.0.receipt'));
    expect(await late.restore(audit)).toBe(1);
    expect(lasting()).toBe('2\n');
  });

  test('looks at nothing that lasts', async () => {
    await publish('acme', '/a');
    await receipts.close();
    expect(lasting()).toBe('1\n');
    rmSync(join(directory, 'acme', 'a.0.receipt'));
    expect(await reopened().restore(audit)).toBe(0);
  });

  test.each(['nonsense', '-1', '99', ''])('looks at everything when the mark is wrong: %j', async (mark) => {
    await publish('acme', '/a');
    await receipts.close();
    rmSync(join(directory, 'acme', 'a.0.receipt'));
    writeFileSync(join(directory, '.lasting'), mark);
    expect(await reopened().restore(audit)).toBe(1);
  });

  test('makes everything again where nothing is left, in whatever order it is read', async () => {
    for (let count = 0; count < 30; count++) await publish(`account${count % 3}`, `/d${count}/f`);
    rmSync(directory, { recursive: true });
    expect(await reopened().restore(audit)).toBe(30);
    expect(readdirSync(join(directory, 'account0'))).toHaveLength(10);
    expect(existsSync(join(directory, 'account0', 'd0', 'f.0.receipt'))).toBe(true);
  });

  test('goes back for none that is late: what lies below the mark is on the disk when write says so', async () => {
    await audit.append(published('acme', '/late'));
    await publish('acme', '/a');
    await receipts.close();
    expect(lasting()).toBe('2\n');
    await receipts.write('acme', at('/late'), 0, await audit.receipt(0));
    expect(await receipts.newest('acme', at('/late'))).toBe(await audit.receipt(0));
  });

  test('is bounded by marks that are set while uploads come', async () => {
    const writes = Array.from({ length: 1_100 }, (_, index) => publish('acme', `/${index}`));
    await Promise.all(writes);
    await expect.poll(() => existsSync(join(directory, '.lasting')), { timeout: 30_000 }).toBe(true);
    expect(Number(lasting())).toBeGreaterThan(0);
    await receipts.close();
    expect(lasting()).toBe('1100\n');
  });

  test('makes none for an upload that was recorded and then taken back', async () => {
    const object = { path: '/a', upload: 'u1' };
    await audit.append({ ...published('acme', '/a'), object });
    audit.note({ event: 'upload.undone', result: 'failure', who: { account: 'acme' }, origin: {}, object });
    await audit.append({ ...published('acme', '/a'), object: { ...object, upload: 'u2' } });
    expect(await reopened().restore(audit)).toBe(1);
    expect(readdirSync(join(directory, 'acme'))).toEqual(['a.2.receipt']);
  });

  test('goes past what the log has dropped', async () => {
    await publish('acme', '/a');
    await publish('acme', '/b');
    rmSync(directory, { recursive: true });
    const pruned = decorate<AuditLog>(audit, {
      async receipt(index) {
        if (index === 0) throw new RangeError('dropped');
        return audit.receipt(index);
      },
    });
    expect(await reopened().restore(pruned)).toBe(1);
  });
});
