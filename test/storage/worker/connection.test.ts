import { duplexPair } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../src/lib/clock.ts';
import { WorkerConnection } from '../../../src/storage/worker/connection.ts';
import { encodeFrame, FrameReader } from '../../../src/storage/worker/frames.ts';
import { ANSWERS } from '../../../src/storage/worker/messages.ts';
import { path } from '../support.ts';

const HOME = { root: '/', owner: 'somebody', fileMode: 0o640, directoryMode: 0o750, sync: true, sealedName: '.x' };
const STAT = { op: 'stat', home: HOME, path: path('a.txt') } as const;
const FACTS = {
  ...{ kind: 'file', sizeBytes: 5, modifiedMs: 1, mode: 0o644, linkCount: 1, owner: 1, group: 1, unique: 'a.1' },
} as const;

/** A connection whose worker is played by the test. */
function played() {
  const [near, far] = duplexPair();
  const clock = new FakeClock();
  const ends: Error[] = [];
  const connection = new WorkerConnection(near, { clock, pingMs: 1_000, onEnd: (reason) => ends.push(reason) });
  const reader = new FrameReader();
  const asked: unknown[] = [];
  far.on('data', (bytes: Buffer) => asked.push(...reader.push(bytes).map(({ header }) => header)));
  const say = (header: object, body: readonly Buffer[] = []) => {
    for (const bytes of encodeFrame(header, body)) far.write(bytes);
  };
  return { connection, clock, ends, asked, say, far };
}

describe('a worker that says what no worker says is given up, and what it was asked fails', () => {
  test.each<[string, (say: ReturnType<typeof played>['say']) => void]>([
    ['an answer to nothing', (say) => say({ id: 7, ok: FACTS })],
    ['an answer without a number', (say) => say({ ok: FACTS })],
    ['an answer of another form', (say) => say({ id: 1, ok: { ...FACTS, kind: 'devil' } })],
    ['more than was asked for', (say) => say({ id: 1, ok: { ...FACTS, more: true } })],
    ['a negative size', (say) => say({ id: 1, ok: { ...FACTS, sizeBytes: -1 } })],
    ['a size that is no number', (say) => say({ id: 1, ok: { ...FACTS, sizeBytes: null } })],
    ['an identity that is a line of a listing', (say) => say({ id: 1, ok: { ...FACTS, unique: 'a\r\nb' } })],
    ['a fault that storage does not have', (say) => say({ id: 1, fault: { kind: 'Busy', text: 'x', cause: '' } })],
    [
      'a fault whose text is two lines',
      (say) => say({ id: 1, fault: { kind: 'Local', text: 'a\r\n226 b', cause: '' } }),
    ],
    [
      'a fault with an endless text',
      (say) => say({ id: 1, fault: { kind: 'Local', text: 'x'.repeat(201), cause: '' } }),
    ],
    ['no object', (say) => say([])],
  ])('%s', async (_, act) => {
    const { connection, ends, say } = played();
    const asking = connection.ask(STAT, ANSWERS.facts);
    act(say);
    await expect(asking).rejects.toMatchObject({ kind: 'Local' });
    expect(ends).toHaveLength(1);
    await expect(connection.ask(STAT, ANSWERS.facts)).rejects.toMatchObject({ kind: 'Local' });
  });

  test.each([['..'], ['.'], [''], ['a/b'], ['a\0'], ['a\r\n-rw- b'], ['x'.repeat(256)]])(
    'an entry of the name %j',
    async (name) => {
      const { connection, ends, say } = played();
      const asking = connection.ask({ op: 'nextEntries', handle: 1 }, ANSWERS.entries);
      say({ id: 1, ok: { entries: [{ ...FACTS, name }] } });
      await expect(asking).rejects.toMatchObject({ kind: 'Local' });
      expect(ends).toHaveLength(1);
    },
  );
});

test('everything that was asked fails when the channel closes', async () => {
  const { connection, far } = played();
  const asking = [connection.ask(STAT, ANSWERS.facts), connection.ask(STAT, ANSWERS.facts)];
  far.end();
  for (const one of asking) await expect(one).rejects.toMatchObject({ kind: 'Local' });
});

test('a worker that is asked something and says nothing is asked for a sign of life once, and then given up', async () => {
  const { connection, clock, asked, ends, say } = played();
  const first = connection.ask({ op: 'ping' }, ANSWERS.nothing);
  // One that has never said anything is still starting.
  clock.advance(10_000);
  say({ id: 1, ok: {} });
  await first;
  const asking = connection.ask(STAT, ANSWERS.facts);
  clock.advance(1_000);
  await expect.poll(() => asked).toHaveLength(3);
  expect(asked.at(-1)).toEqual({ id: 3, op: 'ping' });
  expect(ends).toEqual([]);
  clock.advance(1_000);
  await expect(asking).rejects.toMatchObject({ kind: 'Local' });
  expect(ends).toHaveLength(1);
});

test('a worker that is slow and gives signs of life is waited for', async () => {
  const { connection, clock, asked, say } = played();
  const first = connection.ask({ op: 'ping' }, ANSWERS.nothing);
  say({ id: 1, ok: {} });
  await first;
  const asking = connection.ask(STAT, ANSWERS.facts);
  for (let id = 3; id < 10; id++) {
    clock.advance(1_000);
    await expect.poll(() => asked).toContainEqual({ id, op: 'ping' });
    say({ id, ok: {} });
    // Heard once its own promise has come through.
    await new Promise((resolve) => setImmediate(resolve));
  }
  say({ id: 2, ok: FACTS });
  expect((await asking).ok).toEqual(FACTS);
});

test('answers find their questions in any order, and faults keep kind, text and cause', async () => {
  const { connection, say } = played();
  const first = connection.ask(STAT, ANSWERS.facts);
  const second = connection.ask({ op: 'nextPiece', handle: 3 }, ANSWERS.piece);
  say({ id: 2, ok: { done: false } }, [Buffer.from('piece')]);
  say({ id: 1, fault: { kind: 'NoSuchFile', text: 'It is gone.', cause: 'ENOENT' } });
  expect((await second).body.toString()).toBe('piece');
  await expect(first).rejects.toMatchObject({ kind: 'NoSuchFile', text: 'It is gone.', cause: { message: 'ENOENT' } });
});
