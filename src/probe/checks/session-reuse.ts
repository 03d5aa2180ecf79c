/** Whether data connections have to prove by their TLS session whose they are (VU#2558: stolen passive ports). */
import type { CheckResult, MemberCheck, MemberContext } from '../check.ts';
import { succeeded, type Transferred, transferPassive } from '../data-link.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import type { ProbeClient } from '../probe-client.ts';

/** `session.resumed`, `session.required` and `session.foreign`. */
export const sessionReuseCheck: MemberCheck = {
  id: 'session',
  needs: 'login',
  async run(context): Promise<CheckResult> {
    const own = await listing(context, 'own');
    const none = await listing(context, 'none');
    const foreign = await listing(context, 'foreign');
    const required = !succeeded(none);
    return {
      findings: [judgeOwn(own, required), judgeNone(none), judgeForeign(foreign, required)],
      facts: { sessionReuseRequired: required },
    };
  },
};

/** A listing whose data connection resumes its own session, none, or that of another login. */
async function listing(context: MemberContext, whose: 'own' | 'none' | 'foreign'): Promise<Transferred> {
  const { logins } = context;
  return await logins.use('protected', context, async (client) => {
    const list = (session?: Buffer) => transferPassive(client, context, 'LIST', { protection: 'tls', session });
    const listAs = async (owner: ProbeClient) => await list(await owner.waitForSession());
    if (whose === 'none') return await list();
    return whose === 'own' ? await listAs(client) : await logins.use('pristine', context, listAs);
  });
}

function judgeOwn(own: Transferred, required: boolean): Finding {
  if (!succeeded(own)) {
    return wrong(
      'session.resumed',
      'medium',
      `A data connection that resumes the control connection's TLS session fails: ${own.final?.text ?? own.mark.text}.`,
      'Look at its log: clients that resume, as most do, cannot transfer.',
    );
  }
  if (own.tls?.resumed === true) {
    return fine(
      'session.resumed',
      `Data connections can resume the control connection's TLS session (${own.tls.version}).`,
    );
  }
  return noted(
    'session.resumed',
    `The server does not resume the control connection's TLS session on data connections${required ? ', though it asks for that' : ''}.`,
    'Switch session tickets or the session cache on: every transfer pays for a full handshake, and none proves whose it is.',
  );
}

function judgeNone(none: Transferred): Finding {
  if (!succeeded(none)) {
    return fine(
      'session.required',
      'A data connection with a TLS session of its own is refused: a stolen port is of no use.',
    );
  }
  return wrong(
    'session.required',
    'low',
    'A data connection need not resume a TLS session, so whoever reaches the port first gets the file, or gives one.',
    'Require TLS session reuse on data connections, for all accounts whose clients can.',
  );
}

function judgeForeign(foreign: Transferred, required: boolean): Finding {
  if (!succeeded(foreign)) {
    return fine('session.foreign', "A data connection that resumes another login's TLS session is refused.");
  }
  if (!required) {
    return noted(
      'session.foreign',
      'Since no session is asked for, that of another login does as well.',
      'See session.required.',
    );
  }
  if (foreign.tls?.resumed !== true) {
    return noted('session.foreign', 'That of another login was not resumed, and the transfer was made all the same.');
  }
  return wrong(
    'session.foreign',
    'low',
    "A data connection may resume another login's TLS session: that it resumes one proves only that some account is behind it.",
    'Use a server that ties data connections to their own control connection.',
  );
}
