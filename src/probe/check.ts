/** What a check is: one question to a server, on connections of its own, and what it is given for that. */
import type { ProbeFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { Logins } from './logins.ts';
import type { ProbeBounds } from './probe-client.ts';
import type { ProbeTarget } from './target.ts';

/** What a check works with. */
export interface ProbeContext extends ProbeBounds {
  readonly target: ProbeTarget;
  /** What the checks before have seen. */
  readonly facts: ProbeFacts;
}

/** The same for checks that log in. */
export interface MemberContext extends ProbeContext {
  readonly logins: Logins;
}

/** What a check has come to. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly facts?: ProbeFacts;
}

/** A question that anybody may ask. */
export interface OpenCheck {
  readonly id: string;
  readonly needs: 'nothing' | 'explicit';
  /** @throws anything, for which the check counts as failed. */
  run(context: ProbeContext): Promise<CheckResult>;
}

/** A question that takes an account, or leave to write as well. */
export interface MemberCheck {
  readonly id: string;
  readonly needs: 'login' | 'write';
  run(context: MemberContext): Promise<CheckResult>;
}

export type Check = OpenCheck | MemberCheck;
