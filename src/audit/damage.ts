/** What is wrong with a log that was altered, cut or mixed up. */

/** The first thing that is wrong. */
export interface LogProblem {
  /** The first record that is, or may be, concerned; undefined when the damage cannot be narrowed down to one. */
  readonly index: number | undefined;
  /** Where it was seen, below the log's directory. */
  readonly file: string;
  readonly why: string;
}

/** The files of a log contradict each other, or its signature: nothing may be added to it until somebody has looked. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged';
  readonly problem: LogProblem;

  constructor(problem: LogProblem, options?: ErrorOptions) {
    const where = problem.index === undefined ? '' : `, record ${problem.index}`;
    super(`the audit log is damaged (${problem.file}${where}): ${problem.why}`, options);
    this.problem = problem;
  }
}
