/** The built-in guards, asked directly. */
import { expect, test } from 'vitest';
import { newSession } from '../../src/engine/apply-change.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { connectionLimits } from '../../src/modules/connection-limits.ts';
import { loginThrottle } from '../../src/modules/login-throttle.ts';
import { tlsPolicy } from '../../src/modules/tls-policy.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { CommandContext, CommandTraits } from '../../src/spi/command.ts';
import { silentLog } from '../../src/spi/log.ts';
import type { HandlerOf, Module, Phase } from '../../src/spi/module.ts';
import type { Session } from '../../src/spi/session.ts';
import type { Settings } from '../../src/spi/settings.ts';
import { contextWith } from '../fixtures/command-context.ts';

const TRAITS: CommandTraits = {
  verb: 'TEST',
  class: 'misc',
  who: 'anyone',
  rfc: 'none',
  help: 'TEST',
  argument: NOTHING,
};
const NO_RESPONSES = { add: () => undefined, addError: () => undefined };
const TLS = { version: 'TLSv1.3', suite: 'TLS_AES_256_GCM_SHA384', resumed: false };

function handlerOf<P extends Phase>(module: Module, phase: P): HandlerOf<P> {
  const found = module.handlers?.find((handler): handler is HandlerOf<P> & typeof handler => handler.phase === phase);
  if (found === undefined) throw new Error(`no ${phase} handler`);
  return found;
}

async function codeOf(module: Module, traits: Partial<CommandTraits>, context: CommandContext): Promise<number> {
  const request = { traits: { ...TRAITS, ...traits }, argument: '', context, respond: NO_RESPONSES };
  const answer = await handlerOf(module, 'PRE_CMD').handle(request);
  return answer.word === 'ERROR' ? answer.reply.code : 0;
}

const session = (changes: Partial<Session>) => ({ ...contextWith({}).session, ...changes });

/** What nobody has configured. */
const INITIAL: Settings = { inSession: ({ initial }) => initial, atDirectory: async ({ initial }) => initial };
const POLICY = { profile: 'intermediate', keysLogged: false, settings: () => INITIAL, log: silentLog } as const;

const POLICY_TABLE: { name: string; traits: Partial<CommandTraits>; session: Partial<Session>; code: number }[] = [
  { name: 'a login in clear', traits: { class: 'auth' }, session: {}, code: 530 },
  { name: 'a login over TLS', traits: { class: 'auth' }, session: { controlTls: TLS }, code: 0 },
  { name: 'a harmless command in clear', traits: { class: 'info' }, session: {}, code: 0 },
  { name: 'arranging under PROT C', traits: { data: 'arranges' }, session: { controlTls: TLS }, code: 521 },
  { name: 'a transfer under PROT C', traits: { data: 'transfers' }, session: { controlTls: TLS }, code: 521 },
  {
    name: 'a transfer under PROT P',
    traits: { data: 'transfers' },
    session: { controlTls: TLS, protection: 'P' },
    code: 0,
  },
];

test.each(POLICY_TABLE)('tls policy: $name gives $code', async ({ traits, session: changes, code }) => {
  expect(await codeOf(tlsPolicy(POLICY), traits, contextWith({ session: session(changes) }))).toBe(code);
});

test('tls policy: with both policies off everything passes', async () => {
  const policy = { ...contextWith({}).policy, tlsControlRequired: false, tlsDataRequired: false };
  const context = contextWith({ policy });
  expect(await codeOf(tlsPolicy(POLICY), { class: 'auth' }, context)).toBe(0);
  expect(await codeOf(tlsPolicy(POLICY), { data: 'transfers' }, context)).toBe(0);
});

test('login throttle: an address is shut out after its failures, until the lockout is over or a login succeeds', async () => {
  const clock = new FakeClock();
  const limits = { ...DEFAULT_LIMITS, loginFailuresPerAddressMax: 3, loginLockoutMs: 60_000 };
  const module = loginThrottle(limits, clock, silentLog);
  const context = contextWith({ clock, session: session({ login: { state: 'ExpectPass', user: 'partner' } }) });
  const request = { traits: TRAITS, argument: '***', context, respond: NO_RESPONSES };
  const result = (code: number) => ({ reply: reply(code, ''), cause: undefined, durationMs: 0, notes: {} });
  const fail = async (code = 530) => void (await handlerOf(module, 'POST_CMD_ERR').handle(request, result(code)));
  const asked = () => codeOf(module, { verb: 'PASS' }, context);

  for (let i = 0; i < 2; i++) await fail();
  await fail(421);
  expect(await asked()).toBe(0);
  await fail();
  expect(await asked()).toBe(421);
  clock.advance(59_999);
  expect(await asked()).toBe(421);
  clock.advance(1);
  expect(await asked()).toBe(0);

  for (let i = 0; i < 2; i++) await fail();
  await handlerOf(module, 'POST_CMD').handle(request, result(230));
  await fail();
  expect(await asked()).toBe(0);
});

test('login throttle: an account of one’s own does not clear the guesses at others, nor does another address of one /64', async () => {
  const clock = new FakeClock();
  const limits = { ...DEFAULT_LIMITS, loginFailuresPerAddressMax: 3 };
  const module = loginThrottle(limits, clock, silentLog);
  const from = (address: string, user: string) =>
    contextWith({ clock, session: session({ peer: { address, port: 1 }, login: { state: 'ExpectPass', user } }) });
  const request = (context: CommandContext) => ({ traits: TRAITS, argument: '***', context, respond: NO_RESPONSES });
  const result = (code: number) => ({ reply: reply(code, ''), cause: undefined, durationMs: 0, notes: {} });
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3']) {
    await handlerOf(module, 'POST_CMD_ERR').handle(request(from(address, 'victim')), result(530));
    await handlerOf(module, 'POST_CMD').handle(request(from(address, 'attacker')), result(230));
  }
  expect(await codeOf(module, { verb: 'PASS' }, from('2001:db8::4', 'victim'))).toBe(421);
  expect(await codeOf(module, { verb: 'PASS' }, from('2001:db8:0:1::4', 'victim'))).toBe(0);
});

test('connection limits: one address cannot take every place, and places come back', () => {
  const module = connectionLimits({ ...DEFAULT_LIMITS, connectionsMax: 3, connectionsPerAddressMax: 2 });
  const from = (address: string) => ({ address, port: 1 });
  const connect = (address: string) => module.onConnect?.(from(address), contextWith({}).session);
  connect('192.0.2.1');
  connect('192.0.2.1');
  expect(() => connect('192.0.2.1')).toThrow('TooManyConnections');
  connect('192.0.2.2');
  expect(() => connect('192.0.2.3')).toThrow('TooManyConnections');
  module.onDisconnect?.(newSession({ id: 'a', peer: from('192.0.2.1'), local: from('192.0.2.9') }));
  connect('192.0.2.3');
  expect(() => connect('192.0.2.4')).toThrow('TooManyConnections');
});

test('connection limits: an account has so many sessions, a second login in one session counts once', () => {
  const module = connectionLimits({ ...DEFAULT_LIMITS, connectionsPerAccountMax: 1 });
  const sessionOf = (id: string) => ({ ...contextWith({}).session, id });
  // The limits look at an account's name only.
  const account = (name: string) => ({ name }) as Account;
  module.onLogin?.(account('alice'), sessionOf('1'));
  module.onLogin?.(account('alice'), sessionOf('1'));
  expect(() => module.onLogin?.(account('alice'), sessionOf('2'))).toThrow('TooManyConnections');
  module.onLogin?.(account('bob'), sessionOf('1'));
  module.onLogin?.(account('alice'), sessionOf('2'));
  module.onDisconnect?.(sessionOf('2'));
  module.onLogin?.(account('alice'), sessionOf('3'));
});
