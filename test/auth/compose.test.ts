/** An entry of the chain: who it is asked about, the proof, the second factor, the identity and the account. */
import { describe, expect, test } from 'vitest';
import { type AccountAnswer, authenticatorOf, type EntryParts } from '../../src/auth/compose.ts';
import { TotpLedger } from '../../src/auth/totp.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Account, Identity, Proof, Prover } from '../../src/spi/authenticator.ts';
import { TOTP_SECRET, totpCode } from '../fixtures/totp.ts';

const account = new Proxy<Account>(Object.create(null), { get: () => undefined });
const accepted = (user: string): Proof => ({ verdict: 'accepted', identity: { user, groups: [] } });

/** An entry whose prover knows alice's password, and what was asked of it. */
function entry(parts: Partial<EntryParts> = {}, answer?: (user: string, password: string | undefined) => Proof) {
  const clock = new FakeClock();
  const asked: { readonly user: string; readonly password: string | undefined }[] = [];
  const identities: Identity[] = [];
  const prover: Prover = {
    name: 'fake',
    async prove({ user, password }) {
      asked.push({ user, password: password?.reveal() });
      if (answer !== undefined) return answer(user, password?.reveal());
      if (user.toLowerCase() !== 'alice') return { verdict: 'declined' };
      return password?.reveal() === 'right' ? accepted('alice') : { verdict: 'refused', reason: 'wrong password' };
    },
  };
  const subject = authenticatorOf(prover, {
    name: 'fake',
    users: undefined,
    timeoutMs: 1_000,
    clock,
    factor: undefined,
    identitySource: undefined,
    accountFor(identity): AccountAnswer {
      identities.push(identity);
      return { ok: true, account };
    },
    ...parts,
  });
  const logIn = (user: string, password: string | undefined, signal = new AbortController().signal) =>
    subject.authenticate(
      {
        user,
        password: password === undefined ? undefined : new Secret(password),
        address: '192.0.2.1',
        tls: undefined,
        host: undefined,
      },
      signal,
    );
  return { logIn, asked, identities, clock };
}

test('a name that the entry is not asked about goes past it unseen', async () => {
  const { logIn, asked } = entry({ users: ['bob'] });
  expect(await logIn('alice', 'right')).toEqual({ verdict: 'declined' });
  expect(asked).toEqual([]);
});

test('what the prover declines or refuses is declined or refused', async () => {
  const { logIn, identities } = entry();
  expect(await logIn('mallory', 'right')).toEqual({ verdict: 'declined' });
  expect(await logIn('alice', 'wrong')).toEqual({ verdict: 'refused', reason: 'wrong password' });
  expect(identities).toEqual([]);
});

test('a proof without an account is a refusal', async () => {
  const { logIn } = entry({ accountFor: () => ({ ok: false, reason: 'the name is not in users' }) });
  expect(await logIn('alice', 'right')).toEqual({
    verdict: 'refused',
    reason: 'no account: the name is not in users',
  });
});

test('a prover or an account that throws ends the login', async () => {
  const broken = entry({}, () => {
    throw new Error('directory gone');
  });
  await expect(broken.logIn('alice', 'right')).rejects.toThrow('directory gone');
  const homeless = entry({ accountFor: () => Promise.reject(new Error('disk gone')) });
  await expect(homeless.logIn('alice', 'right')).rejects.toThrow('disk gone');
});

describe('a time-out', () => {
  test('ends the login although the prover does not listen', async () => {
    const clock = new FakeClock();
    let told: AbortSignal | undefined;
    const prover: Prover = {
      name: 'deaf',
      prove(_, signal) {
        told = signal;
        return new Promise(() => undefined);
      },
    };
    const parts = { name: 'deaf', users: undefined, timeoutMs: 500, clock, factor: undefined };
    const subject = authenticatorOf(prover, {
      ...parts,
      identitySource: undefined,
      accountFor: () => ({ ok: true, account }),
    });
    const credentials = { user: 'a', password: new Secret('b'), address: '::1', tls: undefined, host: undefined };
    const answer = subject.authenticate(credentials, new AbortController().signal);
    clock.advance(499);
    expect(told?.aborted).toBe(false);
    clock.advance(1);
    await expect(answer).rejects.toThrow('no answer within 500 ms');
    expect(told?.aborted).toBe(true);
  });

  test('a client that is gone ends it, too', async () => {
    const { logIn, asked } = entry();
    await expect(logIn('alice', 'right', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(asked).toEqual([]);
  });
});

describe('an identity that is looked up elsewhere', () => {
  const source = {
    name: 'unix',
    lookup: async (user: string) => (user === 'alice' ? { user, groups: ['staff'], home: '/home/alice' } : undefined),
  };

  test('takes the place of the proof’s own', async () => {
    const { logIn, identities } = entry({ identitySource: source });
    expect(await logIn('alice', 'right')).toEqual({ verdict: 'accepted', account });
    expect(identities).toEqual([{ user: 'alice', groups: ['staff'], home: '/home/alice' }]);
  });

  test('refuses those whom it does not know, and is not asked about those who proved nothing', async () => {
    const looked: string[] = [];
    const lookup = async (user: string) => {
      looked.push(user);
      return undefined;
    };
    const { logIn } = entry({ identitySource: { name: 'unix', lookup } });
    expect(await logIn('alice', 'wrong')).toMatchObject({ verdict: 'refused', reason: 'wrong password' });
    expect(looked).toEqual([]);
    expect(await logIn('alice', 'right')).toEqual({ verdict: 'refused', reason: 'unix does not know alice' });
  });

  test('that fails ends the login', async () => {
    const lookup = () => Promise.reject(new Error('getent ended with 3'));
    await expect(entry({ identitySource: { name: 'unix', lookup } }).logIn('alice', 'right')).rejects.toThrow('getent');
  });
});

describe('a second factor', () => {
  const NOW = Date.UTC(2026, 0, 1) / 1_000;
  const CODE = totpCode(NOW);
  const WRONG = totpCode(NOW + 3_000);

  function withFactor(mode: 'required' | 'optional' | 'off', secrets: readonly string[] = ['alice'], more = {}) {
    const ledger = new TotpLedger(new FakeClock(NOW * 1_000));
    const secretOf = (user: string) => (secrets.includes(user) ? TOTP_SECRET : undefined);
    return entry({ factor: { mode, ledger, secretOf }, ...more });
  }

  test.each<[string, 'required' | 'optional', string, string]>([
    ['no code', 'optional', 'right', 'wrong password'],
    ['the code alone', 'optional', CODE, 'wrong password'],
    ['a wrong password with the right code', 'optional', `wrong${CODE}`, 'wrong password'],
    ['a wrong password with a wrong code', 'optional', `wrong${WRONG}`, 'wrong password'],
    ['the right password with a wrong code', 'optional', `right${WRONG}`, 'wrong code'],
    ['the right password with no digits behind it', 'required', 'rightsecret', 'no code behind the password'],
  ])('%s is refused', async (_, mode, sent, reason) => {
    const { logIn, asked, identities } = withFactor(mode);
    expect(await logIn('alice', sent)).toEqual({ verdict: 'refused', reason });
    expect(asked).toHaveLength(1);
    expect(identities).toEqual([]);
  });

  test('a wrong password does not use the code up', async () => {
    const { logIn } = withFactor('required');
    expect(await logIn('alice', `wrong${CODE}`)).toMatchObject({ verdict: 'refused' });
    expect(await logIn('alice', `right${CODE}`)).toMatchObject({ verdict: 'accepted' });
  });

  test('a code is good once, also in two sessions at the same moment', async () => {
    const { logIn } = withFactor('required');
    const verdicts = await Promise.all([logIn('alice', `right${CODE}`), logIn('alice', `right${CODE}`)]);
    expect(verdicts.map(({ verdict }) => verdict).sort()).toEqual(['accepted', 'refused']);
  });

  test('is not asked of those who have no secret where it is optional, and refuses them where it is required', async () => {
    expect(await withFactor('optional', []).logIn('alice', 'right')).toMatchObject({ verdict: 'accepted' });
    const required = withFactor('required', []);
    expect(await required.logIn('alice', 'right')).toMatchObject({ verdict: 'refused' });
    expect(await required.logIn('alice', `right${CODE}`)).toEqual({
      verdict: 'refused',
      reason: 'a code is required, and there is no secret',
    });
  });

  test('that is off leaves the password as it is', async () => {
    const { logIn, asked } = withFactor('off');
    expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'accepted' });
    expect(asked).toEqual([{ user: 'alice', password: 'right' }]);
  });

  test('is not got around by writing the name in another way', async () => {
    const { logIn } = withFactor('optional');
    expect(await logIn('ALICE', 'right')).toMatchObject({
      verdict: 'refused',
      reason: expect.stringContaining('another spelling'),
    });
    const other = withFactor('optional', ['ALICE']);
    expect(await other.logIn('ALICE', `right${CODE}`)).toMatchObject({
      verdict: 'refused',
      reason: expect.stringContaining('another spelling'),
    });
  });

  test('is not got around by a place of identities that knows another name', async () => {
    const lookup = async () => ({ user: 'alice@example', groups: [] });
    const { logIn } = withFactor('optional', ['alice@example'], { identitySource: { name: 'unix', lookup } });
    expect(await logIn('alice', 'right')).toMatchObject({
      verdict: 'refused',
      reason: expect.stringContaining('another spelling'),
    });
  });

  test('declines at USER, where there is no field for it, whoever has a secret', async () => {
    const { logIn, asked } = withFactor('optional');
    expect(await logIn('alice', undefined)).toEqual({ verdict: 'declined' });
    expect(asked).toEqual([]);
    expect(await logIn('bob', undefined)).toEqual({ verdict: 'declined' });
    expect(asked).toHaveLength(1);
  });

  test('of a name that is not known here is left to the next entry', async () => {
    expect(await withFactor('required').logIn('bob', `right${CODE}`)).toEqual({ verdict: 'declined' });
  });
});
