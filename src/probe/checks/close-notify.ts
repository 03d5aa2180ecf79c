/** Whether the server says that it is done, so that a client can tell a whole listing or file from one that was cut off. */
import type { CheckResult, MemberCheck } from '../check.ts';
import { succeeded, type Transferred, transferPassive } from '../data-link.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';

/** `close-notify.listing`. */
export const closeNotifyCheck: MemberCheck = {
  id: 'close-notify',
  needs: 'login',
  async run(context): Promise<CheckResult> {
    const listing = await context.logins.use('protected', context, async (client) => {
      const session = await client.waitForSession();
      return await transferPassive(client, context, 'LIST', { protection: 'tls', session });
    });
    return { findings: [judgeEnd('close-notify.listing', 'listing', listing)] };
  },
};

/** The finding about how the server ended what it sent. */
export function judgeEnd(id: string, what: 'listing' | 'download', transferred: Transferred): Finding {
  if (!succeeded(transferred) || transferred.tls === undefined) {
    return noted(id, `No ${what} came to its end, so how the server ends one is not known.`, 'See session.resumed.');
  }
  if (transferred.end === 'closeNotify') return fine(id, `The server ends a ${what} with close_notify.`);
  return wrong(
    id,
    'medium',
    `The server ends a ${what} without close_notify: a client cannot tell it from one that was cut off on the way.`,
    'Update the server; until then, let clients compare sizes or hashes.',
  );
}
