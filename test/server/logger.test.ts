/** The log: what strangers chose cannot forge it, and secrets do not reach it. */
import { expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';
import { createLogger } from '../../src/server/logger.ts';
import { unfailing } from '../../src/server/unfailing-log.ts';

function logged(format: 'json' | 'pretty', act: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  act(createLogger({ level: 'info', format }, { write: (line: string) => void lines.push(line) }));
  return lines.join('');
}

test.each(['json', 'pretty'] as const)('control, bidi and invisible characters are escaped (%s)', (format) => {
  const hostile = 'a\u001b[2Jb\u0085c\u202ed\r\n{"level":30}';
  const text = logged(format, (log) => log.info('event', { name: hostile, nested: { deep: [hostile] } }));
  expect(text).not.toMatch(/[\u001b\u0085\u202e]/);
  expect(text).toContain('u001b');
  expect(text.trimEnd().split('\n')).toHaveLength(1);
});

test.each(['json', 'pretty'] as const)('a secret prints as [secret] (%s)', (format) => {
  const text = logged(format, (log) => log.info('event', { password: new Secret('hunter2') }));
  expect(text).toContain('[secret]');
  expect(text).not.toContain('hunter2');
});

test('an error is logged with its stack and its causes', () => {
  const text = logged('json', (log) =>
    log.error('event', { error: new Error('outer', { cause: new Error('inner') }) }),
  );
  const entry: { error: { message: string; stack: string; cause: { message: string } } } = JSON.parse(text);
  expect(entry.error.message).toBe('outer');
  expect(entry.error.cause.message).toBe('inner');
  expect(entry.error.stack).toContain('logger.test.ts');
});

test('what is below the level is left out, and the fields of `with` are in every entry', () => {
  const text = logged('json', (log) => {
    log.debug('quiet');
    log.with({ session: 'abc' }).warn('loud', { more: 1 });
  });
  expect(JSON.parse(text)).toMatchObject({ level: 'warn', msg: 'loud', session: 'abc', more: 1 });
});

test('what cannot be looked at is told as such, and an error that is its own cause has an end', () => {
  const unreadable = Object.defineProperty(new Error('odd'), 'stack', {
    get() {
      throw new Error('no stack');
    },
  });
  const circle = new Error('circle');
  circle.cause = circle;
  const wordless = Object.assign(new Error('x'), { message: 42 });
  const text = logged('json', (log) => log.error('event', { unreadable, circle, wordless, sound: 'yes' }));
  expect(JSON.parse(text)).toMatchObject({ unreadable: '[unreadable]', wordless: '[unreadable]', sound: 'yes' });
  expect(text.match(/"message":"circle"/g)?.length).toBeLessThan(10);
});

test('a log that fails, at once or later, fails nobody who writes into it', async () => {
  const fail = () => {
    throw new Error('disk full');
  };
  const log = unfailing({ debug: fail, info: async () => fail(), warn: fail, error: async () => fail(), with: fail });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]('event');
  log.with({}).error('event');
  // An unhandled rejection would be told by now, and fails the run.
  await new Promise((resolve) => setImmediate(resolve));
});
