import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';
import { UTF_8 } from '../../src/spi/charset.ts';
import { Fault, type FaultKind } from '../../src/spi/fault.ts';
import type { StagedWrite } from '../../src/spi/file-system.ts';
import type { Publication } from '../../src/spi/intake.ts';
import { FakeDataConnection, FakeDataPort, TLS } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, type Scene, say } from '../fakes/say.ts';

const PIECES = ['one,', 'two,', 'three'];
const WHOLE = PIECES.join('');

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function scene(parts: Scene = {}) {
  const files = parts.files ?? new MemoryFiles().put('/in.csv', 'old');
  const data = new FakeDataPort(new FakeDataConnection(PIECES));
  return { ...parts, files, data };
}

describe('whatever fails', () => {
  const failures: readonly (readonly [where: 'port' | 'connection' | 'files', operation: string, calls: number])[] = [
    ['port', 'open', 1],
    ['connection', 'read', PIECES.length + 1],
    ['files', 'prefix', 1],
    ['files', 'write', PIECES.length],
    ['files', 'commit', 1],
  ];
  const policies = ['keep', 'remove'] as const;

  test.each(failures)(
    'in %s: %s, the old file stands and the write is aborted once',
    async (where, operation, calls) => {
      for (let n = 1; n <= calls; n++) {
        for (const onIncomplete of policies) {
          for (const error of [new Fault('Local'), new Error('a bug')]) {
            const { files, data, ...rest } = scene({ account: { onIncomplete } });
            ({ port: data, connection: data.connection, files })[where].failures.plan(operation, n, error);
            const saying = say('STOR in.csv', { ...rest, files, data });
            if (error instanceof Fault) expect((await saying).code).toBe(451);
            else await expect(saying).rejects.toBe(error);
            expect(files.text('/in.csv')).toBe('old');
            expect(files.calls.filter((call) => call.startsWith('abort'))).toEqual([`abort ${onIncomplete}`]);
            expect(files.calls.at(-1)).toBe(`abort ${onIncomplete}`);
            if (onIncomplete === 'remove') expect(files.partials.size).toBe(0);
            expect(data.connection.state).not.toBe(operation === 'open' ? 'finished' : 'open');
          }
        }
      }
    },
  );

  test.each<[FaultKind, number]>([
    ['ConnectionLost', 426],
    ['Stalled', 426],
    ['Aborted', 426],
  ])('%s tells how many bytes are kept and how to go on', async (kind, code) => {
    const upload = scene();
    upload.data.connection.failures.plan('read', 3, new Fault(kind));
    const answer = await say('STOR in.csv', upload);
    expect(answer.text).toBe(`${code} ${new Fault(kind).text} 8 bytes are kept: resume with REST 8 and STOR.`);
    expect(answer.notes).toMatchObject({ path: '/in.csv', keptBytes: 8, dataBytes: 8 });
    expect(upload.files.partials.get(at('/in.csv'))?.toString()).toBe('one,two,');
  });

  test.each<FaultKind>(['StorageFull', 'QuotaExceeded'])(
    'after %s nothing is kept, whatever the account says',
    async (kind) => {
      const upload = scene({ account: { onIncomplete: 'keep' } });
      upload.files.failures.plan('write', 3, new Fault(kind));
      const answer = await say('STOR in.csv', upload);
      expect(answer.text).toBe(`${new Fault(kind).code} ${new Fault(kind).text}`);
      expect(upload.files.calls.at(-1)).toBe('abort remove');
      expect(upload.files.partials.size).toBe(0);
    },
  );

  test('nothing is said of bytes when none are kept, nor in TYPE A, where positions mean nothing', async () => {
    for (const parts of [{ account: { onIncomplete: 'remove' } }, { session: { type: 'A' } }] as const) {
      const upload = scene(parts);
      upload.data.connection.ending = 'unauthenticated';
      const { text } = await say('STOR in.csv', upload);
      expect(text).toBe(`426 ${new Fault('Truncated').text}`);
    }
  });

  test('an upload without close_notify is not published', async () => {
    const upload = scene();
    upload.data.connection.ending = 'unauthenticated';
    expect((await say('STOR in.csv', upload)).code).toBe(426);
    expect(upload.files.text('/in.csv')).toBe('old');
    expect(upload.files.calls).not.toContain('commit');
  });

  test('an abort that fails does not hide what went wrong', async () => {
    const upload = scene();
    upload.files.failures.plan('commit', 1, new Fault('StorageFull'));
    upload.files.failures.plan('abort', 1, new Error('disk gone'));
    expect((await say('STOR in.csv', upload)).text).toBe(`452 ${new Fault('StorageFull').text}`);
  });

  test('a name that was taken meanwhile is not overwritten when the account may not', async () => {
    const upload = scene({ files: new MemoryFiles(), account: { existing: 'keep' } });
    const read = upload.data.connection.read.bind(upload.data.connection);
    upload.data.connection.read = async () => {
      if (upload.data.connection.failures.count('read') === 0) upload.files.put('/in.csv', 'someone else');
      return read();
    };
    expect((await say('STOR in.csv', upload)).code).toBe(553);
    expect(upload.files.text('/in.csv')).toBe('someone else');
  });

  test('the bound of the account goes before that of the gateway', async () => {
    const upload = scene({ account: { uploadBytesMax: 8 } });
    expect((await say('STOR in.csv', upload)).code).toBe(552);
    expect(upload.files.text('/in.csv')).toBe('old');
  });
});

describe('when all is well', () => {
  test('STOR replaces the file, says 226 behind the commit, and the log hears of it', async () => {
    const upload = scene();
    const answer = await say('STOR in.csv', upload);
    expect(answer.marks).toEqual(['150 Send the file.']);
    expect(answer.text).toBe(`226 Stored 13 bytes, SHA-256 ${sha256(WHOLE)}.`);
    expect(upload.files.calls).toEqual(['stage /in.csv empty replace', 'commit']);
    expect(upload.files.text('/in.csv')).toBe(WHOLE);
    expect(upload.data.calls).toEqual(['open receive']);
    expect(upload.data.connection.state).toBe('finished');
    expect(answer.notes).toMatchObject({
      path: '/in.csv',
      bytes: 13,
      dataBytes: 13,
      sha256: sha256(WHOLE),
      end: 'authenticated',
      dataTls: TLS,
    });
  });

  test.each([
    ['STOR', 'empty', 0, WHOLE],
    ['STOR', 'restart 4', 4, `half${WHOLE}`],
    ['STOR', 'restart 2', 2, `ha${WHOLE}`],
    ['APPE', 'append', 0, `half${WHOLE}`],
    // RFC 3659 section 5.3: behind REST, APPE is STOR.
    ['APPE', 'restart 2', 2, `ha${WHOLE}`],
  ])('%s goes on from %s', async (verb, from, restartBytes, whole) => {
    const files = new MemoryFiles().putPartial('/in.csv', 'half');
    const upload = scene({ files, session: { restartBytes } });
    const { text } = await say(`${verb} in.csv`, upload);
    expect(text).toBe(`226 Stored ${whole.length} bytes, SHA-256 ${sha256(whole)}.`);
    expect(files.calls[0]).toBe(`stage /in.csv ${from} replace`);
    expect(files.text('/in.csv')).toBe(whole);
    expect(files.partials.size).toBe(0);
  });

  test('APPE adds to a published file', async () => {
    const upload = scene();
    const { marks } = await say('APPE in.csv', upload);
    expect(marks).toEqual(['150 Send the file from byte 3 on.']);
    expect(upload.files.text('/in.csv')).toBe(`old${WHOLE}`);
  });

  test('an upload in clear needs no close_notify', async () => {
    const upload = scene();
    upload.data.connection.tls = undefined;
    upload.data.connection.ending = 'unauthenticated';
    const answer = await say('STOR in.csv', upload);
    expect(answer).toMatchObject({ code: 226, notes: { dataTls: 'none', end: 'unauthenticated' } });
  });

  test("an account's close_notify goes before the gateway's", async () => {
    const upload = scene({ account: { closeNotify: 'preferred' } });
    upload.data.connection.ending = 'unauthenticated';
    expect(await say('STOR in.csv', upload)).toMatchObject({ code: 226, notes: { end: 'unauthenticated' } });
  });
});

describe('a receipt', () => {
  const RECEIPT = '{"path":"/in.csv"}\n\nc2sp.org/tlog-proof@v1\nindex 0\n';

  /** Storage behind which uploads have this receipt. */
  class ReceiptedFiles extends MemoryFiles {
    readonly #receiptText: string | undefined;

    constructor(receiptText: string | undefined) {
      super();
      this.#receiptText = receiptText;
    }

    override async stage(...asked: Parameters<MemoryFiles['stage']>): Promise<StagedWrite> {
      const publication: Publication = {
        ...{ state: 'published', id: 'abc', path: at('/in.csv'), index: 0 },
        ...{ receipt: at('/.receipts/in.csv.0.receipt'), receiptText: this.#receiptText },
      };
      return decorate(await super.stage(...asked), { publication });
    }
  }

  const latin1 = { ...UTF_8, name: 'iso-8859-1', encode: (text: string) => Buffer.from(text, 'latin1') };

  test.each([
    ['that is not given', undefined, {}],
    ['with a line that is too long for clients', `${'x'.repeat(8_001)}\n`, {}],
    ['that the charset cannot write', '{"path":"/é"}\n', { charset: latin1 }],
  ])('%s is told by its path', async (_, receiptText, account) => {
    const { text } = await say('STOR in.csv', scene({ files: new ReceiptedFiles(receiptText), account }));
    expect(text.split('\r\n')).toEqual([
      expect.stringMatching(/^226-Stored 13 bytes, /),
      '226 Receipt: /.receipts/in.csv.0.receipt',
    ]);
  });

  test('stands between the two lines as it does with SITE RECEIPT', async () => {
    const { text } = await say('STOR in.csv', scene({ files: new ReceiptedFiles(RECEIPT) }));
    const lines = text.split('\r\n').slice(1, -1);
    expect(lines.map((line) => `${line.slice(1)}\n`).join('')).toBe(RECEIPT);
    expect(lines.every((line) => line.startsWith(' '))).toBe(true);
  });
});

describe('STOU', () => {
  test('gives up when every name is taken', async () => {
    const upload = scene();
    for (let n = 1; n <= 8; n++) upload.files.failures.plan('stage', n, new Fault('FileExists'));
    expect((await say('STOU', upload)).code).toBe(553);
    expect(upload.files.failures.count('stage')).toBe(8);
  });

  test('passes on any other refusal at once', async () => {
    const upload = scene();
    upload.files.failures.plan('stage', 1, new Fault('PermissionDenied'));
    expect((await say('STOU', upload)).code).toBe(550);
    expect(upload.files.failures.count('stage')).toBe(1);
  });

  test.each([
    ['STOU', '/upload.20260101000000.000-test-2'],
    ['STOU in.csv', '/in.csv.20260101000000.000-test-2'],
  ])('%s tells the name, tries another when it is taken, and never replaces', async (line, name) => {
    const upload = scene();
    upload.files.failures.plan('stage', 1, new Fault('FileExists'));
    const { code, marks } = await say(line, upload);
    expect(code).toBe(226);
    expect(marks).toEqual([`150 FILE: ${name}`]);
    expect(upload.files.text(name)).toBe(WHOLE);
    expect(upload.files.calls[0]).toBe(`stage ${name} empty keep`);
    expect(upload.files.text('/in.csv')).toBe('old');
  });
});
