/** Transfers of parts of a file: RANG (draft-bryan-ftp-range-08) and REST in TYPE A (RFC 3659 section 5). */
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { Session } from '../../src/spi/session.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, say } from '../fakes/say.ts';

const ranged = (startBytes: number, endBytes: number): Partial<Session> => ({ range: { startBytes, endBytes } });

describe('RETR', () => {
  async function retrieve(text: string, session: Partial<Session>) {
    const data = new FakeDataPort();
    const files = new MemoryFiles().put('/a.txt', text);
    const answer = await say('RETR a.txt', { files, data, session });
    expect(files.openFiles).toBe(0);
    return { ...answer, received: data.connection.received };
  }

  test.each([
    ['a range in TYPE A', { ...ranged(0, 4), type: 'A' }, '551 Ranges need TYPE I and MODE S.'],
    ['a range in MODE Z', { ...ranged(0, 4), mode: 'Z' }, '551'],
    ['a position in TYPE A beyond the end', { restartBytes: 9, type: 'A' }, '554 The file is shorter than that'],
    ['one that no line ends could make up for', { restartBytes: 1_000, type: 'A' }, '554'],
  ] as const)('%s is refused before 150', async (_what, session, reply) => {
    const answer = await retrieve('one\ntwo', session);
    expect(answer.text).toContain(reply);
    expect(answer.marks).toEqual([]);
  });

  test.each([
    [0, 0, 'o'],
    [2, 4, 'e t'],
    [4, 99, 'two'],
    [6, Number.MAX_SAFE_INTEGER, 'o'],
    [7, 9, ''],
    [50, 60, ''],
  ])('RANG %i %i gives what the file has of it', async (start, end, part) => {
    const answer = await retrieve('one two', ranged(start, end));
    expect(answer.received).toBe(part);
    expect(answer.marks).toEqual([`150 Sending the file (${part.length} bytes).`]);
    expect(answer.text).toBe(`226 Sent ${part.length} bytes.`);
  });

  test('REST in TYPE A counts the octets of the transfer, also between the CR and the LF of a line end', async () => {
    const text = 'one\ntwo\r\nthr\ree\n\n';
    const wire = text.replaceAll(/\r?\n/g, '\r\n');
    for (let restartBytes = 0; restartBytes <= wire.length; restartBytes++) {
      expect((await retrieve(text, { restartBytes, type: 'A' })).received).toBe(wire.slice(restartBytes));
    }
  });
});

describe.each(['STOR', 'APPE'])('%s', (verb) => {
  async function store(files: MemoryFiles, sent: string, session: Partial<Session>) {
    const data = new FakeDataPort(new FakeDataConnection([...sent]));
    const answer = await say(`${verb} a.txt`, { files, data, session });
    expect(files.openFiles).toBe(0);
    return answer;
  }

  const published = () => new MemoryFiles().put('/a.txt', 'one two three');

  test.each([
    ['in TYPE A', { ...ranged(0, 2), type: 'A' }, '551'],
    ['in MODE Z', { ...ranged(0, 2), mode: 'Z' }, '551'],
    ['that begins behind the file', ranged(14, 20), '554 The range must begin within the 13 bytes that are there.'],
  ] as const)('a range %s is refused before 150', async (_what, session, reply) => {
    const files = published();
    const answer = await store(files, 'xxx', session);
    expect(answer.text).toContain(reply);
    expect(answer.marks).toEqual([]);
    expect(files.calls).toEqual([]);
  });

  test('a range of a file that is encrypted where it is stored is refused before 150, and nothing is left', async () => {
    const files = published();
    const stage = files.stage.bind(files);
    const opaque = Object.assign(files, {
      stage: async (...args: Parameters<typeof stage>) => Object.assign(await stage(...args), { opaque: true }),
    });
    const answer = await store(opaque, 'TWO', ranged(4, 6));
    expect(answer.text).toBe('554 Files are encrypted here: send the whole file.');
    expect(answer.marks).toEqual([]);
    expect(files.calls).toEqual(['stage /a.txt empty replace', 'abort remove']);
  });

  test.each([
    ['too little', 'TW', 'and 2 came'],
    ['too much', 'TWOO', 'and more came'],
  ])('a range that is sent %s is not published, nor kept', async (_what, sent, reply) => {
    const files = published();
    const answer = await store(files, sent, ranged(4, 6));
    expect(answer.text).toBe(`554 The range has 3 bytes ${reply}; nothing was published.`);
    expect(files.text('/a.txt')).toBe('one two three');
    expect(files.partials.size).toBe(0);
  });

  test('a range changes nothing outside itself, and the bound of the account is for the whole file', async () => {
    const files = published();
    const answer = await store(files, 'TWO', ranged(4, 6));
    expect(answer.code).toBe(226);
    expect(answer.marks).toEqual(['150 Send bytes 4 to 6 of the file.']);
    expect(files.text('/a.txt')).toBe('one TWO three');

    const data = new FakeDataPort(new FakeDataConnection(['TWO']));
    const bounded = { files: published(), data, session: ranged(4, 6), account: { uploadBytesMax: 12 } };
    expect((await say(`${verb} a.txt`, bounded)).code).toBe(552);
  });

  test.each([
    [ranged(8, 15), 'four and', 'one two four and'],
    [ranged(13, 17), ', end', 'one two three, end'],
    [ranged(0, 2), 'ONE', 'ONE two three'],
    [ranged(0, 15), 'completely other', 'completely other'],
  ])('a range may reach behind the end: %j', async (session, sent, whole) => {
    const files = published();
    expect((await store(files, sent, session)).code).toBe(226);
    expect(files.text('/a.txt')).toBe(whole);
  });

  test('with no such file yet, a range goes on at the end of the unfinished upload, and only there', async () => {
    const files = () => new MemoryFiles().putPartial('/a.txt', 'half');
    const begun = files();
    expect((await store(begun, ' done', ranged(4, 8))).code).toBe(226);
    expect(begun.text('/a.txt')).toBe('half done');
    for (const start of [3, 5]) {
      const kept = files();
      expect((await store(kept, 'x', ranged(start, start))).code).toBe(554);
      expect(kept.partials.get(at('/a.txt'))?.toString()).toBe('half');
    }
    const fresh = new MemoryFiles();
    expect((await store(fresh, 'new', ranged(0, 2))).code).toBe(226);
    expect(fresh.text('/a.txt')).toBe('new');
  });

  test('of a range that breaks off, only what continues an unfinished upload is kept', async () => {
    const broken = async (files: MemoryFiles, start: number) => {
      const data = new FakeDataPort(new FakeDataConnection(['x', 'y']));
      data.connection.failures.plan('read', 3, new Fault('ConnectionLost'));
      return (await say(`${verb} a.txt`, { files, data, session: ranged(start, start + 5) })).code;
    };
    const whole = published();
    expect(await broken(whole, 4)).toBe(426);
    expect(whole.text('/a.txt')).toBe('one two three');
    expect(whole.partials.size).toBe(0);
    expect(whole.openFiles).toBe(0);
    const begun = new MemoryFiles().putPartial('/a.txt', 'half');
    expect(await broken(begun, 4)).toBe(426);
    expect(begun.partials.get(at('/a.txt'))?.toString()).toBe('halfxy');
  });

  test.each([
    ['inside the file', 5],
    ['in its bytes instead of its octets', 8],
    ['behind its end', 11],
    ['far behind it', 100],
  ])('REST in TYPE A %s is refused, and the unfinished upload is still there', async (_what, restartBytes) => {
    const files = new MemoryFiles().putPartial('/a.txt', 'one\ntwo\n');
    const answer = await store(files, 'x', { restartBytes, type: 'A' });
    expect(answer.text).toBe('554 In TYPE A an upload goes on only at the end of what is there.');
    expect(answer.marks).toEqual([]);
    expect(files.partials.get(at('/a.txt'))?.toString()).toBe('one\ntwo\n');
  });

  test('REST in TYPE A is refused where a CRLF is at rest: its sender has counted otherwise', async () => {
    const files = new MemoryFiles().putPartial('/a.txt', 'one\r\n');
    expect((await store(files, 'x', { restartBytes: 5, type: 'A' })).code).toBe(554);
  });

  test.each(['published', 'unfinished'])('REST in TYPE A goes on at the end of a file that is %s', async (which) => {
    const files = new MemoryFiles();
    if (which === 'published') files.put('/a.txt', 'one\ntwo\n');
    else files.putPartial('/a.txt', 'one\ntwo\n');
    const answer = await store(files, 'three\r\n', { restartBytes: 10, type: 'A' });
    expect(answer.code).toBe(226);
    expect(answer.marks).toEqual(['150 Send the file from byte 10 on.']);
    expect(files.text('/a.txt')).toBe('one\ntwo\nthree\n');
  });
});

test('SIZE in TYPE A is what RETR sends, up to a bound', async () => {
  const files = new MemoryFiles().put('/a.txt', 'one\ntwo\r\n').putPartial('/part', 'one\n').put('/dir/x', '');
  const session = { type: 'A' } as const;
  expect((await say('SIZE part', { files, session })).text).toBe('550 No such file or directory.');
  expect((await say('SIZE dir', { files, session })).code).toBe(550);
  const limits = { limits: { ...DEFAULT_LIMITS, asciiSizeBytesMax: 8 } };
  const refused = await say('SIZE a.txt', { files, session, context: limits });
  expect(refused.text).toBe('550 SIZE counts up to 8 bytes in TYPE A: send TYPE I.');
  expect((await say('SIZE a.txt', { files, session })).text).toBe('213 10');
  expect(files.openFiles).toBe(0);
});
