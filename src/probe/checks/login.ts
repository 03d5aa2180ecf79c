/** Whether the account that was given can be used: the checks behind this one take it for granted. */
import type { CheckResult, MemberCheck } from '../check.ts';
import { fine } from '../finding.ts';

/** `login.secured`. */
export const loginCheck: MemberCheck = {
  id: 'login',
  needs: 'login',
  async run(context): Promise<CheckResult> {
    return await context.logins.use('pristine', context, async () => ({
      findings: [fine('login.secured', 'The account logs in under TLS.')],
    }));
  },
};
