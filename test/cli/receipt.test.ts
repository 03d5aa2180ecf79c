/** `sallyport receipt`: verified is what the log holds, and nothing else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { alteredReceipts, type MadeReceipt, makeReceipt, ORIGIN, publishedRecord } from '../fixtures/receipt.ts';
import { run } from './fake-terminal.ts';

let made: MadeReceipt;

beforeEach(async () => {
  made = await makeReceipt(await temporaryFolder());
});

function verify(words: readonly string[] = [], key = made.vkey) {
  return run(['receipt', 'verify', made.file, made.receipt, '--key', key, ...words]);
}

describe('receipt verify refuses', () => {
  test('every receipt that was altered', async () => {
    const altered = alteredReceipts(made.text);
    for (const [what, text] of altered) {
      expect(text, what).not.toBe(made.text);
      writeFileSync(made.receipt, text);
      for (const key of [made.vkey, made.pemFile]) {
        const { exitCode, output, errors } = await verify([], key);
        // With a key in PEM the name of the log is not known, but its signature is over the name too.
        expect([exitCode, output], what).toEqual([1, '']);
        expect(errors).toContain('does NOT verify');
      }
    }
  });

  test('every file but the one that was sent', async () => {
    for (const content of ['', 'what was sent', 'what was sent\r\n', 'what was sen7\n']) {
      writeFileSync(made.file, content);
      const { exitCode, errors } = await verify();
      expect(exitCode).toBe(1);
      expect(errors).toContain('the file has ');
    }
  });

  test("another log's key, also one of the same name", async () => {
    for (const origin of [ORIGIN, 'other.example/audit']) {
      const { vkey } = readOrMakeLogKey(join(made.folder, `${origin.length}.key`), origin);
      const { exitCode, errors } = await verify([], vkey);
      expect([exitCode, errors]).toEqual([1, expect.stringContaining('signed by none of the keys')]);
    }
  });

  test('the record of anything but a published upload', async () => {
    const content = Buffer.from('what was sent\n');
    for (const event of ['upload.accepted', 'upload.quarantined', 'download.sent'] as const) {
      const folder = await temporaryFolder();
      made = await makeReceipt(folder, { content, record: { ...publishedRecord(content), event } });
      const { exitCode, errors } = await verify();
      expect([exitCode, errors]).toEqual([1, expect.stringContaining(`not of an upload but of ${event}`)]);
    }
  });

  test.each([{ bytes: '14' }, { sha256: undefined }, { sha256: null, bytes: null }])(
    'a record without size and hash: %o',
    async (object) => {
      const content = Buffer.from('what was sent\n');
      made = await makeReceipt(await temporaryFolder(), { content, record: publishedRecord(content, object) });
      expect((await verify()).exitCode).toBe(1);
    },
  );

  test('what no witness has vouched for, when one is demanded', async () => {
    const { vkey } = readOrMakeLogKey(join(made.folder, 'witness.key'), 'witness.example');
    const { exitCode, errors } = await verify(['--witness', vkey]);
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('witness')]);
  });

  test('wrong use, with 2', async () => {
    const missing = join(made.folder, 'missing');
    const empty = join(made.folder, 'empty');
    writeFileSync(empty, '\n');
    const wrong: readonly (readonly string[])[] = [
      ['verify', made.file, made.receipt],
      ['verify', made.file, '--key', made.vkey],
      ['verify', missing, made.receipt, '--key', made.vkey],
      ['verify', made.file, missing, '--key', made.vkey],
      ['verify', made.file, made.receipt, '--key', missing],
      ['verify', made.file, made.receipt, '--key', empty],
      ['verify', made.file, made.receipt, '--key', made.file],
      ['verify', made.file, made.receipt, '--key', `${made.vkey}A`],
      ['verify', made.file, made.receipt, '--key', join(made.folder, 'log.key')],
      ['show', missing],
    ];
    for (const words of wrong) {
      const { exitCode, output } = await run(['receipt', ...words]);
      expect([exitCode, output], words.join(' ')).toEqual([2, '']);
    }
  });
});

describe('receipt verify', () => {
  test.each([
    ['the text of the key', (one: MadeReceipt) => one.vkey],
    ['a file with it', (one: MadeReceipt) => one.vkeyFile],
    ['a file in PEM', (one: MadeReceipt) => one.pemFile],
  ])('says what was proven, by %s', async (_, key) => {
    const { exitCode, output, errors } = await verify([], key(made));
    expect([exitCode, errors]).toEqual([0, '']);
    expect(output).toContain(`${made.receipt}: verified\n`);
    for (const text of [
      /^ {2}account +acme$/m,
      /^ {2}certificate +(ab){32}$/m,
      /^ {2}path +\/in\/été\.edi$/m,
      /^ {2}bytes +14$/m,
      /^ {2}SHA-256 +[0-9a-f]{64}$/m,
      /^ {2}arrived +2026-01-02T03:04:06\.007Z$/m,
      /^ {2}recorded +\d{4}-\d\d-\d\dT/m,
      /^ {2}from +192\.0\.2\.7 port 50000$/m,
      /^ {2}data TLS +TLSv1\.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, resumed$/m,
      /^ {2}control TLS +TLSv1\.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768$/m,
      /^ {2}end of data +authenticated by close_notify$/m,
      /^ {2}gates +clamav: pass \(clean\)$/m,
      /^ {2}log +ftps\.example\.com\/audit, record 6 of 11$/m,
    ]) {
      expect(output).toMatch(text);
    }
  });

  test('takes the right one of several keys', async () => {
    const { vkey } = readOrMakeLogKey(join(made.folder, 'other.key'), ORIGIN);
    expect((await verify(['--key', vkey])).exitCode).toBe(0);
    expect((await verify(['--key', made.vkey], vkey)).exitCode).toBe(0);
  });

  test.each([
    [1, 0],
    [2, 0],
    [2, 1],
    [3, 2],
    [7, 4],
    [8, 7],
  ])('knows its place in a log of %i, at %i', async (size, index) => {
    made = await makeReceipt(await temporaryFolder(), { size, index });
    expect((await verify()).exitCode).toBe(0);
  });

  test('speaks JSON', async () => {
    const { output } = await verify(['--json']);
    expect(JSON.parse(output)).toMatchObject({
      ...{ verified: true, origin: ORIGIN, index: 6, size: 11, witnesses: [] },
      record: { event: 'upload.published', object: { path: '/in/été.edi' } },
    });
    writeFileSync(made.file, 'other');
    const refused = await verify(['--json']);
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.output)).toEqual({ verified: false, reason: expect.stringContaining('5 bytes') });
  });

  test('lets nobody write on the terminal', async () => {
    const content = Buffer.from('x');
    const record = publishedRecord(content, { path: '/\u009b2J\u202eedi', verb: '\u001b[2J' });
    made = await makeReceipt(await temporaryFolder(), { content, record });
    const { output } = await verify();
    expect(output).toContain('/\\u009b2J\\u202eedi');
    expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('receipt show', () => {
  test('tells what a receipt says, and that nobody has verified it', async () => {
    writeFileSync(made.receipt, made.text.replace('"acme"', '"evil"'));
    const { exitCode, output } = await run(['receipt', 'show', made.receipt]);
    expect(exitCode).toBe(0);
    expect(output).toContain('NOT VERIFIED');
    expect(output).toMatch(/^ {2}account +evil$/m);
    const json = await run(['receipt', 'show', made.receipt, '--json']);
    expect(JSON.parse(json.output)).toMatchObject({ verified: null, record: { who: { account: 'evil' } } });
  });

  test('refuses what is no receipt', async () => {
    for (const text of [
      '',
      'x',
      '\n\n',
      '{}\n\nx',
      '1\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n',
      readFileSync(made.pemFile),
    ]) {
      writeFileSync(made.receipt, text);
      const { exitCode, errors } = await run(['receipt', 'show', made.receipt]);
      expect([exitCode, errors]).toEqual([1, expect.stringContaining('is no receipt')]);
    }
  });
});
