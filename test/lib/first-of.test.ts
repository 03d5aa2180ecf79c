import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { firstOf } from '../../src/lib/first-of.ts';

function listeners(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0);
}

test('an error is thrown, and no listener stays behind', async () => {
  const emitter = new EventEmitter();
  const waiting = firstOf(emitter, ['data', 'end']);
  emitter.emit('error', new Error('broken'));
  await expect(waiting).rejects.toThrow('broken');
  expect(listeners(emitter)).toBe(0);
});

test('an abort is thrown with its reason, and no listener stays behind', async () => {
  const emitter = new EventEmitter();
  const abort = new AbortController();
  const waiting = firstOf(emitter, ['data'], abort.signal);
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(listeners(emitter)).toBe(0);
});

test('a signal that has aborted already is obeyed, and nothing is listened to', async () => {
  const emitter = new EventEmitter();
  const waiting = firstOf(emitter, ['data'], AbortSignal.abort(new Error('too late')));
  expect(listeners(emitter)).toBe(0);
  await expect(waiting).rejects.toThrow('too late');
});

test('the first event wins, and no listener stays behind', async () => {
  const emitter = new EventEmitter();
  const waiting = firstOf(emitter, ['data', 'end']);
  expect(listeners(emitter)).toBe(3);
  emitter.emit('end');
  emitter.emit('data');
  expect(await waiting).toBe('end');
  expect(listeners(emitter)).toBe(0);
});

test('a thousand waits leave not one listener, nor do they leave one at the signal', async () => {
  const emitter = new EventEmitter();
  const { signal } = new AbortController();
  let added = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    added++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    added--;
    remove(...args);
  };
  for (let i = 0; i < 1_000; i++) {
    const waiting = firstOf(emitter, ['data', 'end'], signal);
    emitter.emit('data');
    await waiting;
  }
  expect(listeners(emitter)).toBe(0);
  expect(added).toBe(0);
});

test('the listeners of others stay', async () => {
  const emitter = new EventEmitter();
  emitter.on('data', () => undefined);
  const waiting = firstOf(emitter, ['data']);
  emitter.emit('data');
  await waiting;
  expect(listeners(emitter)).toBe(1);
});

test('waiting for an error by name throws it like any other', async () => {
  const emitter = new EventEmitter();
  const waiting = firstOf(emitter, ['error']);
  emitter.emit('error', new Error('broken'));
  await expect(waiting).rejects.toThrow('broken');
  expect(listeners(emitter)).toBe(0);
});
