/** Whether a name and a password may be sent before TLS. */
import { randomBytes } from 'node:crypto';
import type { CheckResult, OpenCheck } from '../check.ts';
import { fine, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/**
 * `login.clear`. A name that nobody has is sent in clear, and never a password: a server that asks for one (331) has asked
 * for it in clear already, whatever it would answer, because the client that follows has given it away.
 */
export const clearLoginCheck: OpenCheck = {
  id: 'login.clear',
  needs: 'explicit',
  async run(context): Promise<CheckResult> {
    using client = await ProbeClient.connect(context.target, context);
    await client.greeting();
    client.write(`USER probe-${randomBytes(4).toString('hex')}\r\n`);
    const reply = await client.replyOrEnd();
    if (reply === undefined || reply.code >= 400) {
      return { findings: [fine('login.clear', 'A login without TLS is refused before the password.')] };
    }
    return {
      findings: [
        wrong(
          'login.clear',
          'high',
          `The server asks for a password without TLS (${reply.code}): everybody on the way can read it.`,
          'Require TLS on the control channel before USER.',
        ),
      ],
    };
  },
};
