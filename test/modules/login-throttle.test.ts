/** The login throttle, asked as the phases of PASS ask it: by logins one by one, and by many side by side. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { loginThrottle } from '../../src/modules/login-throttle.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import { Fault } from '../../src/spi/fault.ts';
import { silentLog } from '../../src/spi/log.ts';
import type { HandlerOf, Module, Phase } from '../../src/spi/module.ts';
import type { Session } from '../../src/spi/session.ts';
import { contextWith } from '../fixtures/command-context.ts';

const PASS = { verb: 'PASS', class: 'auth', who: 'anyone', rfc: 'none', help: 'PASS', argument: NOTHING } as const;

function handlerOf<P extends Phase>(module: Module, phase: P): HandlerOf<P> {
  const found = module.handlers?.find((handler): handler is HandlerOf<P> & typeof handler => handler.phase === phase);
  if (found === undefined) throw new Error(`no ${phase} handler`);
  return found;
}

/** Who logs in, and from where. */
interface From {
  readonly user?: string;
  readonly address?: string;
  readonly login?: Session['login'];
  readonly refusedBy?: string;
}

function throttled(limits: { readonly max: number; readonly lockoutMs?: number }) {
  const clock = new FakeClock();
  const { max: loginFailuresPerAddressMax, lockoutMs: loginLockoutMs = DEFAULT_LIMITS.loginLockoutMs } = limits;
  const module = loginThrottle({ ...DEFAULT_LIMITS, loginFailuresPerAddressMax, loginLockoutMs }, clock, silentLog);
  let sessions = 0;
  let proofs = 0;

  /** One PASS: its guard, what the proof comes to, and what the throttle is told of that. The code that the client reads. */
  async function login(
    prove: number | (() => Promise<number>),
    { user = 'partner', address = '192.0.2.1', login: state, refusedBy }: From = {},
  ): Promise<number> {
    sessions += 1;
    const { session } = contextWith({});
    const peer = { address, port: 1 };
    const own = { ...session, id: `s${sessions}`, peer, login: state ?? { state: 'ExpectPass' as const, user } };
    const request = {
      ...{ traits: PASS, argument: '***', context: contextWith({ clock, session: own }) },
      respond: { add: () => undefined, addError: () => undefined },
    };
    const code = await Promise.resolve(handlerOf(module, 'PRE_CMD').handle(request)).then(
      () => {
        proofs += 1;
        return typeof prove === 'number' ? prove : prove();
      },
      (error: unknown) => (error instanceof Fault ? error.code : 0),
    );
    const result = { reply: reply(code, ''), cause: undefined, durationMs: 0, notes: {}, refusedBy };
    await handlerOf(module, code < 400 ? 'POST_CMD' : 'POST_CMD_ERR').handle(request, result);
    return code;
  }
  return { clock, module, login, proofs: () => proofs };
}

/** A proof that ends when the test says so. */
function held(code: number) {
  const { promise, resolve } = Promise.withResolvers<number>();
  return { prove: () => promise, end: () => resolve(code) };
}

/** Lets everything happen that waits for nothing but its turn. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('an address is shut out after its failures, and no proof is made of what comes then', async () => {
  const { login, proofs } = throttled({ max: 3 });
  expect([await login(530), await login(530), await login(530)]).toEqual([530, 530, 530]);
  expect(await login(230)).toBe(421);
  expect(await login(230, { address: '192.0.2.2' })).toBe(230);
  expect(proofs()).toBe(4);
});

test('guesses side by side are no more than guesses one by one', async () => {
  const { login, proofs } = throttled({ max: 10 });
  const gate = held(530);
  const guesses = Array.from({ length: 60 }, (_, index) => login(gate.prove, { user: `user${index}` }));
  await settled();
  expect(proofs()).toBe(10);
  gate.end();
  const codes = await Promise.all(guesses);
  expect(codes.filter((code) => code === 530)).toHaveLength(10);
  expect(codes.filter((code) => code === 421)).toHaveLength(50);
  expect(proofs()).toBe(10);
});

test('logins side by side that are right all get in, however many they are', async () => {
  const { login, proofs } = throttled({ max: 10 });
  await login(530);
  const gates = Array.from({ length: 60 }, () => held(230));
  const logins = gates.map(({ prove }) => login(prove));
  await settled();
  expect(proofs()).toBe(1 + 9);
  for (const { end } of gates) end();
  expect(await Promise.all(logins)).toEqual(gates.map(() => 230));
});

test('what is no wrong proof gives its place back', async () => {
  const { login } = throttled({ max: 2 });
  for (let index = 0; index < 5; index++) {
    expect(await login(421)).toBe(421);
    expect(await login(451)).toBe(451);
    expect(await login(530, { refusedBy: 'another guard' })).toBe(530);
    // Nobody was named: what is answered is refused unread.
    expect(await login(530, { login: { state: 'ExpectUser' } })).toBe(530);
  }
  expect(await login(530)).toBe(530);
  expect(await login(230)).toBe(230);
});

test('a login that waits too long is told so, and leaves nothing behind', async () => {
  const { clock, login, proofs } = throttled({ max: 1 });
  const gate = held(230);
  const first = login(gate.prove);
  const late = login(230);
  await settled();
  clock.advance(7_999);
  await settled();
  expect(proofs()).toBe(1);
  clock.advance(1);
  expect(await late).toBe(421);
  gate.end();
  expect(await first).toBe(230);
  expect(await login(230)).toBe(230);
  expect(proofs()).toBe(2);
});

test('the time runs from the last failure', async () => {
  const { clock, login } = throttled({ max: 4, lockoutMs: 10_000 });
  for (let index = 0; index < 3; index++) await login(530);
  clock.advance(8_000);
  expect(await login(530)).toBe(530);
  clock.advance(9_999);
  expect(await login(230)).toBe(421);
  clock.advance(1);
  expect(await login(230)).toBe(230);
});

test('attempts while it is shut out do not make it longer', async () => {
  const { clock, login } = throttled({ max: 1, lockoutMs: 10_000 });
  await login(530);
  clock.advance(5_000);
  expect(await login(530)).toBe(421);
  clock.advance(5_000);
  expect(await login(230)).toBe(230);
});

test('an account of one’s own does not clear the guesses at others, nor does another address of one /64', async () => {
  const { login } = throttled({ max: 3 });
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3']) {
    await login(530, { address, user: 'victim' });
    await login(230, { address, user: 'attacker' });
  }
  expect(await login(230, { address: '2001:db8::4', user: 'victim' })).toBe(421);
  expect(await login(230, { address: '2001:db8:0:1::4', user: 'victim' })).toBe(230);
});

test('a login clears the failures of its name, also of one that is longer than an account’s', async () => {
  const { login } = throttled({ max: 3 });
  for (const user of ['partner', 'x'.repeat(100)]) {
    for (let index = 0; index < 4; index++) {
      expect(await login(530, { user })).toBe(530);
      expect(await login(530, { user })).toBe(530);
      expect(await login(230, { user })).toBe(230);
    }
  }
});
