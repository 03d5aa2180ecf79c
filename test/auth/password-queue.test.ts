import { expect, test } from 'vitest';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { Fault } from '../../src/spi/fault.ts';

/** Hashes that run until they are told to end, and the order in which they began. */
class Hashes {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();

  start(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      const end = Promise.withResolvers<string>();
      this.#ends.set(name, end);
      return end.promise;
    };
  }

  end(name: string): void {
    this.#ends.get(name)?.resolve(name);
  }

  fail(name: string): void {
    this.#ends.get(name)?.reject(new Error(name));
  }
}

test('whoever comes when the queue is full is told that the server is busy', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 1 });
  const running = ['a', 'b', 'c'].map((name) => queue.run(hashes.start(name)));
  await expect(queue.run(hashes.start('d'))).rejects.toMatchObject({ kind: 'Busy' });
  expect(queue.waitingCount).toBe(1);
  hashes.end('a');
  await running[0];
  // The place of the one that waited is free again.
  const late = queue.run(hashes.start('e'));
  for (const name of ['b', 'c']) hashes.end(name);
  await Promise.all(running);
  hashes.end('e');
  await late;
  expect(hashes.begun).toEqual(['a', 'b', 'c', 'e']);
});

test('a client that leaves while it waits gives up its place and never costs a hash', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 2, runningMax: 1 });
  const first = queue.run(hashes.start('first'));
  const gone = new AbortController();
  const left = queue.run(hashes.start('left'), gone.signal);
  const last = queue.run(hashes.start('last'));
  const reason = new Fault('LoginTimeout');
  gone.abort(reason);
  await expect(left).rejects.toBe(reason);
  expect(queue.waitingCount).toBe(1);
  hashes.end('first');
  await first;
  hashes.end('last');
  expect(await last).toBe('last');
  expect(hashes.begun).toEqual(['first', 'last']);
});

test('a client that has left already does not begin', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 1 });
  await expect(queue.run(hashes.start('a'), AbortSignal.abort(new Fault('Aborted')))).rejects.toMatchObject({
    kind: 'Aborted',
  });
  expect(hashes.begun).toEqual([]);
});

test('an abort after the turn has come changes nothing', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 1, runningMax: 1 });
  const gone = new AbortController();
  const first = queue.run(hashes.start('first'));
  const second = queue.run(hashes.start('second'), gone.signal);
  hashes.end('first');
  await first;
  gone.abort();
  hashes.end('second');
  expect(await second).toBe('second');
});

test('a hash that fails passes its place on', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 1, runningMax: 1 });
  const failing = queue.run(hashes.start('failing'));
  const next = queue.run(hashes.start('next'));
  hashes.fail('failing');
  await expect(failing).rejects.toThrow('failing');
  hashes.end('next');
  expect(await next).toBe('next');
});

test('never more than two run at once, and they begin in the order in which they came', async () => {
  let running = 0;
  let runningMost = 0;
  const begun: number[] = [];
  const queue = new PasswordQueue({ waitingMax: 100 });
  const all = Array.from({ length: 50 }, (_, index) =>
    queue.run(async () => {
      begun.push(index);
      runningMost = Math.max(runningMost, ++running);
      await Promise.resolve();
      running--;
      return index;
    }),
  );
  expect(await Promise.all(all)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(begun).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(runningMost).toBe(2);
  expect(queue.waitingCount).toBe(0);
});

test('sources take turns: one that asks for many delays nobody by more than one', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 10, runningMax: 1 });
  const names = ['flood-1', 'flood-2', 'flood-3', 'flood-4', 'partner-1', 'partner-2'];
  const all = names.map((name) => queue.run(hashes.start(name), undefined, name.replace(/-.*/, '')));
  const inTurn = ['flood-1', 'flood-2', 'partner-1', 'flood-3', 'partner-2', 'flood-4'];
  for (const name of inTurn) {
    hashes.end(name);
    await all[names.indexOf(name)];
  }
  expect(hashes.begun).toEqual(inTurn);
});

test('a full queue has a place for whoever has fewer in it; the youngest of whoever has most gives it up', async () => {
  const hashes = new Hashes();
  const queue = new PasswordQueue({ waitingMax: 3, runningMax: 1 });
  const flood = ['f1', 'f2', 'f3', 'f4'].map((name) => queue.run(hashes.start(name), undefined, 'flood'));
  const refused = expect(flood[3]).rejects.toMatchObject({ kind: 'Busy' });
  const partner = queue.run(hashes.start('p1'), undefined, 'partner');
  await refused;
  // Now both would have two: nobody gives way to his equal.
  await expect(queue.run(hashes.start('p2'), undefined, 'partner')).rejects.toMatchObject({ kind: 'Busy' });
  expect(queue.waitingCount).toBe(3);
  hashes.end('f1');
  await flood[0];
  for (const [name, done] of [
    ['f2', flood[1]],
    ['p1', partner],
    ['f3', flood[2]],
  ] as const) {
    hashes.end(name);
    await done;
  }
  expect(hashes.begun).toEqual(['f1', 'f2', 'p1', 'f3']);
});
