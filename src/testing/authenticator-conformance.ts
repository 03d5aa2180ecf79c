/** Whether an authenticator keeps the promises of `Authenticator`: run it against your own before you let it decide. */
import assert from 'node:assert/strict';
import { Secret } from '../lib/secret.ts';
import type { Authenticator, Credentials, Verdict } from '../spi/authenticator.ts';
import type { ConformanceCase } from './conformance.ts';

/** What the suite needs to know of the authenticator. */
export interface AuthenticatorSubject {
  readonly authenticator: Authenticator;
  /** A user that it accepts, with the password. */
  readonly user: string;
  readonly password: string;
  /** Whether it accepts without a password, by a client certificate say; then that is not looked at. */
  readonly passwordless?: boolean;
}

/** The cases. `make` gives a subject for each of them. */
export function authenticatorConformance(
  make: () => AuthenticatorSubject | Promise<AuthenticatorSubject>,
): readonly ConformanceCase[] {
  return Object.entries(CHECKS).map(([name, check]) => ({ name, run: async () => check(await make()) }));
}

const CHECKS: Readonly<Record<string, (subject: AuthenticatorSubject) => Promise<void>>> = {
  async 'the right password is accepted, with an account that has a name and files'(subject) {
    const answer = await ask(subject, {});
    assert.equal(answer.verdict, 'accepted');
    if (answer.verdict !== 'accepted') return;
    assert.notEqual(answer.account.name, '');
    assert.equal((await answer.account.files.stat('/' as never)).kind, 'directory');
  },
  async 'no other password is accepted'(subject) {
    const { password } = subject;
    const others = [`${password}x`, password.slice(0, -1), password.toUpperCase(), ` ${password}`, `${password}\0`, ''];
    for (const other of others.filter((text) => text !== password)) {
      await isNotAccepted(subject, { password: new Secret(other) });
    }
  },
  async 'no other user is accepted'(subject) {
    const { user } = subject;
    const others = [
      `${user}x`,
      ` ${user}`,
      `${user} `,
      '',
      '*',
      '__proto__',
      'constructor',
      '../x',
      'a\0b',
      `${user}\n`,
    ];
    for (const other of others) await isNotAccepted(subject, { user: other });
  },
  async 'a user name or password of any length is answered'(subject) {
    await isNotAccepted(subject, { user: 'u'.repeat(4_096) });
    await isNotAccepted(subject, { password: new Secret('p'.repeat(4_096)) });
  },
  async 'without a password it declines'(subject) {
    if (subject.passwordless === true) return;
    assert.equal((await ask(subject, { password: undefined })).verdict, 'declined');
  },
  async 'questions that are asked at once do not mix'(subject) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(subject, index % 2 === 0 ? {} : { password: new Secret('wrong') })),
    );
    answers.forEach(({ verdict }, index) => {
      assert.equal(verdict === 'accepted', index % 2 === 0, `question ${index} was answered with ${verdict}`);
    });
  },
  async 'a client that is gone is not accepted'(subject) {
    const answer = await ask(subject, { password: new Secret('wrong') }, AbortSignal.abort()).catch(() => undefined);
    assert.notEqual(answer?.verdict, 'accepted');
  },
  async 'no answer holds the password'(subject) {
    const answer = await ask(subject, { password: new Secret('a wrong password') });
    assert.ok(!JSON.stringify(answer).includes('a wrong password'));
  },
};

function ask(
  { authenticator, user, password }: AuthenticatorSubject,
  changes: Partial<Credentials>,
  signal: AbortSignal = AbortSignal.timeout(30_000),
): Promise<Verdict> {
  const right = { user, password: new Secret(password), address: '192.0.2.1', tls: undefined, host: undefined };
  return authenticator.authenticate({ ...right, ...changes }, signal);
}

/** A throw is a refusal too. */
async function isNotAccepted(subject: AuthenticatorSubject, changes: Partial<Credentials>): Promise<void> {
  const answer = await ask(subject, changes).catch(() => undefined);
  assert.notEqual(answer?.verdict, 'accepted', `accepted: ${JSON.stringify({ user: changes.user ?? subject.user })}`);
}
