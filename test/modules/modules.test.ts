/** The built-in guards, asked directly. */
import { expect, test } from 'vitest';
import { newSession } from '../../src/engine/apply-change.ts';
import { connectionLimits } from '../../src/modules/connection-limits.ts';
import { tlsPolicy } from '../../src/modules/tls-policy.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { CommandContext, CommandTraits } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
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
  try {
    const answer = await handlerOf(module, 'PRE_CMD').handle(request);
    return answer.word === 'ERROR' ? answer.reply.code : 0;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
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
