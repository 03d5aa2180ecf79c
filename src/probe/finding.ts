/** What a probe says about a server: findings, and what it could not find out. */

/** How bad a finding is, the least first. `ok` is as it should be, `info` is worth knowing and nothing to worry about. */
export const SEVERITIES = ['ok', 'info', 'low', 'medium', 'high'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One answer about a server. */
export interface Finding {
  /** Which question it answers, such as `auth.injection`. Stable: monitoring may rely on it. */
  readonly id: string;
  readonly severity: Severity;
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What to do about it, in one sentence. */
  readonly advice: string;
}

/** A check that was not made, or came to no answer. */
export interface Skipped {
  /** The check. */
  readonly id: string;
  /** Whether it was left out on purpose (no credentials, for example), or was tried and came to no end. */
  readonly why: 'notAsked' | 'failed';
  readonly reason: string;
}

/** A finding with nothing wrong. */
export function fine(id: string, meaning: string): Finding {
  return { id, severity: 'ok', meaning, advice: 'Nothing to do.' };
}

/** Something worth knowing that asks for nothing. */
export function noted(id: string, meaning: string, advice = 'Nothing to do.'): Finding {
  return { id, severity: 'info', meaning, advice };
}

/** Something that should be otherwise. */
export function wrong(id: string, severity: 'low' | 'medium' | 'high', meaning: string, advice: string): Finding {
  return { id, severity, meaning, advice };
}

/** Whether a severity is as bad as the threshold, or worse. */
export function reaches(severity: Severity, threshold: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold);
}
