import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Decrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encryptedWrite } from '../../src/intake/encryption/encrypt.ts';
import { isRecipient } from '../../src/intake/encryption/recipient.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { StagedWrite } from '../../src/spi/file-system.ts';
import type { Publication } from '../../src/spi/intake.ts';
import { localFiles } from '../../src/storage/local.ts';
import { AGE_IS_HERE, ageDecrypt, ageKey } from '../fixtures/age.ts';
import { bytesOf, temporaryFolder } from '../fixtures/local-files.ts';

/** Well-formed, and nobody's: for what never comes to be read. */
const SOMEBODY = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const EMPTY = { from: 'empty', existing: 'replace' } as const;
const TARGET = '/in.age' as VirtualPath;

/** Storage that remembers what it was told, and fails at the n-th write. */
class FakeStage implements StagedWrite {
  readonly startBytes: number;
  readonly writes: Buffer[] = [];
  readonly told: unknown[] = [];
  failAtWrite = Number.POSITIVE_INFINITY;
  refuseCommits = 0;
  publication: Publication | undefined;

  constructor(startBytes = 0) {
    this.startBytes = startBytes;
  }

  async *prefix(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(this.startBytes);
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    if (this.writes.length + 1 >= this.failAtWrite) throw new Fault('StorageFull');
    this.writes.push(Buffer.concat(buffers));
  }

  async commit(...told: unknown[]): Promise<void> {
    if (this.refuseCommits-- > 0) throw new Fault('FileExists');
    this.told.push('commit', ...told);
  }

  async hold(id: string): Promise<void> {
    this.told.push('hold', id);
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    this.told.push('abort', partial);
    return 0;
  }

  get stored(): Buffer {
    return Buffer.concat(this.writes);
  }
}

/** The bytes cut at these places. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? bytes.length;
    yield bytes.subarray(offset, offset + length);
    offset += length;
  }
}

async function encrypted(bytes: Buffer, recipients: readonly string[], lengths = [1_048_576]): Promise<Buffer> {
  const stage = new FakeStage();
  const write = encryptedWrite(stage, recipients);
  for (const piece of cut(bytes, lengths)) {
    // The buffers are the caller's again as soon as the promise has resolved.
    const lent = Buffer.from(piece);
    await write.write([lent]);
    lent.fill(0xee);
  }
  await write.commit();
  expect(write.storedBytes).toBe(stage.stored.length);
  return stage.stored;
}

describe('an encrypted write refuses', () => {
  test('to go on with what is there', () => {
    expect(() => encryptedWrite(new FakeStage(1), [SOMEBODY])).toThrow(
      expect.objectContaining({ kind: 'RestartInvalid' }),
    );
  });

  test('to write for nobody', () => {
    expect(() => encryptedWrite(new FakeStage(), [])).toThrow('somebody must be able to read');
  });

  test.each(['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q', 'age1pq1qqqq', 'ssh-ed25519 AAAA'])(
    'a recipient that is none: %s',
    async (recipient) => {
      const stage = new FakeStage();
      const write = encryptedWrite(stage, [SOMEBODY, recipient]);
      await expect(write.write([Buffer.from('secret')])).rejects.toMatchObject({ name: 'Fault', kind: 'Local' });
      await expect(write.commit()).rejects.toMatchObject({ kind: 'Local' });
      expect(stage.writes).toEqual([]);
      expect(await write.abort('keep')).toBe(0);
      expect(stage.told).toEqual(['abort', 'remove']);
    },
  );

  test.each([1, 2, 3])('to publish what storage did not take (write %i)', async (failAtWrite) => {
    const stage = Object.assign(new FakeStage(), { failAtWrite });
    const write = encryptedWrite(stage, [SOMEBODY]);
    const all = async () => {
      await write.write([bytesOf(200_000)]);
      await write.write([bytesOf(200_000)]);
      await write.commit();
    };
    await expect(all()).rejects.toMatchObject({ kind: 'StorageFull' });
    stage.failAtWrite = Number.POSITIVE_INFINITY;
    await expect(write.commit()).rejects.toMatchObject({ kind: 'StorageFull' });
    await expect(write.hold?.('id')).rejects.toMatchObject({ kind: 'StorageFull' });
    expect(stage.told).toEqual([]);
  });

  test('anything behind its end', async () => {
    const write = encryptedWrite(new FakeStage(), [SOMEBODY]);
    await write.commit();
    await expect(write.write([Buffer.from('late')])).rejects.toThrow('before it ends');
  });
});

describe('an encrypted write hands on', () => {
  test('what commit is told, and what became of it', async () => {
    const stage = new FakeStage();
    const write = encryptedWrite(stage, [SOMEBODY]);
    const arrival = { bytes: 0, sha256: 'e3', startedMs: 1 };
    expect(write.publication).toBeUndefined();
    await write.commit(arrival);
    expect(stage.told).toEqual(['commit', arrival]);
    stage.publication = { state: 'published', id: 'u1', path: TARGET, index: 7, receipt: undefined };
    expect(write.publication).toBe(stage.publication);
  });

  test('a commit that is tried again, and the last chunk once', async () => {
    const stage = Object.assign(new FakeStage(), { refuseCommits: 1 });
    const write = encryptedWrite(stage, [SOMEBODY]);
    await write.write([Buffer.from('content')]);
    await expect(write.commit()).rejects.toMatchObject({ kind: 'FileExists' });
    const stored = stage.stored.length;
    await write.commit();
    expect(stage.stored.length).toBe(stored);
  });

  test('holding, where storage can hold', async () => {
    const stage = new FakeStage();
    await encryptedWrite(stage, [SOMEBODY]).hold?.('u1');
    expect(stage.told).toEqual(['hold', 'u1']);
    expect(stage.stored.length).toBeGreaterThan(100);
    const unable = Object.assign(new FakeStage(), { hold: undefined });
    expect(encryptedWrite(unable as unknown as StagedWrite, [SOMEBODY]).hold).toBeUndefined();
  });

  test('nothing that it begins with', async () => {
    const write = encryptedWrite(new FakeStage(), [SOMEBODY]);
    expect(write.startBytes).toBe(0);
    for await (const piece of write.prefix()) expect.unreachable(`${piece.length} bytes`);
  });

  test('large batches as one write each, and holds back no more than a chunk', async () => {
    const stage = new FakeStage();
    const write = encryptedWrite(stage, [SOMEBODY]);
    for (let count = 1; count <= 4; count++) {
      await write.write(Array.from({ length: 16 }, () => bytesOf(65_536)));
      expect(stage.writes).toHaveLength(count);
      expect(count * 1_048_576 - stage.stored.length).toBeLessThanOrEqual(65_536);
    }
  });
});

describe.runIf(AGE_IS_HERE || process.env.CI === 'true')('age decrypts', () => {
  const key = AGE_IS_HERE ? ageKey() : { identity: '', recipient: SOMEBODY };

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 5_000_000])('%i bytes', async (length) => {
    const bytes = bytesOf(length);
    const stored = await encrypted(bytes, [key.recipient]);
    expect(ageDecrypt(stored, key).equals(bytes)).toBe(true);
  });

  test('the same, however they arrive', { timeout: 120_000 }, async () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.constantFrom(65_536, 65_537, 131_072)), {
      minLength: 1,
      maxLength: 8,
    });
    const sizes = fc.oneof(fc.integer({ min: 0, max: 400_000 }), fc.constantFrom(65_536, 196_608));
    await fc.assert(
      fc.asyncProperty(sizes, lengths, async (length, pieces) => {
        const bytes = bytesOf(length);
        expect(ageDecrypt(await encrypted(bytes, [key.recipient], pieces), key).equals(bytes)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('for each of several recipients, and for nobody else', async () => {
    const [other, stranger] = [ageKey(), ageKey()];
    const bytes = bytesOf(100_000);
    const stored = await encrypted(bytes, [key.recipient, other.recipient]);
    expect(ageDecrypt(stored, key).equals(bytes)).toBe(true);
    expect(ageDecrypt(stored, other).equals(bytes)).toBe(true);
    expect(() => ageDecrypt(stored, stranger)).toThrow('no identity matched');
  });

  test('nothing that was cut off, changed or put together otherwise', async () => {
    const stored = await encrypted(bytesOf(200_000), [key.recipient]);
    const flipped = Buffer.from(stored);
    flipped[150_000] = (flipped[150_000] ?? 0) ^ 1;
    const chunk = 65_536 + 16;
    const payloadAt = stored.length - (200_000 + 4 * 16);
    const swapped = Buffer.concat([
      stored.subarray(0, payloadAt),
      stored.subarray(payloadAt + chunk, payloadAt + 2 * chunk),
      stored.subarray(payloadAt, payloadAt + chunk),
      stored.subarray(payloadAt + 2 * chunk),
    ]);
    const atChunk = stored.subarray(0, payloadAt + 2 * chunk);
    for (const wrong of [stored.subarray(0, -1), atChunk, flipped, swapped]) {
      expect(() => ageDecrypt(wrong, key)).toThrow(/age: /);
    }
  });

  test('another key, header and payload each time', async () => {
    const [one, two] = [await encrypted(bytesOf(100), [key.recipient]), await encrypted(bytesOf(100), [key.recipient])];
    expect(one.subarray(-116).equals(two.subarray(-116))).toBe(false);
  });

  test('what lies on the disk, on which the content never was', async () => {
    const home = await temporaryFolder();
    const files = localFiles({ root: home, owner: 'acme' });
    const marker = Buffer.from('account number 12345678 of somebody');
    const bytes = Buffer.concat(Array.from({ length: 20_000 }, () => marker));
    const write = encryptedWrite(await files.stage(TARGET, EMPTY), [key.recipient]);
    for (const piece of cut(bytes, [70_001])) {
      await write.write([piece]);
      expectNowhere(home, 'account number');
    }
    await write.commit();
    expectNowhere(home, 'account number');
    expect(ageDecrypt(readFileSync(join(home, 'in.age')), key).equals(bytes)).toBe(true);
  });
});

test('of an upload that breaks off nothing is left, whatever is asked', async () => {
  const home = await temporaryFolder();
  const files = localFiles({ root: home, owner: 'acme' });
  const write = encryptedWrite(await files.stage(TARGET, EMPTY), [SOMEBODY]);
  await write.write([Buffer.alloc(300_000, 'account number 12345678')]);
  expectNowhere(home, 'account number');
  expect(await write.abort('keep')).toBe(0);
  expect(readdirSync(home)).toEqual([]);
  expect(await files.resumableBytes(TARGET)).toBeUndefined();
});

test('post-quantum recipients can read, beside others', async () => {
  const identity = await generateHybridIdentity();
  const recipient = await identityToRecipient(identity);
  expect(isRecipient(recipient)).toBe(true);
  const bytes = bytesOf(70_000);
  const stored = await encrypted(bytes, [SOMEBODY, recipient]);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  expect(Buffer.from(await decrypter.decrypt(stored)).equals(bytes)).toBe(true);
});

describe('a recipient', () => {
  test.each([
    '',
    '1',
    'age1',
    'age',
    'AGE1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQMCAC8P',
    `${SOMEBODY}q`,
    SOMEBODY.slice(0, -1),
    SOMEBODY.replace('age1', 'agf1'),
    SOMEBODY.replace('z7', '7z'),
    'constructor1qqqqqqqq',
  ])('is not: %s', (text) => {
    expect(isRecipient(text)).toBe(false);
  });

  test('is known by every letter', () => {
    expect(isRecipient(SOMEBODY)).toBe(true);
    for (let index = 0; index < SOMEBODY.length; index++) {
      const other = SOMEBODY[index] === 'q' ? 'p' : 'q';
      expect(isRecipient(SOMEBODY.slice(0, index) + other + SOMEBODY.slice(index + 1))).toBe(false);
    }
  });
});

/** Looks into every file of the folder, hidden ones included. */
function expectNowhere(folder: string, text: string): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name)).includes(text)).toBe(false);
}
