/** Commands that somebody on the way has slipped in behind AUTH TLS, in clear (CVE-2011-0411, CVE-2011-1575). */
import type { CheckResult, OpenCheck } from '../check.ts';
import { type Finding, fine, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** A command that does no harm and is answered before login, with success or not. */
const INJECTED = 'SYST';

/**
 * `auth.injection`. AUTH TLS and another command go out in one segment, in clear. After the handshake the server has
 * been asked nothing yet: an answer to the other command says that it was kept and is now taken for the client's own.
 */
export const authInjectionCheck: OpenCheck = {
  id: 'auth.injection',
  needs: 'explicit',
  async run(context): Promise<CheckResult> {
    using client = await ProbeClient.connect(context.target, context);
    await client.greeting();
    client.write(`AUTH TLS\r\n${INJECTED}\r\n`);
    const answer = await client.replyOrEnd();
    // A server that ends the connection here has seen through it.
    if (answer === undefined || answer.code !== 234) return { findings: [SAFE] };
    try {
      await client.startTls();
    } catch {
      // The injected bytes, or the answer to them in clear, have spoilt the handshake: nothing of them gets any further.
      context.signal.throwIfAborted();
      return { findings: [SAFE] };
    }
    return { findings: [(await answersUnasked(client)) ? EXECUTED : SAFE] };
  },
};

/** Whether a reply comes that nobody has asked for: every answer then belongs to the command before. */
async function answersUnasked(client: ProbeClient): Promise<boolean> {
  client.write('NOOP\r\n');
  const first = await client.replyOrEnd();
  if (first === undefined) return false;
  client.write('QUIT\r\n');
  const last = await client.replyOrEnd();
  return last !== undefined && last.code !== 221;
}

const SAFE: Finding = fine(
  'auth.injection',
  'A command sent in clear right behind AUTH TLS is not executed under TLS.',
);

const EXECUTED: Finding = wrong(
  'auth.injection',
  'high',
  'A command sent in clear right behind AUTH TLS is executed under TLS: somebody on the way can give commands as the client.',
  'Update the server; it must forget everything received before the handshake (CVE-2011-0411).',
);
