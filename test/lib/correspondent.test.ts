import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { type Answers, Correspondent, Unanswered } from '../../src/lib/correspondent.ts';
import { arrived, fakeChannel } from '../fakes/message-channel.ts';

const FAILURES = {
  write: (error: unknown) => (error instanceof Error ? error.message : String(error)),
  read: (written: unknown) => new Error(`there: ${String(written)}`),
};

function pair(answers: { readonly here?: Answers; readonly there?: Answers } = {}, lingerMs?: number) {
  const clock = new FakeClock();
  const channel = fakeChannel();
  const failed: unknown[] = [];
  const tell = (error: unknown) => void failed.push(error);
  const parts = { clock, waitMaxMs: 1_000, lingerMs, failures: FAILURES, failed: tell };
  const here = new Correspondent(channel.one, parts, answers.here);
  const there = new Correspondent(channel.other, parts, answers.there);
  return { clock, channel, here, there, failed };
}

test('what nobody answers fails, and so does what is thrown or rejected there', async () => {
  const { here } = pair({
    there: {
      thrown: () => {
        throw new Error('no');
      },
      rejected: () => Promise.reject(new Error('not yet')),
    },
  });
  await expect(here.ask('missing', 1)).rejects.toThrow('there: nobody here answers missing');
  await expect(here.ask('thrown', 1)).rejects.toThrow('there: no');
  await expect(here.ask('rejected', 1)).rejects.toThrow('there: not yet');
});

test('when the channel ends, whatever was asked is unanswered, and so is whatever is asked from then on', async () => {
  const { channel, here, there } = pair({ there: { never: () => new Promise(() => undefined) } });
  const told: string[] = [];
  here.onGone(() => told.push('here'));
  there.onGone(() => told.push('there'));
  const asked = here.ask('never', 1);
  await arrived();
  channel.cut();
  await expect(asked).rejects.toThrow(Unanswered);
  await expect(here.ask('never', 1)).rejects.toThrow(Unanswered);
  here.tell('news', 1);
  here.onGone(() => told.push('late'));
  expect(told).toEqual(['here', 'there', 'late']);
});

test('an answer is waited for so long and no longer, and whoever works on it is told', async () => {
  const aborted: unknown[] = [];
  const { clock, here } = pair({
    there: {
      slow: ({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(signal.reason));
        return new Promise(() => undefined);
      },
    },
  });
  const asked = here.ask('slow', 1);
  const long = here.ask('slow', 1, { waitMaxMs: 'long' });
  await arrived();
  clock.advance(1_000);
  await expect(asked).rejects.toThrow('no answer to slow within 1000 ms');
  await arrived();
  expect(aborted).toHaveLength(1);
  clock.advance(3_600_000);
  await expect(Promise.race([long, arrived().then(() => 'still waiting')])).resolves.toBe('still waiting');
});

test('who gives up hears why from its own signal, and a late answer says nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { here, failed } = pair({ there: { later: () => promise } });
  const abort = new AbortController();
  const asked = here.ask('later', 1, { signal: abort.signal });
  await arrived();
  abort.abort(new Error('ABOR'));
  await expect(asked).rejects.toThrow('ABOR');
  await expect(here.ask('later', 1, { signal: abort.signal })).rejects.toThrow('ABOR');
  resolve('too late');
  await arrived();
  expect(failed).toEqual([]);
});

test('the end of the channel aborts what is being answered', async () => {
  let reason: unknown;
  const { channel, here } = pair({
    there: {
      slow: ({ signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
        return new Promise(() => undefined);
      },
    },
  });
  here.ask('slow', 1).catch(() => undefined);
  await arrived();
  channel.cut();
  expect(reason).toBeInstanceOf(Unanswered);
});

test('both ends ask, and each gets the answer to its own question', async () => {
  const { here, there } = pair({
    here: { double: ({ argument }) => Number(argument) * 2 },
    there: { half: async ({ argument }) => Number(argument) / 2, nothing: () => undefined },
  });
  const answers = [here.ask('half', 8), there.ask('double', 8), here.ask('half', 4), here.ask('nothing', 1)];
  expect(await Promise.all(answers)).toEqual([4, 16, 2, null]);
});

test('what is said in one go crosses in one message, in its order', async () => {
  const heard: unknown[] = [];
  const { channel, here } = pair({
    there: { news: ({ argument }) => heard.push(argument), heard: () => [...heard] },
  });
  here.tell('news', 1);
  here.tell('news', 2);
  const answer = here.ask('heard', undefined);
  here.tell('news', 3);
  expect(await answer).toEqual([1, 2]);
  expect(heard).toEqual([1, 2, 3]);
  expect(channel.one.sent).toHaveLength(1);
});

test('news wait a little for a question to cross with, and no longer', async () => {
  const heard: unknown[] = [];
  const answers = { news: ({ argument }: { readonly argument: unknown }) => heard.push(argument), ask: () => 'yes' };
  const { channel, clock, here } = pair({ there: answers }, 5);
  here.tell('news', 1);
  await arrived();
  expect(heard).toEqual([]);
  expect(await here.ask('ask', null)).toBe('yes');
  expect(heard).toEqual([1]);
  expect(channel.one.sent).toHaveLength(1);
  here.tell('news', 2);
  clock.advance(4);
  here.tell('news', 3);
  clock.advance(1);
  await arrived();
  expect(heard).toEqual([1, 2, 3]);
  expect(channel.one.sent).toHaveLength(2);
  // What is left behind by the end of the channel goes nowhere.
  here.tell('news', 4);
  channel.cut();
  clock.advance(5);
  await arrived();
  expect(heard).toEqual([1, 2, 3]);
});

test('news that are not understood, and messages of others, hold nothing up', async () => {
  const heard: unknown[] = [];
  const { channel, here, failed } = pair({
    there: {
      news: ({ argument }) => heard.push(argument),
      bad: () => {
        throw new Error('bad news');
      },
    },
  });
  channel.one.send({ socket: 'not ours' });
  channel.one.send({ said: [['what', 1, 2], 'text', ['answer', 99, 'to nothing']] });
  here.tell('bad', 1);
  here.tell('unknown', 1);
  here.tell('news', 1);
  await arrived();
  expect(heard).toEqual([1]);
  expect(failed.map(String)).toEqual([
    'Error: what came is not what a correspondent says: what',
    'Error: what came is not what a correspondent says',
    'Error: bad news',
    'Error: nobody here answers unknown',
  ]);
});

test('a name has one who answers', () => {
  const { here } = pair({ here: { one: () => 1 } });
  expect(() => here.serve({ one: () => 2 })).toThrow('one answers one');
});
