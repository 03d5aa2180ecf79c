/** Who the client is: USER, PASS, ACCT, REIN and QUIT (RFC 959 section 4.1.1). */
import { reply } from '../protocol/reply.ts';
import { NOTHING, text } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';

/**
 * USER: asks for a password, so that nobody learns which names exist, unless the client's certificate is proof enough for
 * the one that it names (232, RFC 2228 section 4, RFC 4217 section 12.1). Within a login it begins a new one, as RFC 959
 * section 4.1.1 allows.
 */
const user = defineCommand({
  verb: 'USER',
  class: 'auth',
  who: 'anyone',
  rfc: 'RFC 959 section 4.1.1',
  note: 'Answers 232 when the client certificate is proof enough for that user, else 331 for every name.',
  argument: text('name'),

  async handle(context, name) {
    context.note({ user: name });
    try {
      const account = await context.authenticateByCertificate(name);
      if (account !== undefined) {
        context.note({ by: 'certificate' });
        const text = 'Logged in by your certificate.';
        return { reply: reply(232, text), change: { kind: 'LogIn', account, by: 'certificate' } };
      }
    } catch (error) {
      return failedLogin(context, error);
    }
    return { reply: reply(331, 'Send the password with PASS.'), change: { kind: 'NameUser', user: name } };
  },
});

/** PASS: proves the name that USER gave. Every wrong pair gets the same answer. */
const pass = defineCommand({
  verb: 'PASS',
  class: 'auth',
  who: 'anyone',
  secret: true,
  rfc: 'RFC 959 section 4.1.1',
  note: 'Answers 202 behind a USER that was answered 232.',
  argument: { syntax: 'password', parts: ['text'], required: 0, parse: (text) => text },

  async handle(context, password) {
    const { login } = context.session;
    // Some clients send it whatever USER has said (RFC 959 section 5.4).
    if (login.state === 'LoggedIn' && login.by === 'certificate') {
      return { reply: reply(202, 'PASS is not needed: your certificate has logged you in.') };
    }
    if (login.state !== 'ExpectPass') throw new Fault('Sequence', { text: 'PASS comes behind USER.' });
    context.note({ user: login.user });
    try {
      const account = await context.authenticate(login.user, password);
      return { reply: reply(230, 'Logged in.'), change: { kind: 'LogIn', account } };
    } catch (error) {
      return failedLogin(context, error);
    }
  },
});

/** ACCT: there are no accounts beside the user's. */
const acct = defineCommand({
  verb: 'ACCT',
  class: 'auth',
  who: 'anyone',
  // Some clients send a second password here.
  secret: true,
  rfc: 'RFC 959 section 4.1.1',
  note: 'Answers 202: accounts have no second name here.',
  argument: text('account'),
  handle: () => ({ reply: reply(202, 'ACCT is not needed here.') }),
});

/**
 * REIN: as after connect. RFC 4217 section 13 demands that TLS ends with it, and a control channel that was protected once
 * never goes on in clear, for the reason that CCC is refused: so it is refused over TLS.
 */
const rein = defineCommand({
  verb: 'REIN',
  class: 'misc',
  who: 'anyone',
  rfc: 'RFC 959 section 4.1.1',
  note: 'Answers 502 over TLS: RFC 4217 section 13 would have what follows go on in clear. USER begins a new login.',
  argument: NOTHING,

  handle({ session }) {
    if (session.controlTls !== undefined) {
      const text = 'REIN would end TLS (RFC 4217 section 13): send USER to log in anew, or connect anew.';
      throw new Fault('NotImplemented', { text });
    }
    return { reply: reply(220, 'Logged out; send USER.'), change: { kind: 'Reinitialise' } };
  },
});

/** QUIT: ends the session, behind a transfer that still runs. */
const quit = defineCommand({
  verb: 'QUIT',
  class: 'misc',
  who: 'anyone',
  rfc: 'RFC 959 section 4.1.1',
  argument: NOTHING,
  handle: () => ({ reply: reply(221, 'Goodbye.'), change: { kind: 'Close' } }),
});

/** The commands of this file. */
export const LOGIN = [user, pass, acct, rein, quit] as const;

/** What becomes of a login that was refused. @throws what was thrown, when it was something else. */
function failedLogin(context: CommandContext, error: unknown): Outcome {
  if (!(error instanceof Fault) || !FAILED_LOGINS.has(error.kind)) throw error;
  // A change cannot ride on a Fault, and the session has to count this; the reason is for the log only.
  if (error.cause instanceof Error) context.note({ cause: error.cause.message });
  if (error.kind !== 'LoginIncorrect') context.note({ fault: error.kind });
  return { reply: reply(error.code, error.text), change: { kind: 'FailLogin' } };
}

/** What to the client are all one: a wrong proof, or one that was not enough. */
const FAILED_LOGINS: ReadonlySet<FaultKind> = new Set<FaultKind>(['LoginIncorrect', 'AccountCertificateRequired']);
