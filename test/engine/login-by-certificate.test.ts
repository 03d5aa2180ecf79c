import { expect, test } from 'vitest';
import { newSession } from '../../src/engine/apply-change.ts';
import { loginByCertificate } from '../../src/engine/login.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Account, Authenticator, Credentials, Verdict } from '../../src/spi/authenticator.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { Module } from '../../src/spi/module.ts';
import type { ClientCertificate } from '../../src/spi/tls-facts.ts';
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
const CERTIFICATE: ClientCertificate = {
  fingerprint: 'a'.repeat(64),
  publicKeyFingerprint: 'b'.repeat(64),
  commonName: 'alice',
  alternativeNames: [],
  issuer: 'CN=CA',
  serialNumber: '1',
  validToMs: 0,
};

/** Asks a chain of these answers; what was asked is in `asked`. */
async function ask(
  answers: readonly (Verdict | Error)[],
  { modules = [], shown = CERTIFICATE }: { modules?: readonly Module[]; shown?: ClientCertificate | 'none' } = {},
) {
  const asked: Credentials[] = [];
  const log = new RecordingLog();
  const authenticators = answers.map(
    (answer, index): Authenticator => ({
      name: `number ${index}`,
      async authenticate(credentials) {
        asked.push(credentials);
        if (answer instanceof Error) throw answer;
        return answer;
      },
    }),
  );
  const tls = { version: 'TLSv1.3', suite: 'S', resumed: false, ...(shown !== 'none' && { clientCertificate: shown }) };
  const credentials = { user: 'alice', address: '192.0.2.1', tls, host: undefined };
  const options = { log, signal: new AbortController().signal, clock: systemClock, timeoutMs: 60_000 };
  const account = loginByCertificate({ authenticators, modules }, credentials, SESSION, options);
  return { account, asked, log };
}

const declined: Verdict = { verdict: 'declined' };
const refused: Verdict = { verdict: 'refused', reason: 'no' };
const accepted: Verdict = { verdict: 'accepted', account: ACCOUNT };

test('without a certificate nobody is asked', async () => {
  const { account, asked } = await ask([accepted], { shown: 'none' });
  expect(await account).toBeUndefined();
  expect(asked).toEqual([]);
});

test('who is refused or known to nobody is asked for a password', async () => {
  expect(await (await ask([])).account).toBeUndefined();
  expect(await (await ask([declined])).account).toBeUndefined();
  expect(await (await ask([refused, accepted])).account).toBeUndefined();
});

test('an authenticator that fails is logged, and a password is asked for', async () => {
  const { account, log } = await ask([new Error('broken'), accepted]);
  expect(await account).toBeUndefined();
  expect(log.of('login.authenticator_failed')).toHaveLength(1);
});

test('a gateway that is busy says so', async () => {
  await expect((await ask([new Fault('Busy')])).account).rejects.toMatchObject({ kind: 'Busy' });
});

test('a module that guards logins can refuse', async () => {
  const guard: Module = {
    name: 'guard',
    onLogin() {
      throw new Fault('LoginIncorrect');
    },
  };
  await expect((await ask([accepted], { modules: [guard] })).account).rejects.toMatchObject({ kind: 'LoginIncorrect' });
});

test('the first that accepts decides, and none has seen a password', async () => {
  const { account, asked } = await ask([declined, accepted, refused]);
  expect(await account).toBe(ACCOUNT);
  expect(asked.map(({ password }) => password)).toEqual([undefined, undefined]);
});
