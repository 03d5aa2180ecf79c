/** Logins by authenticators and guards that were not type-checked, fail or hang: in doubt nobody is let in. */
import { describe, expect, test } from 'vitest';
import { newSession } from '../../src/engine/apply-change.ts';
import { login } from '../../src/engine/login.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { reply } from '../../src/protocol/reply.ts';
import type { Account, Authenticator } from '../../src/spi/authenticator.ts';
import { Fault } from '../../src/spi/fault.ts';
import { DECLINED, ERROR, type Module } from '../../src/spi/module.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

const SESSION = newSession({
  id: 'test',
  peer: { address: '192.0.2.1', port: 50_000 },
  local: { address: '192.0.2.2', port: 21 },
});
const ACCOUNT: Account = {
  name: 'alice',
  files: new MemoryFiles(),
  permissions: new Set(),
  directories: [],
  existing: 'keep',
  onIncomplete: 'keep',
};
const CREDENTIALS = { user: 'alice', password: new Secret('x'), address: '192.0.2.1', tls: undefined, host: undefined };
const TIMEOUT_MS = 60_000;

function never(): Promise<never> {
  return new Promise(() => undefined);
}

interface Tried {
  readonly authenticate?: unknown;
  readonly modules?: readonly unknown[];
  readonly signal?: AbortSignal;
}

/** Logs in by one authenticator, which accepts unless it says otherwise, and by modules of any kind. */
function tryLogin({ authenticate = async () => ({ verdict: 'accepted', account: ACCOUNT }), ...parts }: Tried) {
  const log = new RecordingLog();
  const clock = new FakeClock();
  const signal = parts.signal ?? new AbortController().signal;
  const authenticators = [{ name: 'odd', authenticate } as unknown as Authenticator];
  const modules = (parts.modules ?? []) as unknown as Module[];
  const account = login({ authenticators, modules }, CREDENTIALS, SESSION, {
    log,
    clock,
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  return { account, log, clock };
}

const without = (part: keyof Account) => ({ ...ACCOUNT, [part]: undefined });

describe('an authenticator that answers what is no answer has refused, and is told of', () => {
  const rule = { path: '/in', permissions: new Set(), recursive: true };
  test.each<[string, unknown]>([
    ['another word', { verdict: 'denied' }],
    ['false', false],
    ['true', true],
    ['nothing', undefined],
    ['a word alone', 'accepted'],
    ['no account', { verdict: 'accepted' }],
    ['an account that is a name', { verdict: 'accepted', account: 'alice' }],
    ['a name and nothing else', { verdict: 'accepted', account: { name: 'alice' } }],
    ['an account without a name', { verdict: 'accepted', account: without('name') }],
    ['files without methods', { verdict: 'accepted', account: { ...ACCOUNT, files: {} } }],
    ['permissions that are text', { verdict: 'accepted', account: { ...ACCOUNT, permissions: 'elr' } }],
    ['no permissions', { verdict: 'accepted', account: without('permissions') }],
    ['no directories', { verdict: 'accepted', account: without('directories') }],
    [
      'a rule without a reach',
      { verdict: 'accepted', account: { ...ACCOUNT, directories: [{ ...rule, recursive: 1 }] } },
    ],
    ['a rule for no path', { verdict: 'accepted', account: { ...ACCOUNT, directories: [{ ...rule, path: 'in' }] } }],
    ['no word on files that exist', { verdict: 'accepted', account: without('existing') }],
    ['groups that are text', { verdict: 'accepted', account: { ...ACCOUNT, groups: 'wheel' } }],
  ])('%s', async (_, answer) => {
    for (const authenticate of [async () => answer, () => answer]) {
      const { account, log } = tryLogin({ authenticate });
      await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
      expect(log.of('login.authenticator_failed')).toMatchObject([{ authenticator: 'odd' }]);
    }
  });

  test('the next one is not asked', async () => {
    const log = new RecordingLog();
    const odd = { name: 'odd', authenticate: async () => ({ verdict: 'maybe' }) } as unknown as Authenticator;
    const next: Authenticator = { name: 'next', authenticate: async () => ({ verdict: 'accepted', account: ACCOUNT }) };
    const parts = { log, clock: new FakeClock(), signal: new AbortController().signal, timeoutMs: TIMEOUT_MS };
    const account = login({ authenticators: [odd, next], modules: [] }, CREDENTIALS, SESSION, parts);
    await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
  });
});

describe('an authenticator that fails has refused', () => {
  const fail = (error: unknown) => () => {
    throw error;
  };
  test.each<[string, unknown]>([
    ['by a throw before its promise', fail(new Error('broken'))],
    ['by a promise', async () => Promise.reject(new Error('broken'))],
    ['by throwing nothing', fail(undefined)],
    ['by a fault about files', fail(new Fault('NoSuchFile', { text: 'There is no user alice.' }))],
    ['by being no function', 'yes'],
  ])('%s', async (_, authenticate) => {
    const { account, log } = tryLogin({ authenticate });
    await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect', text: new Fault('LoginIncorrect').text });
    expect(log.of('login.authenticator_failed')).toHaveLength(1);
  });

  test('by not answering in time, and its signal says so', async () => {
    let given: AbortSignal | undefined;
    const authenticate = (_: unknown, signal: AbortSignal) => {
      given = signal;
      return never();
    };
    const { account, log, clock } = tryLogin({ authenticate });
    clock.advance(TIMEOUT_MS - 1);
    expect(given?.aborted).toBe(false);
    clock.advance(1);
    await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
    expect(given?.aborted).toBe(true);
    expect(log.of('login.authenticator_failed')).toHaveLength(1);
  });

  test.each(['Busy', 'LockedOut', 'TooManyConnections'] as const)('but %s says to come again later', async (kind) => {
    const { account, log } = tryLogin({ authenticate: fail(new Fault(kind)) });
    await expect(account).rejects.toMatchObject({ kind });
    expect(log.of('login.authenticator_failed')).toEqual([]);
  });
});

test('a client that has left is waited for by nobody and counts as no failure', async () => {
  const gone = new AbortController();
  const admitted: string[] = [];
  const modules = [{ name: 'counter', onLogin: ({ name }: Account) => void admitted.push(name) }];
  const { account, log } = tryLogin({ authenticate: never, modules, signal: gone.signal });
  gone.abort(new Fault('Aborted'));
  await expect(account).rejects.toMatchObject({ kind: 'Aborted' });
  expect(log.of('login.authenticator_failed')).toEqual([]);
  expect(admitted).toEqual([]);
});

describe('a guard of logins is waited for, and refuses', () => {
  test.each<[string, () => unknown]>([
    ['by a promise that fails', async () => throws()],
    ['by an error', throws],
    ['by returning false', () => false],
    ['by a promise of ERROR', async () => ERROR(reply(530, 'No.'))],
  ])('%s', async (_, onLogin) => {
    const { account, log } = tryLogin({ modules: [{ name: 'guard', onLogin }] });
    await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
    expect(log.of('module.failed')).toMatchObject([{ module: 'guard', hook: 'onLogin' }]);
  });

  test('by a promise of a Fault, in its own words', async () => {
    const onLogin = async () => {
      throw new Fault('TooManyConnections', { text: 'Twice is enough.' });
    };
    const { account, log } = tryLogin({ modules: [{ name: 'guard', onLogin }] });
    await expect(account).rejects.toMatchObject({ kind: 'TooManyConnections', text: 'Twice is enough.' });
    expect(log.of('module.failed')).toEqual([]);
  });

  test('by not answering in time, and nobody behind it is asked', async () => {
    const asked = Promise.withResolvers<void>();
    const behind: string[] = [];
    const hang = () => {
      asked.resolve();
      return never();
    };
    const modules = [
      { name: 'slow', onLogin: hang },
      { name: 'behind', onLogin: ({ name }: Account) => void behind.push(name) },
    ];
    const { account, log, clock } = tryLogin({ modules });
    await asked.promise;
    clock.advance(10_000);
    await expect(account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
    expect(log.of('module.failed')).toMatchObject([{ module: 'slow', hook: 'onLogin' }]);
    expect(behind).toEqual([]);
  });

  test('or lets in, by a promise as well', async () => {
    const order: string[] = [];
    const onLogin = async () => {
      await Promise.resolve();
      order.push('first');
    };
    const modules = [
      { name: 'first', onLogin },
      { name: 'second', onLogin: () => void order.push('second') },
      { name: 'third', onLogin: () => DECLINED },
    ];
    expect(await tryLogin({ modules }).account).toBe(ACCOUNT);
    expect(order).toEqual(['first', 'second']);
  });
});

function throws(): never {
  throw new Error('broken');
}
